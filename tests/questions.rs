//! What a run costs in calls: nothing is asked twice, and nobody is asked for
//! nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Host, Image};

#[test]
fn an_attached_task_makes_five_docker_calls() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    let calls = host.directory().join("calls");
    host.replace_docker(&format!(
        "echo \"$1 $2\" >>{}; exec \"$DOCKER\" \"$@\"",
        calls.display()
    ));
    app.run(["true"]).assert_stdout("");
    let calls = fs::read_to_string(calls).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let expected = [
        "image inspect",
        "container create",
        "container start",
        "container inspect",
        "container rm",
    ];
    assert_eq!(calls, expected);
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
