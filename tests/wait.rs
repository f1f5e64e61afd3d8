//! `run:wait`

use std::fs::{self, File};
use std::time::{Duration, Instant};

use duct::cmd;
use serde_json::{Value, json};

use crate::support::{
    Gate, Host, Image, docker, docker_client, is_gone, poll_for, record, signal_ours, wait_until,
    write_records,
};

#[test]
fn every_wait_exits_with_the_exit_code_of_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("{}; exit 3", Gate::WAIT[2]);
    let started = host.dokku(["run:detached", &app.name, "sh", "-c", &script]);
    gate.wait();
    let name = started.stdout.trim();
    let id = docker(&["container", "inspect", "--format", "{{.Id}}", name]);
    let waiters: Vec<_> = [name, &id, &id[..12]]
        .iter()
        .map(|container| {
            let command = host.command(["run:wait", "--container", container]);
            let command = command.stdin_null().stdout_capture().stderr_capture();
            command.unchecked().start().unwrap()
        })
        .collect();
    let waiting = |waiter: &duct::Handle| docker_client(waiter.pids()[0], &["container", "wait"]);
    wait_until("they wait", || {
        waiters
            .iter()
            .all(|waiter| waiting(waiter).is_some())
            .then_some(())
    });
    gate.open();
    for waiter in &waiters {
        let output = waiter.wait().unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        assert_eq!((output.status.code(), said.as_slice()), (Some(3), &b""[..]));
    }
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn an_interrupted_wait_leaves_no_docker_client() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let started = host.dokku([&["run:detached", &app.name][..], &Gate::WAIT].concat());
    gate.wait();
    for name in ["INT", "KILL"] {
        let waiter = host.command(["run:wait", "--container", started.stdout.trim()]);
        let waiter = waiter.stdin_null().unchecked().start().unwrap();
        let client = wait_until("it waits", || {
            docker_client(waiter.pids()[0], &["container", "wait"])
        });
        signal_ours(waiter.pids()[0], "wait", name);
        waiter.wait().unwrap();
        wait_until("its client has ended", || is_gone(client).then_some(()));
    }
    gate.open();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn wait_ignores_the_journal_of_another_container_of_the_same_name() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = format!("{}.run.1", app.name);
    let label = format!("com.dokku.app-name={}", app.name);
    let labels = ["--label", &label, "--label", "com.dokku.container-type=run"];
    let ended = [&app.image(), "sh", "-c", "exit 3"];
    let run = [&["container", "run", "--name", &name], &labels[..], &ended].concat();
    cmd("docker", run).unchecked().run().unwrap();
    let tasks = host.library().join("data/oneoff/tasks");
    fs::create_dir_all(&tasks).unwrap();
    let journal = tasks.join(&name);
    fs::write(
        &journal,
        "[\"other\",\"created\"]\n[\"other\",{\"hooks_fired\":7}]\n",
    )
    .unwrap();
    let taken = File::open(&journal).unwrap();
    taken.lock().unwrap();
    let waiter = host.command(["run:wait", "--container", &name]);
    let waiter = waiter.stdin_null().unchecked().start().unwrap();
    let ended = poll_for(Duration::from_secs(20), || {
        waiter
            .try_wait()
            .unwrap()
            .map(|output| output.status.code())
    });
    fs::remove_file(&journal).unwrap();
    waiter.wait().unwrap();
    docker(&["container", "rm", &name]);
    assert_eq!(ended, Some(Some(3)));
}

#[test]
fn wait_exits_with_the_recorded_exit_code_after_the_end() {
    let host = Host::new();
    let app = host.app(Image::None);
    let mut lost = record(&app, 2, 2, 0);
    lost["exit_code"] = Value::Null;
    lost["reason"] = json!("lost");
    let first = record(&app, 1, 1, 3);
    // A number may be drawn again: the newest of that name wins.
    let again = json!({ "id": "f".repeat(64), "exit_code": 4 });
    let mut second = first.clone();
    for (key, value) in again.as_object().unwrap() {
        second[key] = value.clone();
    }
    write_records(&host, &app, &[first.clone(), second, lost]);
    let wait = |container: &str| host.dokku(["run:wait", "--container", container]);
    assert_eq!(wait(&format!("{}.run.1", app.name)).code, 4);
    assert_eq!(wait(first["id"].as_str().unwrap()).code, 3);
    let nobody_saw = wait(&format!("{}.run.2", app.name));
    nobody_saw.assert_refused(125, "is unknown");
}

#[test]
fn wait_exits_75_when_its_timeout_expires() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let started = host.dokku([
        "run:detached",
        &app.name,
        Gate::WAIT[0],
        Gate::WAIT[1],
        Gate::WAIT[2],
    ]);
    gate.wait();
    let name = started.stdout.trim();
    let before = Instant::now();
    let output = host.dokku(["run:wait", "--timeout", "1", "--container", name]);
    let took = before.elapsed();
    let state = docker(&[
        "container",
        "inspect",
        "--format",
        "{{.State.Status}}",
        name,
    ]);
    gate.open();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    output.assert_refused(75, &format!("{name} still runs after 1 second"));
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert_eq!(state, "running");
    host.dokku(["run:wait", "--timeout", "soon", "--container", name])
        .assert_refused(1, "'soon'");
}

#[test]
fn unknown_and_hidden_containers_are_refused_with_the_same_message() {
    let host = Host::new();
    let (app, hidden) = (host.app(Image::None), host.app(Image::None));
    write_records(&host, &app, &[record(&app, 12, 1, 0)]);
    write_records(&host, &hidden, &[record(&hidden, 1, 1, 0)]);
    let hook = format!(
        "shift 2; for app; do [ $app = {} ] || echo $app; done",
        hidden.name
    );
    host.add_hook("oneoff-test-acl", "user-auth-app", &hook);
    let beginning = format!("{}.run.1", app.name);
    let not_seen = format!("{}.run.1", hidden.name);
    let mut said = Vec::new();
    for command in ["run:wait", "run:attach", "run:logs", "run:stop"] {
        for container in ["no-such-container", &beginning, &not_seen] {
            let output = host.dokku([command, "--container", container]);
            output.assert_refused(1, "there is no one-off container");
            said.push(output.stderr.replace(container, ""));
        }
    }
    host.add_hook(
        "oneoff-test-acl",
        "user-auth-app",
        "shift 2; for app; do echo $app; done",
    );
    said.dedup();
    assert_eq!(said.len(), 1, "nothing tells them apart: {said:?}");
    host.dokku(["run:wait"])
        .assert_refused(1, "No container specified");
    app.dokku_ok("scheduler:set", &["selected", "k3s"]);
    for command in ["run:wait", "run:attach"] {
        host.dokku([command, "--container", &beginning])
            .assert_refused(1, "'k3s'");
    }
}
