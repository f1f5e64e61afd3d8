//! `--lock`, and the policies of cron tasks.

use std::fs::{self, File};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{
    App, Gate, Host, Image, Output, docker, our_program, poll_for, records, run_to_end, signal,
    wait_until,
};

/// Starts so many at the same moment; their exit codes.
fn at_once(app: &App<'_>, options: &[&str], count: usize, script: &str) -> Vec<Output> {
    thread::scope(|scope| {
        let tasks: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| app.run_with(options, ["sh", "-c", script])))
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    })
}

#[test]
fn exactly_one_of_fifty_parallel_starts_gets_the_lock() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    // The one that runs waits until all the others have been refused.
    let script = "echo ran >>/gate/ran; while [ ! -e /gate/go ]; do sleep 0.05; done";
    let outputs = thread::scope(|scope| {
        let tasks = scope.spawn(|| {
            at_once(
                &app,
                &["--cron-id=job", "--concurrency-policy=forbid"],
                50,
                script,
            )
        });
        wait_until("one runs", || gate.path("ran").exists().then_some(()));
        wait_until("the others are refused", || {
            let filter = format!("label=com.dokku.app-name={}", app.name);
            let starting = processes_of(&app.name);
            (starting <= 1
                && docker(&["container", "ls", "--quiet", "--filter", &filter])
                    .lines()
                    .count()
                    == 1)
                .then_some(())
        });
        gate.open();
        tasks.join().unwrap()
    });
    let refused = outputs
        .iter()
        .filter(|output| output.code == 75 && output.stderr.contains("lock"))
        .count();
    let ran = outputs.iter().filter(|output| output.code == 0).count();
    assert_eq!((ran, refused), (1, 49));
    assert_eq!(fs::read_to_string(gate.path("ran")).unwrap(), "ran\n");
}

/// Processes of `run` with this word on their command line.
fn processes_of(app: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines =
        processes.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok());
    lines
        .filter(|line| line.contains("/subcommands/default\0run\0") && line.contains(app))
        .count()
}

#[test]
fn a_lock_is_released_when_its_task_ends() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for _ in 0..2 {
        assert_eq!(app.run_with(&["--lock=import"], ["true"]).code, 0);
    }
}

#[test]
fn a_lock_blocks_only_the_same_name_in_the_same_app() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    let gate = Gate::new(&app);
    let handle = app
        .command(&["--lock=import"], Gate::WAIT)
        .stdin_null()
        .start()
        .unwrap();
    gate.wait();
    app.run_with(&["--lock=import"], ["true"])
        .assert_refused(75, "lock in place for import");
    assert_eq!(app.run_with(&["--lock=export"], ["true"]).code, 0);
    assert_eq!(
        app.run_with(
            &["--cron-id=import", "--concurrency-policy=forbid"],
            ["true"]
        )
        .code,
        0
    );
    assert_eq!(other.run_with(&["--lock=import"], ["true"]).code, 0);
    gate.open();
    handle.wait().unwrap();
}

#[test]
fn a_held_lock_exits_75_in_every_command_and_whatever_the_code_of_failures_is() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let holder = app.command(&["--lock=import"], Gate::WAIT).stdin_null();
    let holder = holder.start().unwrap();
    gate.wait();
    let busy = "lock in place for import";
    let detached = ["run:detached", "--lock=import", &app.name, "true"];
    host.dokku(detached).assert_refused(75, busy);
    let command = host.command(["run", "--lock=import", &app.name, "true"]);
    run_to_end(&command.env("DOKKU_FAIL_EXIT_CODE", "7")).assert_refused(75, busy);
    gate.open();
    holder.wait().unwrap();
}

#[test]
fn replace_policy_stops_the_old_task_and_starts_the_new_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let options = ["--lock=import", "--concurrency-policy=replace"];
    let script = "trap 'exit 5' TERM; touch /gate/ready; while :; do sleep 0.05; done";
    let old = app
        .command(&options, ["sh", "-c", script])
        .stdin_null()
        .unchecked()
        .start()
        .unwrap();
    gate.wait();
    let output = app.run_with(&options, ["echo", "new"]);
    assert_eq!((output.code, output.stdout.as_str()), (0, "new\n"));
    assert_eq!(old.wait().unwrap().status.code(), Some(5));
}

#[test]
fn a_container_left_by_a_failed_start_does_not_hold_the_lock() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = format!("{}.run.1", app.name);
    app.create_task_container(&name, &["dokku-oneoff.lock=import"], &["true"]);
    app.run_with(&["--lock=import"], ["echo", "ran"])
        .assert_stdout("ran\n");
    assert!(app.containers().is_empty(), "it was removed");
}

#[test]
fn a_lock_holder_that_starts_during_the_check_is_not_removed() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let name = format!("{}.run.1", app.name);
    app.create_task_container(&name, &["dokku-oneoff.lock=import"], &["sleep", "60"]);
    host.replace_docker(&format!(
        r#"case "$*" in "container ls "*) "$DOCKER" "$@"; exec "$DOCKER" container start {name} >/dev/null ;; esac
        exec "$DOCKER" "$@""#
    ));
    let output = app.run_with(&["--lock=import"], ["true"]);
    host.set_docker(&which::which("docker").unwrap());
    let running = docker(&[
        "container",
        "inspect",
        "--format",
        "{{.State.Running}}",
        &name,
    ]);
    docker(&["container", "rm", "--force", &name]);
    output.assert_refused(75, "lock in place for import");
    assert_eq!(running, "true");
}

#[test]
fn a_lock_holder_without_a_supervisor_is_adopted() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let name = format!("{}.run.1", app.name);
    let app_label = format!("com.dokku.app-name={}", app.name);
    let words = [
        "--label",
        &app_label,
        "--label",
        "com.dokku.container-type=run",
        "--label",
        "dokku-oneoff.user=ada",
        "--label",
        "dokku-oneoff.lock=import",
        &app.image(),
        "sleep",
        "60",
    ];
    let id = docker(
        &[
            &["container", "create", "--init", "--name", &name],
            &words[..],
        ]
        .concat(),
    );
    let head = json!({
        "app": app.name, "name": name, "type": "run", "command": ["sleep", "60"],
        "image": app.image(), "user": "ada", "detached": true,
        "created": "2026-01-01T00:00:00Z", "stop_timeout": 5, "time_to_live": null,
    });
    let prepared = host.directory().join("journal");
    fs::write(&prepared, format!("{head}\n[\"{id}\",\"created\"]\n")).unwrap();
    let tasks = host.library().join("data/oneoff/tasks");
    fs::create_dir_all(&tasks).unwrap();
    // It is listed as created; when its journal is locked, it runs, and the supervisor
    // that was told of it has looked.
    host.replace_docker(&format!(
        r#"case "$*" in "container ls "*)
            "$DOCKER" "$@"
            "$DOCKER" container start {name} >/dev/null
            exec mv {} {} ;;
        esac
        exec "$DOCKER" "$@""#,
        prepared.display(),
        tasks.join(&name).display()
    ));
    let output = app.run_with(&["--lock=import"], ["true"]);
    host.set_docker(&which::which("docker").unwrap());
    output.assert_refused(75, "lock in place for import");
    wait_until("somebody looks after it", || host.supervisor());
    docker(&["container", "kill", &name]);
    wait_until("its end is recorded", || {
        (records(&host, &app).len() == 1).then_some(())
    });
    wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
}

/// Whether a process has a handler for INT: from then on it would be told of one.
fn catches_int(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & 0b10 != 0)
}

#[test]
fn a_signal_during_the_wait_for_a_lock_starts_and_stops_no_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let options = ["--lock=import", "--concurrency-policy=replace"];
    let holder = app.command(&options, Gate::WAIT).stdin_null();
    let holder = holder.unchecked().start().unwrap();
    gate.wait();
    let locks = host.library().join("data/oneoff/locks");
    let path = locks.join(format!("{}.dokku-oneoff.lock.import", app.name));
    for (command, program) in [("run", "run"), ("run:detached", "detached")] {
        let turn = File::create(&path).unwrap();
        host.chown_to_plugin_user();
        turn.lock().unwrap();
        let waits = app.subcommand(command, &options, ["touch", "/gate/ran"]);
        let waits = waits.stdin_null().stdout_capture().stderr_capture();
        let waits = waits.unchecked().start().unwrap();
        let ours = wait_until("it waits for its turn", || {
            our_program(waits.pids()[0], program).filter(|pid| catches_int(*pid))
        });
        signal(ours, "INT");
        let ended = poll_for(Duration::from_secs(20), || {
            waits.try_wait().unwrap().map(|_| ())
        });
        fs::remove_file(&path).unwrap();
        drop(turn);
        let output = Output::new(waits.wait().unwrap());
        assert_eq!(
            (output.code, ended),
            (130, Some(())),
            "{command}: {output:?}"
        );
        assert_eq!(holder.try_wait().unwrap(), None, "the holder goes on");
        assert_eq!(app.containers().len(), 1);
    }
    gate.open();
    assert_eq!(holder.wait().unwrap().status.code(), Some(0));
    assert!(!gate.path("ran").exists());
}

#[test]
fn replace_policy_stops_a_lock_holder_that_is_about_to_start() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    // The old one starts when the new one has tried to stop it, and has seen that it
    // does not run.
    host.replace_docker(&format!(
        r#"cd {}
        wait_for() {{ for _ in $(seq 600); do [ ! -e "$1" ] || return; sleep 0.05; done; }}
        case "$*" in
            "container start "*) touch starts; wait_for seen ;;
            "container stop "*) mkdir stopped 2>/dev/null || wait_for ready ;;
            "container inspect "*) mkdir looked 2>/dev/null && {{ "$DOCKER" "$@"; exec touch seen; }} ;;
        esac
        exec "$DOCKER" "$@""#,
        gate.path(".").display()
    ));
    let options = ["--lock=import", "--concurrency-policy=replace"];
    let script = "trap 'exit 5' TERM; touch /gate/ready; while :; do sleep 0.05; done";
    let old = app.command(&options, ["sh", "-c", script]).stdin_null();
    let old = old.unchecked().start().unwrap();
    wait_until("it is about to start", || {
        gate.path("starts").exists().then_some(())
    });
    let output = app.run_with(&options, ["echo", "new"]);
    let old = old.wait().unwrap().status.code();
    host.set_docker(&which::which("docker").unwrap());
    assert_eq!((output.code, output.stdout.as_str()), (0, "new\n"));
    assert_eq!(old, Some(5));
    let records = records(&host, &app);
    let old = records.iter().find(|record| record["exit_code"] == 5);
    assert_eq!(old.unwrap()["reason"], "stopped");
}

#[test]
fn a_created_cron_task_of_core_holds_its_lock() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = format!("{}.cron.1", app.name);
    let app_label = format!("com.dokku.app-name={}", app.name);
    docker(&[
        "container",
        "create",
        "--name",
        &name,
        "--label",
        &app_label,
        "--label",
        "com.dokku.container-type=cron",
        "--label",
        "com.dokku.cron-id=job",
        &app.image(),
        "true",
    ]);
    let output = app.run_with(&["--cron-id=job", "--concurrency-policy=forbid"], ["true"]);
    let there = app.containers().len();
    docker(&["container", "rm", "--force", &name]);
    output.assert_refused(75, &format!("lock in place for job: {name} has it"));
    assert_eq!(there, 1);
}

#[test]
fn forbid_policy_requires_a_lock_or_a_cron_id() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.run_with(&["--concurrency-policy=forbid"], ["true"])
        .assert_refused(1, "--concurrency-policy forbid");
    app.run_with(&["--lock=../x"], ["true"])
        .assert_refused(1, "'../x'");
    assert_eq!(
        app.run_with(&["--concurrency-policy=allow"], ["true"]).code,
        0
    );
}
