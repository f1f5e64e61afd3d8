//! `run:attach`

use crate::support::{App, Gate, Host, Image, Terminal, docker, record, wait_until, write_records};

/// A detached task; its name.
fn detached(host: &Host, app: &App<'_>, options: &[&str], script: &str) -> String {
    let words = [&["run:detached"], options, &[&app.name, "sh", "-c", script]].concat();
    let output = host.dokku(words);
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.trim().to_owned()
}

fn is_gone(app: &App<'_>) {
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn attach_exits_with_the_exit_code_of_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("{}; echo out; echo err >&2; exit 3", Gate::WAIT[2]);
    let name = detached(&host, &app, &[], &script);
    gate.wait();
    let command = host.command(["run:attach", "--container", &name]);
    let command = command
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        .unchecked();
    let handle = command.start().unwrap();
    wait_until("it is joined", || {
        crate::support::docker_client(handle.pids()[0], &["container", "attach"])
    });
    // The client is there before docker has joined it.
    wait_until("docker has joined it", || {
        handle.try_wait().unwrap();
        docker(&[
            "system",
            "events",
            "--since=10m",
            "--until=0s",
            "--filter=event=attach",
            "--format={{.Actor.Attributes.name}}",
        ])
        .lines()
        .any(|line| line == name)
        .then_some(())
    });
    gate.open();
    let output = crate::support::Output::new(handle.wait().unwrap());
    is_gone(&app);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (3, "out\n", "err\n")
    );
}

#[test]
fn a_terminal_can_attach_detach_and_attach_again() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let script = "while read line; do echo \"got $line\"; [ \"$line\" != end ] || exit 5; done";
    let name = detached(&host, &app, &["--force-tty"], script);
    let mut terminal = Terminal::start(&host, "\"$@\"", ["run:attach", "--container", &name]);
    terminal.wait_raw();
    terminal.type_keys("one\r");
    terminal.wait_for("got one");
    terminal.type_keys("\u{1d}\u{11}");
    assert_eq!(terminal.wait_exit_code(), 0);
    terminal.wait_for(&format!(
        "The task is still running. Reattach with 'dokku run:attach --container {name}'"
    ));
    terminal.wait_restored();
    let mut again = Terminal::start(&host, "\"$@\"", ["run:attach", "--container", &name]);
    again.wait_raw();
    again.type_keys("end\r");
    again.wait_for("got end");
    assert_eq!(again.wait_exit_code(), 5);
    again.wait_restored();
    is_gone(&app);
}

#[test]
fn a_signal_ends_attach_and_not_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = detached(&host, &app, &[], Gate::WAIT[2]);
    gate.wait();
    for (quiet, signal, code) in [(None, "INT", 130), (Some("--quiet"), "TERM", 143)] {
        let words = ["run:attach", "--container", &name];
        let command = host.command(quiet.into_iter().chain(words));
        let command = command
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked();
        let handle = command.start().unwrap();
        wait_until("it is joined", || {
            crate::support::docker_client(handle.pids()[0], &["container", "attach"])
        });
        crate::support::signal_ours(handle.pids()[0], "attach", signal);
        let output = crate::support::Output::new(handle.wait().unwrap());
        assert_eq!(output.code, code, "{output:?}");
        let said = output.stderr.contains("Reattach with");
        assert_eq!(said, quiet.is_none(), "{output:?}");
    }
    assert_eq!(
        docker(&[
            "container",
            "inspect",
            "--format",
            "{{.State.Status}}",
            &name
        ]),
        "running"
    );
    gate.open();
    is_gone(&app);
}

#[test]
fn attach_exits_with_the_exit_code_of_a_task_that_has_ended() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let name = format!("{}.run.1", app.name);
    let output = host.dokku(["run:attach", "--container", &name]);
    let expected =
        format!("-----> {name} has ended. 'dokku run:logs --container {name}' shows its output\n");
    assert_eq!((output.code, output.stderr.as_str()), (3, &*expected));
    // The container of this one still exists: its hook takes its time.
    let gate = Gate::new(&app);
    let hook = format!(
        "[ \"$2\" != {} ] || while [ ! -e {} ]; do sleep 0.05; done",
        app.name,
        gate.path("go").display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    let name = detached(&host, &app, &[], "exit 5");
    wait_until("the container has exited", || {
        let filters = ["--all", "--quiet", "--filter=status=exited", "--filter"];
        let filter = format!("name={name}");
        let listed = docker(&[&["container", "ls"], &filters[..], &[&filter]].concat());
        (!listed.is_empty()).then_some(())
    });
    let attach = host.command(["run:attach", "--container", &name]);
    let attach = attach.stdin_null().stderr_capture().unchecked();
    let attach = attach.start().unwrap();
    gate.open();
    let output = crate::support::Output::new(attach.wait().unwrap());
    assert_eq!(output.code, 5);
    assert!(
        output
            .stderr
            .ends_with(&format!("--container {name}' shows its output\n")),
        "{output:?}"
    );
    is_gone(&app);
}

#[test]
fn exec_refuses_a_task_that_has_ended() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let name = format!("{}.run.1", app.name);
    host.dokku(["run:exec", "--container", &name, "true"])
        .assert_refused(1, &format!("{name} has ended already"));
}
