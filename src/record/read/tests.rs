use super::*;
use crate::record::tests::record;

/// The records in a store with this file, newest first, and the counts of skipped lines.
fn read_from(text: &str) -> (Vec<Record>, Skipped) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_dir(directory.path());
    std::fs::write(store.path(), text).unwrap();
    let mut newest = RecordsNewestFirst::from(&store, "demo");
    let records = newest.by_ref().collect();
    (records, newest.skipped)
}

fn line(id: &str) -> String {
    String::from_utf8(record(id).line().unwrap()).unwrap()
}

#[test]
fn records_are_read_newest_first() {
    let (records, skipped) = read_from(&(line("a") + &line("b")));
    assert_eq!(records, [record("b"), record("a")]);
    assert_eq!(skipped, Skipped::default());
}

#[test]
fn damaged_records_are_skipped_and_counted() {
    let half = &line("x")[..100];
    let text = format!("{}{half}\n\0\0\0\n[]\n{}not json\n", line("a"), line("b"));
    let (records, skipped) = read_from(&text);
    assert_eq!(records, [record("b"), record("a")]);
    assert_eq!(
        skipped,
        Skipped {
            damaged: 4,
            newer: 0
        }
    );
}

#[test]
fn a_record_of_an_older_version_is_read_with_defaults() {
    let (records, skipped) = read_from(
        "{\"id\":\"a\",\"app\":\"demo\",\"name\":\"demo.run.1\",\"finished\":\"2026-11-23T14:36:15Z\",\"exit_code\":3,\"reason\":\"exited\",\"host\":\"one\"}\n",
    );
    assert_eq!(skipped, Skipped::default());
    let [old] = &records[..] else {
        unreachable!("one record");
    };
    assert_eq!(
        (old.version, old.exit_code, old.task.command.len()),
        (0, Some(3), 0)
    );
    assert_eq!((&old.started, &old.output), (&None, &None));
}

#[test]
fn a_record_may_lack_any_key_that_an_older_version_did_not_write() {
    let full: serde_json::Map<_, _> = serde_json::from_str(&line("a")).unwrap();
    for (key, is_optional) in [
        ("version", true),
        ("id", false),
        ("app", false),
        ("name", false),
        ("type", true),
        ("command", true),
        ("image", true),
        ("user", true),
        ("detached", true),
        ("created", true),
        ("started", true),
        ("finished", false),
        ("exit_code", true),
        ("reason", false),
        ("output", true),
    ] {
        let mut partial = full.clone();
        assert!(partial.remove(key).is_some(), "{key}");
        let text = serde_json::to_string(&partial).unwrap() + "\n";
        assert_eq!(read_from(&text).0.len(), usize::from(is_optional), "{key}");
    }
}

#[test]
fn records_of_a_newer_version_are_skipped_and_counted() {
    let newer = line("b").replace("\"version\":1", "\"version\":2");
    let unlike = "{\"version\":3,\"task\":{\"id\":\"x\"}}\n";
    let (records, skipped) = read_from(&(line("a") + &newer + unlike));
    assert_eq!(records, [record("a")]);
    assert_eq!(
        skipped,
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
        .map(|record| record.task.app)
        .collect();
    assert_eq!(apps, ["new"]);
}
