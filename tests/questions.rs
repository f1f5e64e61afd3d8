//! What a run costs in calls: nothing is asked twice, and nobody is asked for
//! nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Host, Image, our_program, poll_for, signal, wait_until};

/// Notes the first words of each call of docker's in a file. Those of a pattern first do
/// something else.
fn note_calls(host: &Host, pattern: &str, trouble: &str) -> PathBuf {
    let calls = host.directory().join("calls");
    host.replace_docker(&format!(
        "echo \"$1 $2\" >>{}; case \"$1 $2\" in {pattern}) {trouble} ;; esac; exec \"$DOCKER\" \"$@\"",
        calls.display()
    ));
    calls
}

#[test]
fn an_attached_task_makes_five_docker_calls() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    // Docker has the time to tell of the end.
    let late = "\"$DOCKER\" \"$@\"; code=$?; sleep 2; exit $code";
    let calls = note_calls(&host, "*' start'", late);
    app.run(["sleep", "1"]).assert_stdout("");
    let calls = fs::read_to_string(calls).unwrap();
    let mut calls: Vec<&str> = calls.lines().collect();
    calls[2..4].sort_unstable(); // side by side
    let expected = [
        "image inspect",
        "container create",
        "container start",
        "events --format",
        "container inspect", // its own state: a label may say otherwise in an event
        "container rm",
    ];
    assert_eq!(calls, expected);
}

#[test]
fn run_inspects_the_container_once_when_the_event_stream_fails() {
    for trouble in ["exit 1", "echo nonsense", "exec sleep 600"] {
        let host = Host::new();
        if !host.is_disposable() {
            return; // its docker is replaced
        }
        let app = host.app(Image::Busybox);
        let calls = note_calls(&host, "events*", trouble);
        let output = app.run(["sh", "-c", "exit 3"]);
        assert_eq!((output.code, output.stderr.as_str()), (3, ""), "{trouble}");
        let calls = fs::read_to_string(calls).unwrap();
        assert_eq!(calls.matches("container inspect").count(), 1, "{calls}");
        wait_until("nobody is left", || {
            host.processes().is_empty().then_some(())
        });
    }
}

#[test]
fn run_exits_with_the_task_when_the_die_event_arrives_late() {
    // From so much earlier (20.10) or at once (26).
    for delay in ["0", "0.03", "0.06", "0.08", "0.1", "0.12", "0.15"] {
        let host = Host::new();
        if !host.is_disposable() {
            return; // its docker is replaced
        }
        let app = host.app(Image::Busybox);
        let late = format!("while read -r line; do sleep {delay}; echo \"$line\"; done");
        host.replace_docker(&format!(
            "[ \"$1\" = events ] || exec \"$DOCKER\" \"$@\"; \"$DOCKER\" \"$@\" | {late}"
        ));
        let task = app.command(&[], ["sh", "-c", "echo out; exit 3"]);
        let task = task
            .stdin_null()
            .stdout_capture()
            .unchecked()
            .start()
            .unwrap();
        let ended = poll_for(Duration::from_secs(20), || {
            task.try_wait().unwrap().map(|_| ())
        });
        if ended.is_none() {
            signal(our_program(task.pids()[0], "run").unwrap(), "TERM");
        }
        let output = task.wait().unwrap();
        assert_eq!(ended, Some(()), "{delay}");
        assert_eq!(
            (output.status.code(), &*output.stdout),
            (Some(3), &b"out\n"[..])
        );
    }
}

#[test]
fn run_fires_each_trigger_once_without_starting_plugn() {
    const QUESTIONS: [&str; 10] = [
        "config-export",
        "deployed-app-image-repo",
        "deployed-app-image-tag",
        "deployed-app-repository",
        "docker-args-process-run",
        "docker-args-run",
        "post-container-create",
        "procfile-get-command",
        "ps-get-property",
        "scheduler-detect",
    ];
    let host = Host::new();
    if !host.is_disposable() {
        return; // its plugn is replaced
    }
    let app = host.app(Image::Busybox);
    let asked = host.directory().join("asked");
    for hook in QUESTIONS {
        let script = format!("echo {hook} >>{}", asked.display());
        host.add_hook("oneoff-test-asked", hook, &script);
    }
    let inner = "plugn trigger oneoff-test-inner >&2";
    host.add_hook("oneoff-test-asks", "docker-args-run", inner);
    host.add_hook("oneoff-test-asks", "oneoff-test-inner", "echo inner");
    let plugn = host.directory().join("host/bin/plugn");
    let kept = plugn.with_file_name("plugn.kept");
    fs::rename(&plugn, &kept).unwrap();
    fs::write(&plugn, "#!/bin/sh\necho plugn \"$@\" >&2\nexit 1\n").unwrap();
    fs::set_permissions(&plugn, fs::Permissions::from_mode(0o755)).unwrap();
    let output = app.run(["true"]);
    fs::rename(kept, plugn).unwrap(); // the app's removal needs it
    assert_eq!((output.code, output.stderr.as_str()), (0, "inner\n"));
    let asked = fs::read_to_string(asked).unwrap();
    let mut asked: Vec<&str> = asked.lines().collect();
    asked.sort_unstable();
    assert_eq!(asked, QUESTIONS);
}
