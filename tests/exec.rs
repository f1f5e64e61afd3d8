//! `run:exec`

use std::time::Duration;

use duct::Handle;

use crate::support::{
    App, Gate, Host, Image, Output, Terminal, poll_for, run_to_end, signal_ours, wait_until,
};

/// A detached task that waits at the gate; its name.
fn waiting(host: &Host, app: &App<'_>, gate: &Gate) -> String {
    let output = host.dokku([&["run:detached", &app.name][..], &Gate::WAIT].concat());
    gate.wait();
    output.stdout.trim().to_owned()
}

fn end(app: &App<'_>, gate: &Gate) {
    gate.open();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn exec_runs_a_command_in_the_container_with_the_streams_of_its_caller() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = waiting(&host, &app, &gate);
    let exec = |words: &[&str]| {
        let words = [&["run:exec", "--container", &name], words].concat();
        run_to_end(&host.command(words).stdin_bytes("in\n"))
    };
    let streams = exec(&["sh", "-c", "cat; echo err >&2; exit 7"]);
    let same = exec(&[
        "sh",
        "-c",
        "tr '\\0' ' ' </proc/1/cmdline; [ -t 0 ] || echo none",
    ]);
    let words = exec(&["printf", "[%s]", "--help", "", "-n 'x y'", "--no-tty"]);
    let missing = exec(&["no-such-command"]);
    end(&app, &gate);
    assert_eq!(
        (
            streams.code,
            streams.stdout.as_str(),
            streams.stderr.as_str()
        ),
        (7, "in\n", "err\n")
    );
    assert!(
        same.stdout.contains("/gate/ready") && same.stdout.ends_with("none\n"),
        "{same:?}"
    );
    words.assert_stdout("[--help][][-n 'x y'][--no-tty]");
    // Docker's daemon before 25 says 126.
    assert!([126, 127].contains(&missing.code), "{missing:?}");
}

#[test]
fn exec_allocates_a_terminal_as_run_does() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = waiting(&host, &app, &gate);
    let script = "[ -t 0 ] && [ -t 1 ] && echo \"yes $TERM\" || echo no";
    let shown = |redirection: &str, option: &str| {
        let words = ["run:exec", option, "--container", &name, "sh", "-c", script];
        let words = words.into_iter().filter(|word| !word.is_empty());
        let mut terminal = Terminal::start(&host, &format!("\"$@\" {redirection}"), words);
        assert_eq!(terminal.wait_exit_code(), 0);
        terminal.wait_restored();
        terminal.screen()
    };
    let both = shown("", "");
    let piped = shown("</dev/null", "");
    let refused = shown("", "--no-tty");
    let either = host.dokku([
        "run:exec",
        "--no-tty",
        "--force-tty",
        "--container",
        &name,
        "true",
    ]);
    end(&app, &gate);
    assert!(
        both.contains(&format!("yes {}", Terminal::TERM)),
        "{both:?}"
    );
    assert!(
        piped.contains("no") && refused.contains("no"),
        "{piped:?} {refused:?}"
    );
    either.assert_refused(1, "Cannot specify both --force-tty and --no-tty");
}

fn started(host: &Host, name: &str, command: &[&str]) -> Handle {
    let words = [&["run:exec", "--container", name], command].concat();
    let command = host
        .command(words)
        .stdin_null()
        .stdout_capture()
        .stderr_capture();
    command.unchecked().start().unwrap()
}

#[test]
fn a_signal_to_exec_reaches_its_command_and_not_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = waiting(&host, &app, &gate);
    let ready = || {
        wait_until("the command runs", || {
            std::fs::remove_file(gate.path("there")).ok()
        });
    };
    let trap = started(
        &host,
        &name,
        &[
            "sh",
            "-c",
            "trap 'exit 9' TERM; touch /gate/there; while :; do sleep 0.05; done",
        ],
    );
    ready();
    signal_ours(trap.pids()[0], "exec", "TERM");
    let caught = Output::new(trap.wait().unwrap());
    let deaf = started(
        &host,
        &name,
        &[
            "sh",
            "-c",
            "trap 'touch /gate/there' INT; touch /gate/there; while :; do sleep 0.05; done",
        ],
    );
    ready();
    signal_ours(deaf.pids()[0], "exec", "INT");
    ready(); // two that are one after the other, and not one
    signal_ours(deaf.pids()[0], "exec", "INT");
    let killed = Output::new(deaf.wait().unwrap());
    let left = host.dokku([
        "run:exec",
        "--container",
        &name,
        "sh",
        "-c",
        "ps | grep -c [t]rap",
    ]);
    end(&app, &gate);
    assert_eq!((caught.code, caught.stderr.as_str()), (9, ""));
    assert_eq!(killed.code, 137, "the second time: {killed:?}");
    assert_eq!(left.stdout, "0\n", "{left:?}");
}

#[test]
fn exec_ends_on_a_signal_when_docker_hangs() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = waiting(&host, &app, &gate);
    host.dokku_ok(&["run:set", "--global", "docker-timeout", "5"]);
    // The command itself has its input.
    host.replace_docker(
        r#"case "$*" in "container exec -- "*) exec sleep 600 ;; esac
        exec "$DOCKER" "$@""#,
    );
    let command = started(&host, &name, &["sh", "-c", "touch /gate/ready; sleep 60"]);
    gate.wait();
    signal_ours(command.pids()[0], "exec", "INT");
    let ended = poll_for(Duration::from_secs(25), || {
        command.try_wait().unwrap().cloned()
    });
    host.set_docker(&which::which("docker").unwrap());
    if ended.is_none() {
        signal_ours(command.pids()[0], "exec", "KILL");
        for process in host.processes() {
            if process.words == "sleep 600" {
                process.kill();
            }
        }
    }
    end(&app, &gate);
    let output = Output::new(&ended.expect("it has ended"));
    assert_eq!(output.code, 130);
    assert!(output.stderr.contains("is still running"), "{output:?}");
}

/// The shell of an image is the image's: this one says that all is well, or nothing.
#[test]
fn exec_ends_its_client_at_the_second_signal() {
    let host = Host::new();
    for said in ["exit 0", "exec sleep 600"] {
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        let name = waiting(&host, &app, &gate);
        let change = format!(
            "rm /bin/sh && printf '#!/bin/busybox ash\\ntouch /gate/asked\\n{said}\\n' >/bin/sh && chmod +x /bin/sh"
        );
        let command = ["container", "exec", &name, "busybox", "ash", "-c", &change];
        crate::support::docker(&command);
        let script = "touch /gate/there; exec sleep 600";
        let deaf = started(&host, &name, &["busybox", "ash", "-c", script]);
        for file in ["there", "asked"] {
            if file == "asked" {
                signal_ours(deaf.pids()[0], "exec", "INT");
            }
            wait_until(file, || std::fs::remove_file(gate.path(file)).ok());
        }
        signal_ours(deaf.pids()[0], "exec", "INT");
        let ended = poll_for(Duration::from_secs(25), || {
            deaf.try_wait().unwrap().cloned()
        });
        if ended.is_none() {
            signal_ours(deaf.pids()[0], "exec", "KILL");
        }
        end(&app, &gate);
        let output = Output::new(&ended.expect("it has ended"));
        assert_eq!(output.code, 137, "{said}: {output:?}");
        assert!(
            output.stderr.contains("is still running"),
            "{said}: {output:?}"
        );
    }
}

#[test]
fn exec_uses_the_launcher_of_a_buildpack_image() {
    let host = Host::new();
    for image in [Image::Herokuish, Image::Pack] {
        let app = host.app(image);
        let gate = Gate::new(&app);
        let name = waiting(&host, &app, &gate);
        let output = host.dokku(["run:exec", "--container", &name, "echo", "a b"]);
        end(&app, &gate);
        assert_eq!(output.code, 0, "{output:?}");
        assert!(
            output.stdout.contains("[echo]") && output.stdout.contains("[a b]"),
            "{image:?}: {output:?}"
        );
    }
}

#[test]
fn exec_reports_a_missing_container_or_command() {
    let host = Host::new();
    host.dokku(["run:exec", "true"])
        .assert_refused(1, "No container specified");
    host.dokku(["run:exec", "--container", "x"])
        .assert_refused(1, "No command specified");
    host.dokku(["run:exec", "--container", "no-such-container", "true"])
        .assert_refused(1, "there is no one-off container 'no-such-container'");
    host.dokku(["run:exec", "--wrong", "true"])
        .assert_refused(1, "'--wrong'");
}
