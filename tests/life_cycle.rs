//! From the creation of a container to its removal.

use duct::{Handle, cmd};

use crate::support::{
    App, Gate, Host, Image, Log, Output, docker, docker_client, our_program, signal, wait_until,
};

/// A task in the background that runs until it is told to end.
struct Running {
    handle: Handle,
}

impl Running {
    fn start(app: &App<'_>, gate: &Gate, script: &str) -> Self {
        let script = format!("{script}; touch /gate/ready; while :; do sleep 0.05; done");
        let command = app
            .command(&[], ["sh", "-c", &script])
            .stdin_null()
            .stdout_capture()
            .stderr_capture();
        let handle = command.unchecked().start().unwrap();
        gate.wait();
        Self { handle }
    }

    /// Sends a signal to our own process, below Dokku's.
    fn signal(&self, signal: &str) {
        let ours = our_program(self.handle.pids()[0], "run");
        crate::support::signal(ours.expect("our process runs"), signal);
    }

    fn end(&self) -> Output {
        Output::new(self.handle.wait().unwrap())
    }
}

#[test]
fn a_signal_is_forwarded_to_the_task_and_its_last_output_arrives() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    for (signal, code) in [("TERM", 5), ("INT", 6), ("QUIT", 7), ("HUP", 5)] {
        let task = Running::start(
            &app,
            &gate,
            "trap 'echo told TERM; exit 5' TERM; trap 'echo told INT; exit 6' INT; trap 'echo told QUIT; exit 7' QUIT",
        );
        task.signal(signal);
        let output = task.end();
        let told = if signal == "HUP" { "TERM" } else { signal };
        assert_eq!(
            (output.code, output.stdout),
            (code, format!("told {told}\n")),
            "{signal}"
        );
    }
}

#[test]
fn a_forwarded_signal_ends_a_task_without_a_handler() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let task = Running::start(&app, &Gate::new(&app), "true");
    task.signal("TERM");
    assert_eq!(task.end().code, 143);
}

#[test]
fn a_second_signal_kills_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let task = Running::start(&app, &Gate::new(&app), "trap 'echo told' TERM");
    task.signal("TERM");
    wait_until("the first one is delivered", || {
        let logs = cmd("docker", ["container", "logs", &app.containers().concat()])
            .stderr_null()
            .read()
            .unwrap();
        logs.contains("told").then_some(())
    });
    task.signal("TERM");
    assert_eq!(task.end().code, 137);
}

#[test]
fn a_signalled_task_is_killed_when_the_stop_timeout_expires() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("ps:set", &["stop-timeout-seconds", "3"]);
    let task = Running::start(&app, &Gate::new(&app), "trap 'echo told' TERM");
    task.signal("TERM");
    let output = task.end();
    assert_eq!((output.code, output.stdout.as_str()), (137, "told\n"));
}

#[test]
fn the_task_keeps_running_when_the_docker_client_is_killed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let task = Running::start(&app, &Gate::new(&app), "trap 'exit 5' TERM");
    let ours = task.handle.pids()[0];
    let client = docker_client(ours, &["start", "--attach"]);
    signal(client.expect("docker's client runs"), "KILL");
    wait_until("another client waits", || {
        docker_client(ours, &["container", "wait"])
    });
    task.signal("TERM");
    assert_eq!(task.end().code, 5);
}

#[test]
fn on_hangup_keep_leaves_the_task_running_after_sighup() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::new();
    let hook = format!(
        "[ \"$2\" != {} ] || echo $4 >>{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    app.dokku_ok("run:set", &["on-hangup", "keep"]);
    let task = Running::start(&app, &gate, "trap 'exit 6' TERM");
    task.signal("HUP");
    assert_eq!(task.end().code, 129);
    assert_eq!(app.containers().len(), 1, "it runs on");
    docker(&[
        "container",
        "kill",
        "--signal=TERM",
        &app.containers().concat(),
    ]);
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(log.read(), "6\n");
}

#[test]
fn on_hangup_stop_stops_the_task_when_its_stdout_is_closed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = "trap 'touch /gate/told; exit 0' TERM; echo first; while :; do sleep 0.05; done";
    let run = app
        .command(&["--on-hangup=stop"], ["sh", "-c", script])
        .stdin_null()
        .stderr_capture()
        .unchecked();
    let output = run
        .pipe(cmd!("head", "-n", "1"))
        .stdout_capture()
        .unchecked()
        .run()
        .unwrap();
    assert_eq!(output.stdout, b"first\n");
    assert!(gate.path("told").exists());
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn a_suspended_docker_client_does_not_delay_the_end_of_run() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let task = Running::start(&app, &Gate::new(&app), "true");
    let ours = task.handle.pids()[0];
    let client = docker_client(ours, &["start", "--attach"]).expect("docker's client runs");
    signal(client, "STOP");
    task.signal("TERM");
    let label = format!("label=com.dokku.app-name={}", app.name);
    wait_until("the task has ended", || {
        let running = docker(&["container", "ls", "--quiet", "--filter", &label]);
        running.is_empty().then_some(())
    });
    if let Some(run) = our_program(ours, "run") {
        // It may end by itself in this moment.
        let again = cmd!("kill", "-TERM", run.to_string()).stderr_null();
        again.unchecked().run().unwrap();
    }
    wait_until("we have ended, too", || {
        task.handle.try_wait().unwrap().map(|_| ())
    });
    // The kernel may have woken it, as nobody of its group's parents is left.
    let kill = cmd!("kill", "-KILL", client.to_string()).stderr_null();
    kill.unchecked().run().unwrap();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn run_reports_a_container_that_another_process_removed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let task = Running::start(&app, &Gate::new(&app), "true");
    // Docker kills it first: what we saw of it then would be an end like any other.
    task.signal("STOP");
    crate::support::docker(&["container", "rm", "--force", &app.containers().concat()]);
    task.signal("CONT");
    let output = task.end();
    assert_eq!(output.code, 125, "{output:?}");
    assert!(
        output.stderr.contains("removed by somebody else"),
        "{output:?}"
    );
}

#[test]
fn hooks_see_the_container_first_created_and_then_exited() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = Log::new();
    let state = "docker container inspect --format '{{.State.Status}}'";
    let write = |app_argument: &str, id: &str, rest: &str| {
        format!(
            "[ \"{app_argument}\" != {} ] || echo \"{rest} $({state} {id})\" >>{}",
            app.name,
            log.path().display()
        )
    };
    host.add_hook(
        "oneoff-test-hooks",
        "post-container-create",
        &write("$3", "$2", "create $1 $4"),
    );
    host.add_hook(
        "oneoff-test-hooks",
        "scheduler-post-run",
        &write("$2", "$3", "end $1 $4"),
    );
    assert_eq!(app.sh("exit 3").code, 3);
    assert_eq!(
        log.read(),
        "create app run created\nend docker-local 3 exited\n"
    );
}

#[test]
fn eight_parallel_attached_tasks_each_return_their_own_output() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let app = &app;
                scope.spawn(move || app.sh(&format!("echo {number}; exit {number}")))
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            let output = task.join().unwrap();
            assert_eq!(
                (output.code, output.stdout),
                (i32::try_from(number).unwrap(), format!("{number}\n"))
            );
        }
    });
}

mod parity {
    use super::*;

    #[test]
    fn no_container_is_left_after_a_task() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        assert_eq!(app.run_with(&["--no-tty"], ["true"]).code, 0);
        assert_eq!(app.run_with(&["--no-tty"], ["false"]).code, 1);
        wait_until("the containers are removed", || {
            app.containers().is_empty().then_some(())
        });
    }
}
