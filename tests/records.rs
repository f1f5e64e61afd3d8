//! What is kept of tasks, and what becomes of it with the app.

use std::fs;

use crate::support::{Host, Image, record, records, store, write_records};

#[test]
fn a_renaming_moves_them() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let output = store(&host, &app).join("output");
    fs::create_dir(&output).unwrap();
    fs::write(output.join("x"), "").unwrap();
    host.hand_over();
    let new = format!("{}-new", app.name);
    app.prepare("apps:rename", &[&new]);
    let history = host.dokku(["run:history", &new]);
    let waited = host.dokku(["run:wait", "--container", &format!("{}.run.1", app.name)]);
    let old = store(&host, &app).exists();
    let moved = store(&host, &app)
        .with_file_name(&new)
        .join("output/x")
        .exists();
    host.prepare(&["apps:rename", &new, &app.name]);
    assert!(
        history.stdout.contains(&format!("{}.run.1", app.name)),
        "{history:?}"
    );
    assert_eq!(waited.code, 3, "under the name that it had: {waited:?}");
    assert!(moved && !old);
}

#[test]
fn they_go_with_their_app_and_are_not_copied() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let copy = format!("{}-copy", app.name);
    app.prepare("apps:clone", &[&copy]);
    let history = host.dokku(["run:history", "--format", "json", &copy]);
    host.prepare(&["--force", "apps:destroy", &copy]);
    history.says("[]\n");
    let directory = store(&host, &app);
    drop(app);
    assert!(!directory.exists());
}

#[test]
fn what_an_app_has_left_is_not_the_next_ones() {
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
        host.hand_over();
    };
    leave();
    host.prepare(&["apps:create", &name]);
    let history = host.dokku(["run:history", "--format", "json", &name]);
    host.prepare(&["--force", "apps:destroy", &name]);
    history.says("[]\n");

    // Nobody may make an app of that name again.
    leave();
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    assert_eq!(host.dokku(["run:retire"]).code, 0);
    assert!(!left.exists());
    assert_eq!(records(&host, &app).len(), 1);
}

#[test]
fn a_list_of_all_has_finished_ones_with_exit_code_and_age() {
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
        .says("[]\n");
}

#[test]
fn a_task_that_has_ended_can_be_stopped_no_more() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let name = format!("{}.run.1", app.name);
    let output = host.dokku(["run:stop", "--container", &name]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert_eq!(output.stderr, format!("-----> {name} has ended already\n"));
    assert_eq!(records(&host, &app).len(), 1);
}
