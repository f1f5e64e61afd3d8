//! The exit status is the task's own, or says why there was none.

use std::time::{Duration, Instant};

use crate::support::{App, Host, Image};

/// With an init process the task is its child; without it the first process.
fn with_and_without_init(check: impl Fn(&App<'_>)) {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    check(&app);
    app.dokku_ok("scheduler-docker-local:set", &["init-process", "false"]);
    check(&app);
}

#[test]
fn run_exits_with_the_exit_code_of_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for code in [0, 1, 3, 20, 124, 125, 126, 127, 128, 255] {
        assert_eq!(app.sh(&format!("exit {code}")).code, code);
    }
}

#[test]
fn run_exits_127_when_the_command_is_not_found() {
    with_and_without_init(|app| {
        let output = app.run(["no-such-command"]);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (127, ""),
            "{output:?}"
        );
        assert!(output.stderr.contains("no-such-command"), "{output:?}");
    });
}

#[test]
fn run_exits_126_when_the_command_is_not_executable() {
    with_and_without_init(|app| {
        for command in ["/app/not-executable", "/etc"] {
            assert_eq!(app.run([command]).code, 126, "{command}");
        }
    });
}

#[test]
fn run_exits_125_when_docker_cannot_create_the_container() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok(
        "docker-options:add",
        &["run", "--network=no-such-network-of-oneoff"],
    );
    let output = app.run(["true"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (125, ""),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("no-such-network-of-oneoff"),
        "{output:?}"
    );
}

#[test]
fn run_exits_128_plus_the_signal_that_killed_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (signal, code) in [("KILL", 137), ("TERM", 143), ("SEGV", 139)] {
        assert_eq!(app.sh(&format!("kill -{signal} $$")).code, code, "{signal}");
    }
}

#[test]
fn run_exits_124_at_the_deadline() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for options in [["--timeout", "4"], ["--ttl-seconds", "4"]] {
        let started = Instant::now();
        let output = app.run_with(
            &options,
            [
                "sh",
                "-c",
                "trap 'echo last words; exit 0' TERM; while :; do sleep 0.1; done",
            ],
        );
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (124, "last words\n"),
            "{output:?}"
        );
        assert!(output.stderr.contains("deadline"), "{output:?}");
        assert!(
            started.elapsed() < Duration::from_secs(25),
            "{:?}",
            started.elapsed()
        );
    }
}

#[test]
fn a_task_that_ignores_sigterm_is_killed_after_the_stop_timeout() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("ps:set", &["stop-timeout-seconds", "1"]);
    let output = app.run_with(
        &["--timeout=1"],
        ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
    );
    assert_eq!(output.code, 124, "{output:?}");
}

#[test]
fn run_exits_with_dokku_fail_exit_code_when_it_refuses() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let command = app
        .command(&["--wrong"], ["true"])
        .env("DOKKU_FAIL_EXIT_CODE", "42");
    assert_eq!(crate::support::run_to_end(&command).code, 42);
}

mod parity {
    use super::*;

    #[test]
    fn run_passes_on_the_exit_code_as_core_does() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        for code in [0, 3] {
            let output = app.run_with(
                &["--no-tty"],
                ["sh", "-c", &format!("echo out; exit {code}")],
            );
            assert_eq!((output.code, output.stdout.as_str()), (code, "out\n"));
        }
    }
}
