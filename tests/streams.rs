//! Bytes in and bytes out.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use duct::cmd;

use crate::support::{
    Gate, Host, Image, Output, docker, docker_client, records, run_to_end, wait_until,
};

/// Bytes of every value, in no order that a text tool would leave alone.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..))
        .take(length)
        .collect()
}

#[test]
fn a_pipe_of_100_megabytes_passes_through_the_task_unchanged() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let directory = tempfile::tempdir().unwrap();
    let (sent, received) = (
        directory.path().join("sent"),
        directory.path().join("received"),
    );
    let bytes = noise(100_000_000);
    fs::write(&sent, &bytes).unwrap();
    // A real pipe: `cat` writes it, docker's client reads it.
    let run = cmd!("cat", &sent)
        .pipe(app.command(&[], ["cat"]))
        .stdout_path(&received)
        .stderr_capture();
    let output = run.unchecked().run().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).as_ref()
        ),
        (Some(0), "")
    );
    assert!(
        fs::read(&received).unwrap() == bytes,
        "{} bytes came",
        fs::metadata(&received).unwrap().len()
    );
}

#[test]
fn a_task_that_does_not_read_an_endless_stdin_ends() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = run_to_end(
        &app.command(&[], ["echo", "done"])
            .stdin_file(File::open("/dev/zero").unwrap()),
    );
    output.assert_stdout("done\n");
}

#[test]
fn an_open_stdin_pipe_without_data_does_not_delay_the_end() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let (reader, writer) = std::io::pipe().unwrap();
    let started = Instant::now();
    let output = run_to_end(&app.command(&[], ["echo", "done"]).stdin_file(reader));
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "it waited for the pipe"
    );
    drop(writer);
    output.assert_stdout("done\n");
}

#[test]
fn stdin_arrives_while_the_pipe_is_open_and_ends_with_it() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (mut output, task_output) = std::io::pipe().unwrap();
    let command = app.command(
        &[],
        ["sh", "-c", "read line; echo got $line; cat; echo end"],
    );
    let handle = command
        .stdin_file(reader)
        .stdout_file(task_output)
        .start()
        .unwrap();
    drop(command);
    writer.write_all(b"one\n").unwrap();
    let mut first = [0; 8];
    output.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"got one\n");
    writer.write_all(b"two\n").unwrap();
    drop(writer);
    let mut rest = String::new();
    handle.wait().unwrap();
    drop(handle);
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "two\nend\n");
}

#[test]
fn stdout_and_stderr_stay_separate() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = app.sh("printf out; printf err >&2; exit 4");
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (4, "out", "err")
    );
}

#[test]
fn no_stdin_gives_the_task_an_empty_stdin() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = run_to_end(
        &app.command(&["--no-stdin"], ["wc", "-c"])
            .stdin_bytes("not for the task"),
    );
    output.assert_stdout("0\n");
}

#[test]
fn no_stdin_leaves_the_stdin_of_the_caller_unread() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let dokku = host.command(["run", "--no-stdin", &app.name, "cat"]);
    // What `while read` in a shell does: the command in the loop must leave the rest.
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"one\ntwo\n").unwrap();
    drop(writer);
    run_to_end(&dokku.stdin_file(reader.try_clone().unwrap())).assert_stdout("");
    let mut rest = String::new();
    { reader }.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "one\ntwo\n");
}

#[test]
fn the_task_keeps_running_when_its_stdout_is_closed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i + 1)); sleep 0.05; done; echo all >/gate/all";
    let run = app
        .command(&[], ["sh", "-c", script])
        .stdin_null()
        .stderr_capture()
        .unchecked();
    let output = run
        .pipe(cmd!("head", "-n", "1"))
        .stdout_capture()
        .unchecked()
        .run()
        .unwrap();
    assert_eq!(output.stdout, b"line 0\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panic"), "{stderr}");
    wait_until("the task comes to its end", || {
        gate.path("all").exists().then_some(())
    });
    wait_until("its container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn notices_and_hook_output_are_written_to_stderr() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("job: echo from the Procfile\n");
    let hook = format!("[ \"$3\" != {0} ] || echo said by a hook", app.name);
    host.add_hook("oneoff-test-talks", "post-container-create", &hook);
    let output = app.run(["job"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "from the Procfile\n")
    );
    assert_eq!(
        output.stderr,
        "-----> Found 'job' in Procfile, running that command\nsaid by a hook\n"
    );
}

#[test]
fn run_quiet_prints_only_errors() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("job: echo from the Procfile\n");
    host.dokku(["--quiet", "run", &app.name, "job"])
        .assert_stdout("from the Procfile\n");
    host.dokku(["--quiet", "run", "no-such-app", "job"])
        .assert_refused(20, "App no-such-app does not exist");
}

/// The command with a full disk as its stdout.
fn on_full_disk(command: &duct::Expression) -> Output {
    run_to_end(&command.stdin_null().stdout_path("/dev/full"))
}

const LOST: &str = "could not be written completely: No space left on device";

#[test]
fn run_reports_output_that_cannot_be_written_and_the_task_runs_to_its_end() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (last, code) in [("true", 1), ("exit 3", 3)] {
        let script = format!("seq 1 200000; {last}");
        let output = on_full_disk(&app.command(&[], ["sh", "-c", &script]));
        assert_eq!(output.code, code, "{output:?}");
        assert_eq!(output.stderr.matches(LOST).count(), 1, "{output:?}");
        assert_eq!(app.containers(), [""; 0]);
    }
    let task_codes = records(&host, &app)
        .iter()
        .map(|record| record["exit_code"].as_u64())
        .collect::<Vec<_>>();
    assert_eq!(task_codes, [Some(0), Some(3)]);
}

#[test]
fn a_full_stderr_is_reported_like_a_full_stdout() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let command = app.command(&[], ["sh", "-c", "echo out; echo err >&2"]);
    let full = command.stdin_null().stderr_path("/dev/full");
    let output = run_to_end(&full);
    assert_eq!((output.code, output.stdout.as_str()), (1, "out\n"));
}

#[test]
fn stdout_and_stderr_in_one_file_keep_their_order() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let file = tempfile::NamedTempFile::new().unwrap();
    let script = "for i in 1 2 3; do echo out $i; sleep 0.3; echo err $i >&2; sleep 0.3; done";
    let command = app.command(&[], ["sh", "-c", script]).stdin_null();
    let status = command.stderr_to_stdout().stdout_path(file.path()).run();
    assert!(status.is_ok());
    assert_eq!(
        fs::read_to_string(file.path()).unwrap(),
        "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
    );
}

#[test]
fn logs_exec_and_attach_report_output_that_cannot_be_written() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("seq 1 50000; {}; seq 1 50000", Gate::WAIT[2]);
    let command = app.subcommand("run:detached", &[], ["sh", "-c", &script]);
    let name = run_to_end(&command.stdin_null()).stdout.trim().to_owned();
    gate.wait();
    let container = ["--container", name.as_str()];
    let subcommand = |name: &str, rest: &[&str]| {
        let words = [&[name][..], &container, rest].concat();
        on_full_disk(&host.command(words))
    };
    for options in [&[][..], &["--quiet"]] {
        let output = subcommand("run:logs", options);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(
            output.stderr.contains("No space left on device"),
            "{output:?}"
        );
    }
    let output = subcommand("run:exec", &["seq", "1", "50000"]);
    assert_eq!((output.code, output.stderr.matches(LOST).count()), (1, 1));
    let words = ["run:attach", "--container", &name];
    let attached = host.command(words).stdin_null().stdout_path("/dev/full");
    let attached = attached.stderr_capture().unchecked().start().unwrap();
    wait_until("a client is attached", || {
        docker_client(attached.pids()[0], &["container", "attach"])
    });
    // docker attaches the client some time after its start.
    wait_until("docker has attached it", || {
        let filters = [
            "--filter=event=attach",
            "--format={{.Actor.Attributes.name}}",
        ];
        let events = ["system", "events", "--since=10m", "--until=0s"];
        let events = docker(&[&events[..], &filters].concat());
        events.lines().any(|line| line == name).then_some(())
    });
    gate.open();
    let output = Output::new(attached.wait().unwrap());
    assert_eq!(
        (output.code, output.stderr.matches(LOST).count()),
        (1, 1),
        "{output:?}"
    );
    // The saved output of an ended task.
    wait_until("the task has a record", || {
        (!records(&host, &app).is_empty() && app.containers().is_empty()).then_some(())
    });
    let output = subcommand("run:logs", &[]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("cannot be shown"), "{output:?}");
}
