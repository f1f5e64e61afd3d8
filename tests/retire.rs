//! `run:retire`, and Dokku's five-minute pass.

use std::fs;

use duct::cmd;

use crate::support::{App, Gate, Host, Image, Log, docker, run_to_end, signal, wait_until};

/// A container that nobody of ours looks after, in this state.
fn orphan(app: &App<'_>, number: u32, labels: &[&str], script: &str, state: &str) -> String {
    let name = format!("{}.run.{number}", app.name);
    let mut words = vec!["container", "create", "--init", "--name", &name];
    let app_label = format!("com.dokku.app-name={}", app.name);
    let name_label = format!("{OUR_NAME}{name}");
    for label in ["com.dokku.container-type=run", &app_label]
        .iter()
        .chain(labels)
    {
        let label: &str = if *label == OURS { &name_label } else { label };
        words.extend(["--label", label]);
    }
    let image = app.image();
    words.extend([image.as_str(), "sh", "-c", script]);
    let id = docker(&words);
    match state {
        "created" => {}
        "exited" => {
            cmd("docker", ["container", "start", "--attach", &id])
                .unchecked()
                .stdout_null()
                .run()
                .unwrap();
        }
        _ => {
            docker(&["container", "start", &id]);
        }
    }
    if state == "paused" {
        // A pass of another test over all apps may have stopped it, and removes it then.
        let pause = cmd("docker", ["container", "pause", &id]).stdout_null();
        if !pause.unchecked().run().unwrap().status.success() {
            let name = format!("name=^{name}$");
            let running = ["container", "ls", "--quiet", "--filter", &name];
            assert_eq!(docker(&running), "", "it cannot be paused");
        }
    }
    name
}

fn names(app: &App<'_>) -> Vec<String> {
    let filter = format!("label=com.dokku.app-name={}", app.name);
    let mut names: Vec<String> = docker(&[
        "container",
        "ls",
        "--all",
        "--filter",
        &filter,
        "--format",
        "{{.Names}}",
    ])
    .lines()
    .map(str::to_owned)
    .collect();
    names.sort();
    names
}

const LATE: &str = "com.dokku.active-deadline-seconds=0";
const EARLY: &str = "com.dokku.active-deadline-seconds=600";
/// A placeholder for the label that a container of ours has.
const OURS: &str = "ours";
const OUR_NAME: &str = "dokku-oneoff.name=";

#[test]
fn retire_leaves_tasks_of_another_host_alone() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let ended = orphan(&app, 1, &[OURS], "exit 3", "exited");
    // Core's hook of the same pass stops what runs and is late, whoever's it is.
    let late = orphan(&app, 2, &[OURS, LATE], "true", "created");
    let other = Host::with_plugin();
    assert_eq!(other.dokku(["run:retire"]).code, 0);
    assert_eq!(names(&app), [ended, late]);
    assert_eq!(host.dokku(["run:retire"]).code, 0);
    assert_eq!(names(&app), [""; 0]);
}

fn log_of_ends(host: &Host, app: &App<'_>) -> tempfile::NamedTempFile {
    let log = tempfile::NamedTempFile::new().unwrap();
    fs::set_permissions(
        log.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .unwrap();
    let hook = format!(
        "[ \"$2\" != {} ] || echo $4 >>{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    log
}

#[test]
fn retire_removes_overdue_tasks_in_every_state() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (number, state) in ["created", "running", "paused", "exited"]
        .into_iter()
        .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        let script = if state == "exited" {
            "exit 3"
        } else {
            "trap 'exit 0' TERM; while :; do sleep 0.05; done"
        };
        orphan(&app, number, &[LATE], script, state);
    }
    let early = orphan(&app, 9, &[EARLY], "sleep 60", "running");
    let output = host.dokku(["run:retire", &app.name]);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(names(&app), [early.as_str()]);
    docker(&["container", "rm", "--force", &early]);
}

#[test]
fn retire_sweeps_orphaned_tasks_and_reports_their_exit_codes() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = log_of_ends(&host, &app);
    orphan(&app, 1, &[EARLY, OURS], "true", "created");
    orphan(&app, 2, &[EARLY, OURS], "exit 3", "exited");
    let cores = orphan(&app, 3, &[EARLY], "exit 4", "exited");
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    assert_eq!(names(&app), [cores.as_str()]);
    assert_eq!(fs::read_to_string(log.path()).unwrap(), "3\n");
    docker(&["container", "rm", &cores]);
}

#[test]
fn retire_hooks_inherit_nothing_from_the_caller() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = Log::new();
    let hook = format!(
        "[ \"$2\" != {} ] || {{ env; umask; }} >{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    for command in ["run:retire", "ps:retire"] {
        orphan(&app, 1, &[EARLY, OURS], "exit 3", "exited");
        let call = host.command_by("umask 077; exec \"$@\"", &[command]);
        let path = std::env::var("PATH").unwrap();
        let call = call
            .stdin_null()
            .env("ONEOFF_TEST_SECRET", "odd-secret")
            .env("PATH", format!("/odd-path:{path}"));
        let output = run_to_end(&call);
        assert_eq!(output.code, 0, "{command}: {output:?}");
        assert_eq!(names(&app), [""; 0], "{command}");
        let text = log.take();
        assert!(text.contains("DOKKU_LIB_ROOT="), "{command}: {text}");
        assert!(!text.contains("odd-"), "{command}: {text}");
        assert!(text.ends_with("\n0022\n"), "{command}: {text}");
    }
}

#[test]
fn retire_starts_a_supervisor_for_a_task_that_lost_its_own() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = log_of_ends(&host, &app);
    let gate = Gate::new(&app);
    let output = host.dokku([
        "run:detached",
        &app.name,
        "sh",
        "-c",
        "trap 'exit 6' TERM; touch /gate/ready; while :; do sleep 0.05; done",
    ]);
    gate.wait();
    let name = output.stdout.trim();
    let supervisor = wait_until("a process looks after it", || host.supervisor());
    signal(supervisor, "KILL");
    wait_until("it is gone", || host.supervisor().is_none().then_some(()));
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    wait_until("another one looks after it", || host.supervisor());
    docker(&["container", "kill", "--signal=TERM", name]);
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(fs::read_to_string(log.path()).unwrap(), "6\n");
}

#[test]
fn retire_keeps_a_task_that_starts_during_the_check() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let script = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
    let name = orphan(&app, 1, &[EARLY, OURS], script, "created");
    let state = tempfile::tempdir().unwrap();
    host.replace_docker(&format!(
        r#"case "$*" in "container inspect "*)
            if mkdir {}/looked 2>/dev/null; then
                "$DOCKER" "$@"
                exec "$DOCKER" container start {name} >/dev/null
            fi ;;
        esac
        exec "$DOCKER" "$@""#,
        state.path().display()
    ));
    let output = host.dokku(["run:retire", &app.name]);
    host.set_docker(&which::which("docker").unwrap());
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        docker(&[
            "container",
            "inspect",
            "--format",
            "{{.State.Running}}",
            &name
        ]),
        "true"
    );
    host.dokku(["run:stop", &app.name]);
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn retire_leaves_an_attached_task_alone() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = crate::support::Gate::new(&app);
    let command = app
        .command(&[], crate::support::Gate::WAIT)
        .stdin_null()
        .stdout_capture()
        .stderr_capture();
    let handle = command.unchecked().start().unwrap();
    gate.wait();
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    assert_eq!(app.containers().len(), 1);
    gate.open();
    assert_eq!(handle.wait().unwrap().status.code(), Some(0));
}

#[test]
fn retire_reports_an_invalid_deadline_label_once_and_continues() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let odd = orphan(
        &app,
        1,
        &["com.dokku.active-deadline-seconds=soon"],
        "sleep 60",
        "running",
    );
    orphan(&app, 2, &[LATE], "true", "exited");
    let output = host.dokku(["run:retire", &app.name]);
    assert_eq!(names(&app), [odd.as_str()]);
    docker(&["container", "rm", "--force", &odd]);
    let said = output
        .stderr
        .lines()
        .filter(|line| line.contains("'soon'"))
        .count();
    assert_eq!(said, 1, "{output:?}");
}

#[test]
fn run_retire_without_an_app_and_ps_retire_cover_every_app() {
    let host = Host::new();
    let (one, two) = (host.app(Image::Busybox), host.app(Image::Busybox));
    for words in [vec!["run:retire"], vec!["ps:retire"]] {
        orphan(&one, 1, &[LATE], "sleep 60", "running");
        orphan(&two, 1, &[LATE], "true", "created");
        assert_eq!(host.dokku(&words).code, 0, "{words:?}");
        assert!(
            one.containers().is_empty() && two.containers().is_empty(),
            "{words:?}"
        );
    }
    assert_eq!(host.dokku(["run:retire", "no-such-app"]).code, 20);
}
