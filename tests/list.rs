//! `run:list`

use serde_json::Value;

use crate::support::{App, Gate, Host, Image, Log, docker};

/// A container as a task's, created and not started; removed with the app.
fn created(app: &App<'_>, number: u32, container_type: &str) -> String {
    let name = format!("{}.{container_type}.{number}", app.name);
    docker(&[
        "container",
        "create",
        "--name",
        &name,
        "--label",
        &format!("com.dokku.app-name={}", app.name),
        "--label",
        &format!("com.dokku.container-type={container_type}"),
        &app.image(),
        "sleep",
        "1",
    ])
}

fn remove(app: &App<'_>) {
    for id in app.containers() {
        docker(&["container", "rm", "--force", &id]);
    }
}

fn json(output: &str) -> Vec<Value> {
    serde_json::from_str(output).unwrap()
}

#[test]
fn list_json_has_the_keys_of_the_plugin_after_the_keys_of_core() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let handle = app
        .command(&["--timeout=10m"], Gate::WAIT)
        .stdin_null()
        .start()
        .unwrap();
    gate.wait();
    let output = host.dokku(["run:list", "--format", "json", &app.name]);
    gate.open();
    handle.wait().unwrap();
    let tasks = json(&output.stdout);
    assert_eq!(tasks.len(), 1, "{output:?}");
    let task = tasks[0].as_object().unwrap();
    assert_eq!(task["app"], app.name);
    assert_eq!(task["type"], "run");
    assert_eq!(task["image"], app.image());
    assert_eq!(task["exit_code"], Value::Null);
    assert!(task["started"].as_str().unwrap().ends_with('Z'), "{task:?}");
    assert!(
        task["deadline"].as_str().unwrap().ends_with('Z'),
        "{task:?}"
    );
    let first: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.trim().split('"').nth(1))
        .take(4)
        .collect();
    assert_eq!(first, ["name", "state", "command", "created_at"]);
}

/// Whatever its labels say, one task spoils no list of the others.
#[test]
fn list_shows_no_deadline_for_an_unrepresentable_time() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let odd = [
        "3153600001", // more than a hundred years
        "99999999999",
        "253402300800",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "1e99",
        "\u{1b}[31m",
        "",
    ];
    for (number, seconds) in (1..).zip(odd) {
        let name = format!("{}.run.{number}", app.name);
        let label = format!("com.dokku.active-deadline-seconds={seconds}");
        let app_label = format!("com.dokku.app-name={}", app.name);
        let labels = [
            "--label",
            &app_label,
            "--label",
            "com.dokku.container-type=run",
        ];
        let create = ["container", "create", "--name", &name, "--label", &label];
        docker(&[&create[..], &labels, &[&app.image(), "true"]].concat());
    }
    let output = host.dokku(["run:list", "--format=json", &app.name]);
    let every = host.dokku(["run:list", "--format=json"]);
    let table = host.dokku(["run:list", &app.name]);
    let swept = host.dokku(["run:retire", &app.name]);
    remove(&app);
    assert_eq!(
        (output.code, every.code, table.code),
        (0, 0, 0),
        "{output:?}"
    );
    let tasks = json(&output.stdout);
    assert_eq!(tasks.len(), odd.len());
    assert!(
        tasks.iter().all(|task| task["deadline"].is_null()),
        "{tasks:?}"
    );
    assert_eq!(swept.code, 0, "{swept:?}");
}

/// Docker lists its names in other containers beside its own.
#[test]
fn list_shows_a_linked_container_by_its_own_name() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let command = app.subcommand("run:detached", &[], Gate::WAIT);
    let name = crate::support::run_to_end(&command.stdin_null()).stdout;
    let name = name.trim();
    gate.wait();
    let other = format!("oneoff-{}-linked", app.name);
    let links = ["database", "zzz"].map(|alias| format!("--link={name}:{alias}"));
    let create = [
        "container",
        "create",
        "--name",
        &other,
        &links[0],
        &links[1],
    ];
    docker(&[&create[..], &[&app.image(), "sleep", "60"]].concat());
    docker(&["container", "start", &other]);
    let list = host.dokku(["run:list", "--format=json", &app.name]);
    let table = host.dokku(["--quiet", "run:list", &app.name]);
    let stopped = host.dokku(["run:stop", "--container", name]);
    docker(&["container", "rm", "--force", &other]);
    gate.open();
    crate::support::wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(json(&list.stdout)[0]["name"], name);
    assert!(table.stdout.starts_with(&format!("{name}\t")), "{table:?}");
    assert_eq!((stopped.code, stopped.stdout), (0, format!("{name}\n")));
    assert_eq!(crate::support::records(&host, &app).len(), 1);
}

#[test]
fn list_all_adds_cron_tasks_and_ended_tasks() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    created(&app, 1, "run");
    created(&app, 2, "cron");
    let ended = created(&app, 3, "run");
    docker(&["container", "start", "--attach", &ended]);
    let names = |words: &[&str]| {
        let words: Vec<&str> = ["run:list", "--format=json"]
            .iter()
            .chain(words)
            .copied()
            .chain([app.name.as_str()])
            .collect();
        let mut names: Vec<String> = json(&host.dokku(words).stdout)
            .iter()
            .map(|task| task["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let (some, all) = (names(&[]), names(&["--all"]));
    let output = host.dokku(["run:list", "--format=json", "--all", &app.name]);
    remove(&app);
    assert_eq!(some, [format!("{}.run.1", app.name)]);
    assert_eq!(
        all,
        [
            format!("{}.cron.2", app.name),
            format!("{}.run.1", app.name),
            format!("{}.run.3", app.name)
        ]
    );
    let tasks = json(&output.stdout);
    let ended = tasks.iter().find(|task| task["state"] == "exited").unwrap();
    assert_eq!(ended["exit_code"], 0);
}

#[test]
fn list_without_an_app_shows_every_visible_app() {
    let host = Host::new();
    let (one, two, hidden) = (
        host.app(Image::Busybox),
        host.app(Image::Busybox),
        host.app(Image::Busybox),
    );
    for app in [&one, &two, &hidden] {
        created(app, 1, "run");
    }
    let hook = format!(
        "shift 2; for app; do [ $app = {} ] || echo $app; done",
        hidden.name
    );
    host.add_hook("oneoff-test-acl", "user-auth-app", &hook);
    let table = host.dokku(["run:list"]);
    let all = host.dokku(["run:list", "--format", "json"]);
    let not_seen = host.dokku(["run:list", &hidden.name]);
    host.add_hook(
        "oneoff-test-acl",
        "user-auth-app",
        "shift 2; for app; do echo $app; done",
    );
    for app in [&one, &two, &hidden] {
        remove(app);
    }
    assert_eq!(table.code, 0, "{table:?}");
    for app in [&one, &two] {
        assert!(
            table
                .stdout
                .contains(&format!("=====> {} run containers\nNAMES", app.name)),
            "{table:?}"
        );
    }
    assert!(
        !table.stdout.contains(&hidden.name) && !all.stdout.contains(&hidden.name),
        "{all:?}"
    );
    let apps: Vec<Value> = json(&all.stdout)
        .into_iter()
        .map(|task| task["app"].clone())
        .collect();
    assert!(
        apps.contains(&one.name.clone().into()) && apps.contains(&two.name.clone().into()),
        "{apps:?}"
    );
    not_seen.assert_refused(20, "does not exist");
}

#[test]
fn list_calls_docker_once_for_all_apps() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be watched
    }
    let (one, two) = (host.app(Image::Busybox), host.app(Image::Busybox));
    for app in [&one, &two] {
        created(app, 1, "run");
    }
    let log = Log::new();
    host.replace_docker(&format!(
        "echo \"$1 $2\" >>{}\nexec \"$DOCKER\" \"$@\"",
        log.path().display()
    ));
    for words in [vec!["run:list"], vec!["run:list", "--format=json", "--all"]] {
        let output = host.dokku(&words);
        assert!(
            output.stdout.contains(&one.name) && output.stdout.contains(&two.name),
            "{output:?}"
        );
        assert_eq!(log.take(), "container ls\n", "{words:?}");
    }
    host.set_docker(&which::which("docker").unwrap());
    for app in [&one, &two] {
        remove(app);
    }
}

#[test]
fn list_refuses_an_unknown_format_and_names_the_valid_formats() {
    let host = Host::new();
    let app = host.app(Image::None);
    let output = host.dokku(["run:list", "--format=yaml", &app.name]);
    output.assert_refused(1, "stdout, json");
}

#[test]
fn list_quiet_omits_the_header() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    created(&app, 1, "run");
    let outputs = [
        host.dokku(["run:list", "--quiet", &app.name]),
        host.dokku(["--quiet", "run:list", &app.name]),
        host.dokku(["--app", &app.name, "--quiet", "run:list"]),
    ];
    remove(&app);
    for output in outputs {
        assert!(
            output
                .stdout
                .starts_with(&format!("{}.run.1\t\"sleep 1\"\t", app.name)),
            "{output:?}"
        );
        assert_eq!(output.stdout.lines().count(), 1);
    }
}

#[test]
fn list_includes_the_tasks_of_another_scheduler() {
    let host = Host::new();
    let (app, here) = (host.app(Image::None), host.app(Image::Busybox));
    created(&here, 1, "run");
    let hook = format!(
        "[ $2 != {} ] || echo \"[{{\\\"name\\\":\\\"$1 $3\\\"}}]\"",
        app.name
    );
    host.add_hook("oneoff-test-other", "scheduler-run-list", &hook);
    app.dokku_ok("scheduler:set", &["selected", "other"]);
    let one = host.dokku(["run:list", "--format=json", &app.name]);
    let table = host.dokku(["run:list"]);
    let every = host.dokku(["run:list", "--format=json"]);
    remove(&here);
    one.assert_stdout("[{\"name\":\"other json\"}]\n");
    assert!(
        table.stdout.contains("[{\"name\":\"other stdout\"}]\n"),
        "{table:?}"
    );
    let names: Vec<Value> = json(&every.stdout)
        .into_iter()
        .map(|task| task["name"].clone())
        .collect();
    assert!(
        names.contains(&"other json".into())
            && names.contains(&format!("{}.run.1", here.name).into()),
        "{names:?}"
    );
}

#[test]
fn list_reports_a_scheduler_without_a_list_hook() {
    let host = Host::new();
    let app = host.app(Image::None);
    app.dokku_ok("scheduler:set", &["selected", "k3s"]);
    host.dokku(["run:list", &app.name])
        .assert_refused(1, "'k3s'");
    let every = host.dokku(["run:list", "--format=json"]);
    assert_eq!(every.code, 1, "{every:?}");
    assert!(
        every
            .stderr
            .contains(&format!("{}: the app's scheduler is 'k3s'", app.name)),
        "{every:?}"
    );
    json(&every.stdout);
}

#[test]
fn list_json_stays_valid_when_a_scheduler_hook_prints_invalid_json() {
    let host = Host::new();
    let (here, elsewhere) = (host.app(Image::Busybox), host.app(Image::None));
    created(&here, 1, "run");
    elsewhere.dokku_ok("scheduler:set", &["selected", "other"]);
    // `has_plugin_for` wants one that runs tasks.
    host.add_hook("oneoff-test-other", "scheduler-run", "true");
    let answered = |answer: &str| {
        let script = format!("[ $2 != {} ] || printf '{answer}'", elsewhere.name);
        host.add_hook("oneoff-test-other", "scheduler-run-list", &script);
        host.dokku(["run:list", "--format", "json"])
    };
    let outputs = ["", "\\n", "no list\\n", "{}"].map(answered);
    remove(&here);
    for (output, code) in outputs.iter().zip([0, 0, 1, 1]) {
        let names: Vec<_> = json(&output.stdout)
            .into_iter()
            .map(|task| task["name"].clone())
            .collect();
        let name = format!("{}.run.1", here.name);
        assert!(names.contains(&name.into()), "{output:?}");
        assert_eq!(output.code, code, "{output:?}");
        let is_named = output.stderr.contains(&format!("{}: ", elsewhere.name));
        assert_eq!(is_named, code == 1, "{output:?}");
    }
}

mod parity {
    use super::*;

    #[test]
    fn list_prints_the_table_of_core() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        created(&app, 1, "run");
        let output = host.dokku(["run:list", &app.name]);
        remove(&app);
        assert_eq!(output.code, 0, "{output:?}");
        let lines: Vec<&str> = output.stdout.lines().collect();
        let name = format!("{}.run.1", app.name);
        let width = name.len() + 3;
        assert_eq!(lines.len(), 3, "{output:?}");
        assert_eq!(lines[0], format!("=====> {} run containers", app.name));
        assert_eq!(
            lines[1],
            format!("{:width$}{:12}CREATED", "NAMES", "COMMAND")
        );
        assert!(
            lines[2].starts_with(&format!("{name}   \"sleep 1\"   ")),
            "{output:?}"
        );
    }

    #[test]
    fn list_json_is_an_empty_array_without_tasks() {
        let host = Host::new();
        let app = host.app(Image::None);
        let output = host.dokku(["run:list", "--format", "json", &app.name]);
        assert_eq!((output.code, output.stdout.as_str()), (0, "[]\n"));
        assert_eq!(host.dokku(["run:list", "no-such-app"]).code, 20);
    }

    #[test]
    fn list_json_has_the_keys_of_core() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        created(&app, 1, "run");
        let output = host.dokku(["run:list", "--format", "json", &app.name]);
        remove(&app);
        let tasks = json(&output.stdout);
        assert_eq!(tasks[0]["name"], format!("{}.run.1", app.name));
        assert_eq!(tasks[0]["state"], "created");
        assert_eq!(tasks[0]["command"], "\"sleep 1\"");
        assert!(
            tasks[0]["created_at"].as_str().unwrap().starts_with("20"),
            "{output:?}"
        );
    }
}
