//! Containers that have the labels of an app's tasks from their image, and are none.

use std::fs;

use serde_json::Value;

use crate::support::{App, Gate, Host, Image, Log, docker, records, run_to_end, wait_until};

/// Labels as a task of the app's has them, which has a lock and is to end after so many seconds.
fn pretended(app: &App<'_>, time_to_live: &str) -> Vec<String> {
    [
        ("com.dokku.app-name", app.name.as_str()),
        ("com.dokku.container-type", "run"),
        ("com.dokku.active-deadline-seconds", time_to_live),
        ("com.dokku.cron-id", "job"),
        ("com.dokku.process-type", "web"),
        ("com.dokku.concurrency-policy", "forbid"),
        ("dokku-oneoff.user", "eve"),
        ("dokku-oneoff.lock", "import"),
    ]
    .map(|(name, value)| format!("{name}={value}"))
    .to_vec()
}

/// An image of the other app's that pretends to be a task of the app's.
fn label_image(image: &App<'_>, app: &App<'_>, time_to_live: &str) {
    let labels = pretended(app, time_to_live);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    image.label_image(&labels);
}

/// Containers of the image, of names that no task of the app has.
fn impostors(app: &App<'_>, image: &str) -> Vec<String> {
    let names = [
        format!("oneoff-{}-build-step", app.name),
        format!("dokku.postgres.{}", app.name),
        format!("{}.web.1", app.name),
        format!("{}.run", app.name),
        format!("{}.run.", app.name),
        format!("{}.run.x", app.name),
        format!("{}.run.7.old", app.name),
        format!("{}.run.123456789012345678901234567890", app.name),
        // Its type is another one, its app is another one.
        format!("{}.cron.7", app.name),
        format!("{}x.run.7", app.name),
    ];
    for (number, name) in names.iter().enumerate() {
        // Core's reaper would stop what runs: it believes the label.
        let (script, time_to_live) = if number % 2 == 0 {
            ("sleep 600", "--label=com.dokku.active-deadline-seconds=600")
        } else {
            ("exit 0", "--label=other")
        };
        let run = [
            "container",
            "run",
            "--detach",
            "--init",
            "--name",
            name,
            time_to_live,
        ];
        docker(&[&run[..], &[image, "sh", "-c", script]].concat());
    }
    names.to_vec()
}

/// The containers of these names that are there, and which of them run.
fn states(names: &[String]) -> Vec<String> {
    let format = "{{.Names}} {{.State}}";
    let list = docker(&["container", "ls", "--all", "--format", format]);
    let mut states: Vec<String> = list
        .lines()
        .filter(|line| {
            names
                .iter()
                .any(|name| *name == line.split(' ').next().unwrap())
        })
        .map(str::to_owned)
        .collect();
    states.sort();
    states
}

fn remove(names: &[String]) {
    for name in names {
        docker(&["container", "rm", "--force", name]);
    }
}

#[test]
fn a_container_is_not_a_task_because_of_image_labels() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    label_image(&other, &app, "0");
    let log = Log::new();
    let hook = format!(
        "[ \"$2\" != {} ] || echo told >>{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    // A task of the app's, so that there is a supervisor which hears of every end.
    let gate = Gate::new(&app);
    let task = run_to_end(&app.subcommand("run:detached", &[], Gate::WAIT).stdin_null());
    let task = task.stdout.trim().to_owned();
    gate.wait();
    let names = impostors(&app, &other.image());
    wait_until("every second one has ended", || {
        let ended = states(&names)
            .iter()
            .filter(|state| state.contains("exited"))
            .count();
        (ended == names.len() / 2).then_some(())
    });
    let before = states(&names);

    let list = host.dokku(["run:list", "--all", "--format=json", &app.name]);
    let listed: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    let every = host.dokku(["run:list", "--all", "--format=json"]);
    let every: Vec<Value> = serde_json::from_str(&every.stdout).unwrap();
    let report = host.dokku(["run:report", &app.name]);
    let of_core = host.dokku(["plugin:trigger", "report", &app.name]);
    let by_name: Vec<_> = names
        .iter()
        .flat_map(|name| {
            ["run:stop", "run:logs", "run:wait", "run:attach"]
                .map(|command| (name, command, host.dokku([command, "--container", name])))
        })
        .collect();
    let swept = host.dokku(["run:retire", &app.name]);
    let swept_all = host.dokku(["run:retire"]);
    let locks = [
        app.run_with(&["--lock=import"], ["echo", "ran"]),
        app.run_with(
            &["--cron-id=job", "--concurrency-policy=forbid"],
            ["echo", "ran"],
        ),
        app.run_with(
            &["--cron-id=job", "--concurrency-policy=replace"],
            ["echo", "ran"],
        ),
    ];
    let after = states(&names);
    let stopped = host.dokku(["run:stop", "--all", &app.name]);
    let after_stop = states(&names);
    remove(&names);

    let names_of = |tasks: &[Value]| -> Vec<String> {
        let name = |task: &Value| task["name"].as_str().unwrap().to_owned();
        tasks.iter().map(name).collect()
    };
    assert_eq!(names_of(&listed), [task.as_str()]);
    assert!(names_of(&every).iter().all(|name| !names.contains(name)));
    assert_eq!(report.code, 0, "{report:?}");
    assert!(
        of_core
            .stdout
            .contains("Run tasks running:             1\n"),
        "{of_core:?}"
    );
    for (name, command, output) in by_name {
        assert_eq!(output.code, 1, "{command} {name}: {output:?}");
        assert!(
            output.stderr.contains("there is no one-off container"),
            "{command} {name}: {output:?}"
        );
    }
    assert_eq!(
        (swept.code, swept_all.code),
        (0, 0),
        "{swept:?} {swept_all:?}"
    );
    for output in locks {
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "ran\n"),
            "{output:?}"
        );
    }
    assert_eq!(before, after);
    assert_eq!(before, after_stop);
    assert_eq!(stopped.stdout, format!("{task}\n"));
    wait_until("the app's own are removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(log.read(), "told\n".repeat(4), "its own tasks");
    assert_eq!(records(&host, &app).len(), 4);
    assert!(
        !host
            .library()
            .join("data/oneoff/records")
            .join(&other.name)
            .exists()
    );
}

/// The steps of docker's classic builder are containers of the image that is built on.
#[test]
fn a_build_step_is_not_a_task() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    label_image(&other, &app, "600");
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "FROM {}\nRUN while [ ! -e /go ]; do sleep 0.1; done\n",
        other.image()
    );
    fs::write(directory.path().join("Dockerfile"), text).unwrap();
    let tag = format!("oneoff-test/{}-built", app.name);
    let build = duct::cmd!("docker", "build", "--tag", &tag, directory.path());
    let build = build
        .env("DOCKER_BUILDKIT", "0")
        .stdout_null()
        .stderr_null();
    let build = build.unchecked().start().unwrap();
    let step = wait_until("the step runs", || app.containers().pop());
    let list = host.dokku(["run:list", "--quiet", "--all", &app.name]);
    let swept = host.dokku(["run:retire", &app.name]);
    docker(&["container", "exec", &step, "touch", "/go"]);
    let is_built = build.wait().unwrap().status.success();
    let _ = duct::cmd!("docker", "image", "rm", &tag)
        .stdout_null()
        .unchecked()
        .run();
    assert_eq!((swept.code, list.code), (0, 0), "{swept:?}");
    assert_eq!(list.stdout, "", "{list:?}");
    assert!(is_built, "the build goes on");
}

#[test]
fn a_task_has_no_labels_of_its_image() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let other = host.app(Image::None);
    label_image(&app, &other, "0");
    let gate = Gate::new(&app);
    let task = |options: &[&str]| {
        let command = app.subcommand("run:detached", options, Gate::WAIT);
        let output = run_to_end(&command.stdin_null());
        gate.wait();
        output.stdout.trim().to_owned()
    };
    let name = task(&["--timeout=none"]);
    let labels = docker(&[
        "container",
        "inspect",
        "--format",
        "{{json .Config.Labels}}",
        &name,
    ]);
    let labels: Value = serde_json::from_str(&labels).unwrap();
    let list = host.dokku(["run:list", "--format=json", &app.name]);
    let listed: Value = serde_json::from_str(&list.stdout).unwrap();
    // Nothing is past its deadline, for core's reaper neither.
    let swept = host.dokku(["ps:retire"]);
    let locked = app.run_with(&["--lock=import"], ["echo", "ran"]);
    let cron = app.run_with(
        &["--cron-id=job", "--concurrency-policy=forbid"],
        ["echo", "ran"],
    );
    let runs = docker(&[
        "container",
        "inspect",
        "--format",
        "{{.State.Running}}",
        &name,
    ]);
    gate.open();
    wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
    for (label, expected) in [
        ("com.dokku.app-name", app.name.as_str()),
        ("com.dokku.container-type", "run"),
        ("com.dokku.active-deadline-seconds", ""),
        ("com.dokku.cron-id", ""),
        ("com.dokku.process-type", ""),
        ("com.dokku.concurrency-policy", ""),
        ("dokku-oneoff.lock", ""),
        ("dokku-oneoff.name", &name),
    ] {
        assert_eq!(labels[label], expected, "{label}: {labels}");
    }
    assert_ne!(labels["dokku-oneoff.user"], "eve");
    let listed = &listed[0];
    assert_eq!(listed["name"], name);
    assert_eq!(
        (&listed["deadline"], &listed["cron_id"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(swept.code, 0, "{swept:?}");
    assert_eq!(runs, "true");
    for output in [locked, cron] {
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "ran\n"),
            "{output:?}"
        );
    }
}

/// Core gives its containers fewer labels: the image's cannot make them ours.
#[test]
fn a_core_cron_task_is_recorded_despite_image_labels() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.label_image(&[
        "dokku-oneoff.user=eve",
        "dokku-oneoff.name=x",
        "dokku-oneoff.lock=import",
    ]);
    let id = app.schedule("exit 3");
    assert_eq!(host.dokku(["cron:run", &app.name, &id]).code, 1);
    let record = wait_until("it is recorded", || records(&host, &app).pop());
    assert_eq!(
        (&record["exit_code"], &record["type"]),
        (&3.into(), &"cron".into())
    );
    assert_ne!(record["user"], "eve");
}

#[test]
fn an_own_container_is_recognized_without_a_journal() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its journals are not ours to remove
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let command = app.subcommand("run:detached", &[], Gate::WAIT);
    let name = run_to_end(&command.stdin_null()).stdout.trim().to_owned();
    gate.wait();
    let supervisor = wait_until("a supervisor", || host.supervisor());
    crate::support::signal(supervisor, "KILL");
    wait_until("it is gone", || host.supervisor().is_none().then_some(()));
    fs::remove_file(host.library().join("data/oneoff/tasks").join(&name)).unwrap();
    gate.open();
    docker(&["container", "wait", &name]);
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    assert_eq!(app.containers(), [""; 0]);
    assert_eq!(records(&host, &app).len(), 1);
}

/// It has given its containers another label, and they have a journal.
#[test]
fn a_container_of_an_older_plugin_version_counts_as_own() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its journals are not ours to write
    }
    let app = host.app(Image::Busybox);
    let tasks = host.library().join("data/oneoff/tasks");
    fs::create_dir_all(&tasks).unwrap();
    for (number, managed_by_core) in [(1, false), (2, true)] {
        let name = format!("{}.run.{number}", app.name);
        let app_label = format!("com.dokku.app-name={}", app.name);
        let mut words = vec!["container", "create", "--name", &name];
        for label in [
            app_label.as_str(),
            "com.dokku.container-type=run",
            "dokku-oneoff.user=ada",
        ] {
            words.extend(["--label", label]);
        }
        let image = app.image();
        let id = docker(&[&words[..], &[&image, "sh", "-c", "exit 3"]].concat());
        docker(&["container", "start", &id]);
        docker(&["container", "wait", &id]);
        let info = serde_json::json!({
            "app": app.name, "name": name, "type": "run", "command": ["sh"], "image": image,
            "user": "ada", "detached": true, "created": "2026-01-01T00:00:00Z",
            "stop_timeout": 30, "time_to_live": null, "managed_by_core": managed_by_core,
        });
        let text = format!("{info}\n[\"{id}\",\"created\"]\n");
        fs::write(tasks.join(&name), text).unwrap();
    }
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    wait_until("both are recorded", || {
        (records(&host, &app).len() == 2).then_some(())
    });
    wait_until("nobody looks after them any more", || {
        host.supervisor().is_none().then_some(())
    });
    let left = app.containers();
    let name = docker(&["container", "inspect", "--format", "{{.Name}}", &left[0]]);
    docker(&["container", "rm", &left[0]]);
    assert_eq!(
        (left.len(), name),
        (1, format!("/{}.run.2", app.name)),
        "core's stays"
    );
}
