use super::*;
use crate::record::tests::record;

/// The records in a store with this file, newest first, and the counts of skipped lines.
fn read_from(text: &str) -> (Vec<Record>, Skipped) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_dir(directory.path());
    std::fs::write(store.path(), text).unwrap();
    let mut newest = RecordsNewestFirst::from(&store, "demo");
    let records = newest.by_ref().collect();
    (records, newest.passed)
}

fn line(id: &str) -> String {
    String::from_utf8(record(id).line().unwrap()).unwrap()
}

#[test]
fn records_are_read_newest_first() {
    let (records, passed) = read_from(&(line("a") + &line("b")));
    assert_eq!(records, [record("b"), record("a")]);
    assert_eq!(passed, Skipped::default());
}

#[test]
fn damaged_records_are_skipped_and_counted() {
    let half = &line("x")[..100];
    let text = format!("{}{half}\n\0\0\0\n[]\n{}not json\n", line("a"), line("b"));
    let (records, passed) = read_from(&text);
    assert_eq!(records, [record("b"), record("a")]);
    assert_eq!(
        passed,
        Skipped {
            damaged: 4,
            newer: 0
        }
    );
}

#[test]
fn a_record_of_an_older_version_is_read_with_defaults() {
    let (records, passed) = read_from(
        "{\"id\":\"a\",\"app\":\"demo\",\"name\":\"demo.run.1\",\"finished\":\"2026-11-23T14:36:15Z\",\"exit_code\":3,\"reason\":\"exited\",\"host\":\"one\"}\n",
    );
    assert_eq!(passed, Skipped::default());
    let [old] = &records[..] else {
        unreachable!("one record");
    };
    assert_eq!(
        (old.version, old.exit_code, old.command.len()),
        (0, Some(3), 0)
    );
    assert_eq!((&old.started, &old.output), (&None, &None));
}

#[test]
fn records_of_a_newer_version_are_skipped_and_counted() {
    let newer = line("b").replace("\"version\":1", "\"version\":2");
    let unlike = "{\"version\":3,\"task\":{\"id\":\"x\"}}\n";
    let (records, passed) = read_from(&(line("a") + &newer + unlike));
    assert_eq!(records, [record("a")]);
    assert_eq!(
        passed,
        Skipped {
            damaged: 0,
            newer: 2
        }
    );
}

#[test]
fn records_of_a_renamed_app_are_read_under_its_new_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_dir(directory.path());
    std::fs::write(store.path(), line("a")).unwrap();
    let apps: Vec<String> = RecordsNewestFirst::from(&store, "new")
        .map(|record| record.app)
        .collect();
    assert_eq!(apps, ["new"]);
}
