//! `run:history`

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::{App, Host, Image, Terminal, record, store, write_lines, write_records};

/// The numbers in the names, as they are shown.
fn numbers(host: &Host, words: &[&str]) -> Vec<u64> {
    let words: Vec<&str> = ["run:history", "--format", "json"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    let output = host.dokku(&words);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    let records: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    let number = |record: &Value| {
        let name = record["name"].as_str().unwrap();
        name.rsplit('.').next().unwrap().parse().unwrap()
    };
    records.iter().map(number).collect()
}

fn with(mut record: Value, key: &str, value: Value) -> Value {
    record[key] = value;
    record
}

#[test]
fn history_prints_a_table_with_the_newest_task_first() {
    let host = Host::new();
    let app = host.app(Image::None);
    let killed = with(record(&app, 3, 2, 137), "reason", json!("oom"));
    let nobody_saw = with(record(&app, 2, 1, 0), "reason", json!("lost"));
    let nobody_saw = with(nobody_saw, "exit_code", Value::Null);
    write_records(&host, &app, &[record(&app, 1, 0, 0), nobody_saw, killed]);
    let output = host.dokku(["run:history", &app.name]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    let lines: Vec<Vec<&str>> = output
        .stdout
        .lines()
        .map(|line| {
            line.split("   ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(lines[0], [format!("=====> {} run history", app.name)]);
    assert_eq!(
        lines[1],
        ["NAME", "ENDED", "TOOK", "EXIT", "USER", "COMMAND"]
    );
    let command = r"sh -c 'echo  '\''a b'\'''";
    for (line, number, took, exit) in [
        (2, 3, "1m 1s", "137 (oom)"),
        (3, 2, "1m", "? (lost)"),
        (4, 1, "59s", "0"),
    ] {
        let name = format!("{}.run.{number}", app.name);
        assert_eq!(lines[line][0], name);
        assert!(lines[line][1].ends_with(" ago"), "{output:?}");
        assert_eq!(lines[line][2..], [took, exit, "ada", command], "{output:?}");
    }
    assert_eq!(lines.len(), 5);
    let quiet = host.dokku(["--quiet", "run:history", &app.name]);
    assert_eq!(quiet.stdout.lines().count(), 3);
    assert!(
        quiet.stdout.starts_with(&format!("{}.run.3\t", app.name)),
        "{quiet:?}"
    );
}

#[test]
fn history_json_contains_the_records_unchanged() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 0, 3)]);
    let output = host.dokku(["run:history", "--format", "json", &app.name]);
    let shown: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(shown, [record(&app, 1, 0, 3)]);
    let none = host.app(Image::None);
    host.dokku(["run:history", "--format=json", &none.name])
        .assert_stdout("[]\n");
}

#[test]
fn history_filters_by_count_failure_type_and_time() {
    let host = Host::new();
    let app = host.app(Image::None);
    let cron = with(record(&app, 3, 30, 0), "type", json!("cron"));
    let lost = with(record(&app, 4, 40, 0), "exit_code", Value::Null);
    write_records(
        &host,
        &app,
        &[record(&app, 1, 10, 1), record(&app, 2, 20, 0), cron, lost],
    );
    let shown = |words: &[&str]| numbers(&host, &[words, &[app.name.as_str()]].concat());
    assert_eq!(shown(&[]), [4, 3, 2, 1]);
    assert_eq!(shown(&["-n", "2"]), [4, 3]);
    assert_eq!(shown(&["--num=all"]), [4, 3, 2, 1]);
    assert_eq!(shown(&["-n", "0"]), [0; 0]);
    assert_eq!(shown(&["--failed"]), [4, 1]);
    assert_eq!(shown(&["--failed", "-n", "1"]), [4]);
    assert_eq!(shown(&["--type", "cron"]), [3]);
    assert_eq!(shown(&["--type=run"]), [4, 2, 1]);
    assert_eq!(shown(&["--since", "2026-11-23T12:00:20Z"]), [4, 3, 2]);
    assert_eq!(shown(&["--since", "2026-11-23T13:00:30+01:00"]), [4, 3]);
    assert_eq!(shown(&["--since", "1s"]), [0; 0]);
    for (words, named) in [
        (["--type", "web"], "'web'"),
        (["--since", "soon"], "'soon'"),
        (["-n", "some"], "'some'"),
        (["--format", "yaml"], "stdout, json"),
    ] {
        host.dokku([&["run:history"], &words[..], &[app.name.as_str()]].concat())
            .assert_refused(1, named);
    }
    host.dokku(["run:history", "no-such-app"])
        .assert_refused(20, "does not exist");
}

#[test]
fn history_shows_20_tasks_by_default() {
    let host = Host::new();
    let app = host.app(Image::None);
    let many: Vec<Value> = (0..50).map(|number| record(&app, number, 1, 0)).collect();
    write_records(&host, &app, &many);
    let newest: Vec<u64> = (30..50).rev().collect();
    assert_eq!(numbers(&host, &[&app.name]), newest);
}

#[test]
fn history_without_an_app_shows_every_visible_app() {
    let host = Host::new();
    let (one, two, hidden) = (
        host.app(Image::None),
        host.app(Image::None),
        host.app(Image::None),
    );
    write_records(&host, &one, &[record(&one, 1, 1, 0), record(&one, 4, 4, 0)]);
    write_records(&host, &two, &[record(&two, 2, 2, 0), record(&two, 3, 3, 0)]);
    write_records(&host, &hidden, &[record(&hidden, 5, 5, 0)]);
    let hook = format!(
        "shift 2; for app; do [ $app = {} ] || echo $app; done",
        hidden.name
    );
    host.add_hook("oneoff-test-acl", "user-auth-app", &hook);
    let output = host.dokku(["run:history", "-n", "all", "--format", "json"]);
    let not_seen = host.dokku(["run:history", &hidden.name]);
    let missing = host.dokku(["run:history", "no-such-app"]);
    host.add_hook(
        "oneoff-test-acl",
        "user-auth-app",
        "shift 2; for app; do echo $app; done",
    );
    assert!(!output.stdout.contains(&hidden.name), "{output:?}");
    let records: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    let of = |app: &App<'_>, record: &Value| record["app"] == app.name.as_str();
    let ours: Vec<&Value> = records
        .iter()
        .filter(|record| of(&one, record) || of(&two, record))
        .collect();
    let names: Vec<&str> = ours
        .iter()
        .map(|record| record["name"].as_str().unwrap())
        .collect();
    let name = |app: &App<'_>, number| format!("{}.run.{number}", app.name);
    assert_eq!(
        names,
        [name(&one, 4), name(&two, 3), name(&two, 2), name(&one, 1)]
    );
    // Not allowed and not there look alike.
    let as_missing = not_seen.stderr.replace(&hidden.name, "no-such-app");
    assert_eq!((not_seen.code, as_missing), (missing.code, missing.stderr));
}

#[test]
fn history_skips_damaged_records_and_reports_how_many() {
    let host = Host::new();
    let app = host.app(Image::None);
    let lines = format!(
        "{}\n{{\"version\":1,\"id\":\"torn\n{}\n\0\0\n{}\n{{\"version\":1,\"id",
        record(&app, 1, 1, 0),
        with(record(&app, 2, 2, 0), "version", json!(2)),
        record(&app, 3, 3, 0)
    );
    write_lines(&host, &app, &lines);
    let output = host.dokku(["run:history", "--format", "json", &app.name]);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        output.stderr,
        " !     Skipped 2 records that cannot be read\n !     Skipped 1 records that were written by a newer version of the plugin\n"
    );
    let shown: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(shown, [record(&app, 3, 3, 0), record(&app, 1, 1, 0)]);
}

#[test]
fn history_uses_colour_and_truncation_on_a_terminal_only() {
    let host = Host::new();
    let app = host.app(Image::None);
    let evil = json!(["sh", "-c", format!("\u{1b}[2Jclear\n{}", "x".repeat(200))]);
    let evil = with(record(&app, 2, 2, 3), "command", evil);
    write_records(&host, &app, &[record(&app, 1, 1, 0), evil]);
    let shown = |script: &str| {
        let mut terminal = Terminal::start(&host, script, ["run:history", &app.name]);
        assert_eq!(terminal.wait_exit_code(), 0);
        terminal.screen()
    };
    let name = |number| format!("{}.run.{number}", app.name);
    let colored = shown("\"$@\"");
    assert!(
        colored.contains(&format!("\u{1b}[31m{}", name(2))),
        "{colored:?}"
    );
    assert!(
        !colored.contains(&format!("\u{1b}[31m{}", name(1))),
        "{colored:?}"
    );
    assert!(!colored.contains("\u{1b}[2J"), "{colored:?}");
    let plain = shown("NO_COLOR=1 \"$@\"");
    assert!(
        !plain.contains('\u{1b}') && plain.contains(&name(2)),
        "{plain:?}"
    );
    let width = usize::from(Terminal::COLUMNS);
    assert!(
        plain.lines().all(|line| line.chars().count() <= width),
        "{plain:?}"
    );
    let output = host.dokku(["run:history", &app.name]);
    assert!(
        !output.stdout.contains('\u{1b}') && output.stdout.contains(&"x".repeat(200)),
        "{output:?}"
    );
    assert_eq!(output.stdout.lines().count(), 4, "{output:?}");
}

#[test]
fn unreadable_records_are_reported_and_not_taken_for_none() {
    let host = Host::new();
    let app = host.app(Image::None);
    let output = host.dokku(["run:history", &app.name]);
    assert_eq!(output.stderr, "", "there are none yet");
    write_records(&host, &app, &[]);
    let file = store(&host, &app).join("tasks.jsonl");
    fs::remove_file(&file).unwrap();
    let container = format!("{}.run.1", app.name);
    // The one is opened and cannot be read, the other cannot be opened.
    fs::create_dir(&file).unwrap();
    let mut outputs = Vec::new();
    let mut ask = || {
        outputs.push(host.dokku(["run:history", &app.name]));
        outputs.push(host.dokku(["run:list", "--all", &app.name]));
        outputs.push(host.dokku(["run:wait", "--container", &container]));
    };
    ask();
    fs::remove_dir(&file).unwrap();
    symlink(&file, &file).unwrap();
    ask();
    for output in outputs {
        let said = format!("The records of {} cannot be read: ", app.name);
        assert!(output.stderr.contains(&said), "{output:?}");
    }
}

#[test]
fn history_refuses_another_scheduler_unless_the_app_has_records() {
    let host = Host::new();
    let app = host.app(Image::None);
    app.dokku_ok("scheduler:set", &["selected", "k3s"]);
    host.dokku(["run:history", &app.name])
        .assert_refused(1, "'k3s'");
    // Those of before are.
    write_records(&host, &app, &[record(&app, 1, 1, 0)]);
    let output = host.dokku(["run:history", &app.name]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output.stdout.contains(&format!("{}.run.1", app.name)) && output.stderr.contains("'k3s'"),
        "{output:?}"
    );
}
