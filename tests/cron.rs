//! Tasks of Dokku's own `cron:run`, whose containers are core's.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{App, Host, Image, Log, Output, docker, records, wait_until};

fn run(host: &Host, app: &App<'_>, script: &str, options: &[&str]) -> Output {
    let id = app.schedule(script);
    host.dokku([&["cron:run", &app.name, &id], options].concat())
}

/// The records, when there are so many and no journal is left.
#[track_caller]
fn recorded(host: &Host, app: &App<'_>, count: usize) -> Vec<Value> {
    let tasks = host.library().join("data/oneoff/tasks");
    wait_until("the tasks are recorded and forgotten", || {
        let left = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let left = left
            .filter(|file| file.file_name().to_string_lossy().starts_with(&app.name))
            .count();
        (records(host, app).len() >= count && left == 0 && app.containers().is_empty())
            .then_some(())
    });
    let records = records(host, app);
    assert_eq!(records.len(), count, "{records:?}");
    records
}

#[test]
fn an_attached_cron_task_of_core_is_recorded_once_with_its_exit_code() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = run(&host, &app, "echo out; exit 3", &[]);
    // cron:run says no more than that it failed.
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (1, "out\n"),
        "{output:?}"
    );
    let record = &recorded(&host, &app, 1)[0];
    assert_eq!(record["type"], "cron");
    assert_eq!(
        (&record["exit_code"], &record["reason"]),
        (&json!(3), &json!("exited"))
    );
    assert_eq!(record["command"], json!(["sh", "-c", "echo out; exit 3"]));
    assert_eq!(
        (&record["detached"], &record["output"]),
        (&json!(false), &Value::Null)
    );
    let name = record["name"].as_str().unwrap();
    assert!(name.starts_with(&format!("{}.cron.", app.name)), "{name}");
    assert_eq!(host.dokku(["run:wait", "--container", name]).code, 3);
}

#[test]
fn a_detached_cron_task_of_core_is_recorded_with_its_own_exit_code() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = run(&host, &app, "sleep 2; exit 4", &["--detach"]);
    assert_eq!(output.code, 0, "{output:?}");
    let record = &recorded(&host, &app, 1)[0];
    assert_eq!(
        (&record["exit_code"], &record["detached"]),
        (&json!(4), &json!(true)),
        "{record}"
    );
    assert_eq!(record["name"], output.stdout.trim());
    let time = |key: &str| humantime::parse_rfc3339(record[key].as_str().unwrap()).unwrap();
    assert!(
        time("finished")
            .duration_since(time("started"))
            .unwrap()
            .as_secs()
            >= 1,
        "{record}"
    );
}

/// A container as core makes one, which was not started yet: its name and its id.
fn created(app: &App<'_>) -> (String, String) {
    let name = format!("{}.cron.1", app.name);
    let label = format!("--label=com.dokku.app-name={}", app.name);
    let image = app.image();
    let words = [
        "container",
        "create",
        "--name",
        &name,
        &label,
        "--label=com.dokku.container-type=cron",
        &image,
        "true",
    ];
    let id = docker(&words);
    (name, id)
}

fn is_told_of(host: &Host, app: &App<'_>, id: &str) -> Output {
    let words = ["post-container-create", "app", id, &app.name, "run"];
    host.dokku([&["plugin:trigger"], &words[..]].concat())
}

#[test]
fn retire_does_not_lock_the_journal_of_a_created_cron_task() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let (name, _) = created(&app);
    let tasks = host.library().join("data/oneoff/tasks");
    let log = Log::new();
    host.replace_docker(&format!(
        "case \"$*\" in 'container inspect '*) ls {} >>{} 2>&1 ;; esac\nexec \"$DOCKER\" \"$@\"",
        tasks.display(),
        log.path().display()
    ));
    let output = host.dokku(["run:retire", &app.name]);
    host.set_docker(&which::which("docker").unwrap());
    docker(&["container", "rm", &name]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(!log.read().contains(&name), "{}", log.read());
}

#[test]
fn the_create_hook_waits_for_the_removal_of_an_older_journal() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its data is not to be changed
    }
    let app = host.app(Image::Busybox);
    let (name, id) = created(&app);
    let tasks = host.library().join("data/oneoff/tasks");
    fs::create_dir_all(&tasks).unwrap();
    let journal = tasks.join(&name);
    let taken = fs::File::create(&journal).unwrap();
    taken.lock().unwrap();
    let stays = is_told_of(&host, &app, &id);
    // It goes while the hook is asked.
    let log = Log::new();
    let (gone, log_path) = (journal.display(), log.path());
    host.replace_docker(&format!(
        "case \"$*\" in 'container inspect '*) [ -e {log} ] || {{ echo goes >{log}; (sleep 0.3; rm {gone}) >/dev/null 2>&1 & }} ;; esac\nexec \"$DOCKER\" \"$@\"",
        log = log_path.display()
    ));
    let told = is_told_of(&host, &app, &id);
    host.set_docker(&which::which("docker").unwrap());
    assert_eq!(log.read(), "goes\n");
    docker(&["container", "start", "--attach", &id]);
    docker(&["container", "rm", &id]);
    assert_eq!((stays.code, told.code), (0, 0));
    assert!(
        stays.stderr.contains("will not be recorded") && told.stderr.is_empty(),
        "{stays:?} {told:?}"
    );
    let record = &recorded(&host, &app, 1)[0];
    assert_eq!(record["name"], name);
}

#[test]
fn a_task_of_the_plugin_does_not_start_the_hooks_for_cron_tasks_of_core() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its plugin is not to be changed
    }
    let app = host.app(Image::Busybox);
    let log = Log::new();
    for hook in ["post-container-create", "scheduler-post-run"] {
        let program = host
            .library()
            .join("plugins/available/oneoff/bin")
            .join(hook);
        fs::remove_file(&program).unwrap();
        fs::write(
            &program,
            format!("#!/bin/sh\necho {hook} >>{}\n", log.path().display()),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(app.sh("exit 3").code, 3);
    assert_eq!(log.take(), "");
    host.dokku([
        "plugin:trigger",
        "scheduler-post-run",
        "docker-local",
        &app.name,
        "x",
        "0",
    ]);
    assert_eq!(log.take(), "scheduler-post-run\n", "core reaches it");
    assert_eq!(records(&host, &app).len(), 1);
}

#[test]
fn a_cron_task_of_core_runs_when_the_journal_cannot_be_written() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its data is not to be broken
    }
    let app = host.app(Image::Busybox);
    let tasks = host.library().join("data/oneoff/tasks");
    let _ = fs::remove_dir_all(&tasks);
    fs::create_dir_all(tasks.parent().unwrap()).unwrap();
    fs::write(&tasks, "in the way").unwrap();
    let output = run(&host, &app, "echo out; exit 3", &[]);
    fs::remove_file(&tasks).unwrap();
    assert_eq!((output.code, output.stdout.as_str()), (1, "out\n"));
    assert!(
        output.stderr.contains("The task will not be recorded"),
        "{output:?}"
    );
}
