//! Bytes in and bytes out.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use duct::cmd;

use crate::support::{Gate, Host, Image, run_to_end, wait_until};

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
