//! What is kept of tasks, and what becomes of it with the app.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::support::{Gate, Host, Image, record, records, store, wait_until, write_records};

#[test]
fn renaming_an_app_moves_its_records() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let output = store(&host, &app).join("output");
    fs::create_dir(&output).unwrap();
    fs::write(output.join("x"), "").unwrap();
    host.chown_to_plugin_user();
    let new = format!("{}-new", app.name);
    app.dokku_ok("apps:rename", &[&new]);
    let history = host.dokku(["run:history", &new]);
    let waited = host.dokku(["run:wait", "--container", &format!("{}.run.1", app.name)]);
    let old = store(&host, &app).exists();
    let moved = store(&host, &app)
        .with_file_name(&new)
        .join("output/x")
        .exists();
    host.dokku_ok(&["apps:rename", &new, &app.name]);
    assert!(
        history.stdout.contains(&format!("{}.run.1", app.name)),
        "{history:?}"
    );
    assert_eq!(waited.code, 3, "under the name that it had: {waited:?}");
    assert!(moved && !old);
}

#[test]
fn records_are_removed_with_their_app_and_not_cloned() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let copy = format!("{}-copy", app.name);
    app.dokku_ok("apps:clone", &[&copy]);
    let history = host.dokku(["run:history", "--format", "json", &copy]);
    host.dokku_ok(&["--force", "apps:destroy", &copy]);
    history.assert_stdout("[]\n");
    let directory = store(&host, &app);
    drop(app);
    assert!(!directory.exists());
}

#[test]
fn a_new_app_does_not_inherit_leftover_records_of_its_name() {
    let host = Host::new();
    let app = host.app(Image::None);
    // Whoever looked after a task of an app that was being destroyed was slower than
    // the hooks.
    let name = format!("{}-gone", app.name);
    let left = store(&host, &app).with_file_name(&name);
    let leave = || {
        fs::create_dir_all(left.join("output")).unwrap();
        let line = record(&app, 1, 1, 3).to_string() + "\n";
        fs::write(left.join("tasks.jsonl"), line).unwrap();
        host.chown_to_plugin_user();
    };
    leave();
    host.dokku_ok(&["apps:create", &name]);
    let history = host.dokku(["run:history", "--format", "json", &name]);
    host.dokku_ok(&["--force", "apps:destroy", &name]);
    history.assert_stdout("[]\n");

    // Nobody may make an app of that name again: it goes after a day.
    leave();
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let seconds_after = |written: Option<u64>| {
        if let Some(seconds) = written {
            let an_hour_ago = unix_seconds() - 3600;
            let text = format!("{{\"seconds\":{seconds},\"last_sweep\":{an_hour_ago}}}\n");
            fs::write(left.join("missing"), text).unwrap();
            host.chown_to_plugin_user();
        }
        assert_eq!(host.dokku(["run:retire"]).code, 0);
        let text = fs::read_to_string(left.join("missing")).ok()?;
        let missing: serde_json::Value = serde_json::from_str(&text).unwrap();
        missing["seconds"].as_u64()
    };
    assert!(seconds_after(None).is_some_and(|seconds| seconds < 3600));
    let nearly = DAY - 400..DAY - 300;
    assert!(seconds_after(Some(DAY - 4000)).is_some_and(|seconds| nearly.contains(&seconds)));
    assert!(left.join("tasks.jsonl").exists());
    assert_eq!(seconds_after(Some(DAY - 3600)), None);
    assert!(!left.exists());
    assert_eq!(records(&host, &app).len(), 1);
    assert!(!store(&host, &app).join("missing").exists());
}

const DAY: u64 = 24 * 60 * 60;

fn unix_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The directory of apps of a host of the test's own.
fn root(host: &Host) -> PathBuf {
    host.directory().join("host/home/dokku")
}

/// A volume that is not mounted leaves an empty directory, or one with files of Dokku's.
#[test]
fn records_are_kept_while_no_app_exists() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // nobody's apps may disappear
    }
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let (there, away) = (
        root(&host).join(&app.name),
        host.directory().join("unmounted"),
    );
    fs::rename(&there, &away).unwrap();
    fs::write(root(&host).join("hostname"), "").unwrap();
    fs::create_dir(root(&host).join("Not-an-app")).unwrap();
    let missing = store(&host, &app).join("missing");
    let written = format!("{{\"seconds\":86400,\"last_sweep\":{}}}\n", unix_seconds());
    fs::write(&missing, &written).unwrap();
    assert_eq!(host.dokku(["run:retire"]).code, 0);
    assert_eq!(fs::read_to_string(&missing).unwrap(), written);
    assert_eq!(records(&host, &app).len(), 1);
    // It is back.
    fs::rename(&away, &there).unwrap();
    assert_eq!(host.dokku(["run:retire"]).code, 0);
    assert!(!missing.exists());
    assert_eq!(records(&host, &app).len(), 1);
}

/// What ends meanwhile is recorded all the same.
#[test]
fn a_task_that_ends_while_no_app_exists_is_recorded() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // nobody's apps may disappear
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("echo kept; {}; exit 3", Gate::WAIT[2]);
    let task = app.subcommand("run:detached", &[], ["sh", "-c", &script]);
    let task = task.stdin_null().read().unwrap();
    let (there, away) = (
        root(&host).join(&app.name),
        host.directory().join("unmounted"),
    );
    fs::rename(&there, &away).unwrap();
    gate.open();
    wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
    wait_until("nobody looks after it", || {
        host.supervisor().is_none().then_some(())
    });
    fs::rename(&away, &there).unwrap();
    let waited = host.dokku(["run:wait", "--container", &task]);
    assert_eq!(waited.code, 3, "{waited:?}");
    let logs = host.dokku(["run:logs", "--container", &task]);
    assert!(logs.stdout.ends_with(": kept\n"), "{logs:?}");
}

#[test]
fn list_all_shows_recorded_tasks_with_exit_code_and_age() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let name = format!("{}.run.1", app.name);
    let table = host.dokku(["run:list", "--all", &app.name]);
    assert!(
        table.stdout.contains("STATUS\n") && table.stdout.contains(&name),
        "{table:?}"
    );
    assert!(
        table.stdout.contains("Exited (3) ") && table.stdout.ends_with(" ago\n"),
        "{table:?}"
    );
    let quiet = host.dokku(["run:list", "--all", "--quiet", &app.name]);
    assert_eq!(quiet.stdout.matches('\t').count(), 3, "{quiet:?}");
    let json = host.dokku(["run:list", "--all", "--format=json"]);
    let tasks: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).unwrap();
    let task = tasks
        .iter()
        .find(|task| task["name"] == name.as_str())
        .unwrap();
    assert_eq!(task["state"], "exited");
    assert_eq!(task["exit_code"], 3);
    assert_eq!(task["created_at"], "2026-11-23 11:59:00 +0000 UTC");
    assert_eq!(task["command"], "\"sh -c echo  'a b'\"");
    assert_eq!(task["reason"], "exited");
    // Only with that word.
    host.dokku(["run:list", "--format=json", &app.name])
        .assert_stdout("[]\n");
}

#[test]
fn stop_reports_a_recorded_task_as_already_ended() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let name = format!("{}.run.1", app.name);
    let output = host.dokku(["run:stop", "--container", &name]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert_eq!(output.stderr, format!("-----> {name} has ended already\n"));
    assert_eq!(records(&host, &app).len(), 1);
}
