use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

use duct::cmd;
use tempfile::TempDir;

use super::*;
use crate::record::read::{RecordsNewestFirst, Skipped};
use crate::record::store::lines::MAX_FILE_BYTES;
use crate::record::tests::record;
use crate::record::{Record, TaskInfo};

pub(super) fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_dir(&directory.path().join("records/demo"));
    (directory, store)
}

pub(super) fn add(store: &Store, id: &str, max_records: usize) -> Appended {
    let line = record(id).line().unwrap();
    store.append(id, &line, max_records, || true).unwrap()
}

/// The ids of the records, oldest first, and the counts of skipped lines.
fn ids(store: &Store) -> (Vec<String>, Skipped) {
    let mut newest = RecordsNewestFirst::from(store, "demo");
    let mut ids: Vec<String> = newest.by_ref().map(|record| record.id).collect();
    ids.reverse();
    (ids, newest.skipped)
}

#[track_caller]
pub(super) fn assert_ids(store: &Store, expected: &[&str]) {
    let expected = expected.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(ids(store), (expected, Skipped::default()));
}

fn append_by_hand(store: &Store, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(store.path()).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn the_record_store_is_readable_by_its_owner_only() {
    let (directory, store) = store();
    add(&store, "a", 10);
    store.new_output("a", 0).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join("records")), 0o700);
    assert_eq!(mode(&store.0), 0o700);
    assert_eq!(mode(&store.outputs()), 0o700);
    assert_eq!(mode(&store.path()), 0o600);
    assert_eq!(mode(&store.output("a.0.new")), 0o600);
    // Also when the store of another app was replaced.
    for id in ["b", "c"] {
        add(&store, id, 1);
    }
    assert_eq!(mode(&store.path()), 0o600);
}

#[test]
fn a_container_is_recorded_once() {
    let (_directory, store) = store();
    assert_eq!(add(&store, "a", 10), Appended::Added);
    assert_eq!(add(&store, "b", 10), Appended::Added);
    assert_eq!(add(&store, "a", 10), Appended::AlreadyRecorded);
    assert_ids(&store, &["a", "b"]);
}

#[test]
fn the_store_drops_the_oldest_records_above_the_limit() {
    let (_directory, store) = store();
    for number in 0..7 {
        add(&store, &number.to_string(), 3);
    }
    assert_ids(&store, &["4", "5", "6"]);
    for number in 7..60 {
        add(&store, &number.to_string(), 20);
    }
    let (ids, _) = ids(&store);
    assert!((20..=22).contains(&ids.len()), "{ids:?}");
    assert_eq!(ids.last().unwrap(), "59");
    assert_eq!(add(&store, "none", 0), Appended::NotStored);
    assert_ids(&store, &[]);
}

#[test]
fn the_store_drops_the_oldest_records_above_its_maximum_size() {
    let (_directory, store) = store();
    for number in 0..80 {
        let id = number.to_string();
        let big = Record {
            task: TaskInfo {
                command: vec!["x".repeat(256 * 1024)],
                ..record(&id).task
            },
            ..record(&id)
        };
        let line = big.line().unwrap();
        store.append(&id, &line, 1000, || true).unwrap();
        let bytes = fs::metadata(store.path()).unwrap().len();
        assert!(bytes <= MAX_FILE_BYTES + MAX_FILE_BYTES / 10, "{bytes}");
    }
    let (ids, _) = ids(&store);
    assert!(ids.len() >= 30, "{}", ids.len());
    assert_eq!(ids.last().unwrap(), "79");
}

#[test]
fn a_torn_line_does_not_damage_the_next_record() {
    let (_directory, store) = store();
    add(&store, "a", 10);
    append_by_hand(&store, br#"{"version":1,"id":"b","app":"de"#);
    assert_ids(&store, &["a"]);
    // The task whose line was incomplete may be recorded again.
    assert_eq!(add(&store, "b", 10), Appended::Added);
    add(&store, "c", 10);
    assert_ids(&store, &["a", "b", "c"]);
}

#[test]
fn an_append_leaves_no_store_of_a_removed_app() {
    let (_directory, store) = store();
    let line = record("b").line().unwrap();
    assert_eq!(
        store.append("b", &line, 10, || false).unwrap(),
        Appended::NotStored
    );
    assert!(!store.0.exists());
    // The app is destroyed while the lock is waited for and its output is saved already.
    let calls = std::cell::Cell::new(0);
    fs::rename(store.new_output("b", 0).unwrap().0, store.output("b")).unwrap();
    let exists_once = || calls.replace(calls.get() + 1) == 0;
    assert_eq!(
        store.append("b", &line, 10, exists_once).unwrap(),
        Appended::NotStored
    );
    assert!(calls.get() == 2 && !store.0.exists());
    // The app has been destroyed before.
    fs::rename(store.new_output("b", 0).unwrap().0, store.output("b")).unwrap();
    assert_eq!(
        store.append("b", &line, 10, || false).unwrap(),
        Appended::NotStored
    );
    assert!(!store.0.exists());
    // A store that does not exist can be removed and renamed.
    store.remove().unwrap();
    store
        .rename(&Store::open_dir(&store.0.with_extension("new")))
        .unwrap();
}

#[test]
fn an_append_recreates_a_store_removed_while_it_waited_for_the_lock() {
    let (_directory, store) = store();
    add(&store, "old", 10);
    std::thread::scope(|scope| {
        let lock = store.lock().unwrap().unwrap();
        let waiting = scope.spawn(|| add(&store, "new", 10));
        let own = format!("{}", store.0.metadata().unwrap().ino());
        crate::record::tests::until(|| {
            let locks = fs::read_to_string("/proc/locks").unwrap();
            locks
                .lines()
                .any(|line| line.contains("->") && line.contains(&own))
        });
        fs::remove_dir_all(&store.0).unwrap();
        drop(lock);
        assert_eq!(waiting.join().unwrap(), Appended::Added);
    });
    assert_ids(&store, &["new"]);
}

/// The environment variable that makes the test
/// [`the_child_process_of_the_kill_test_appends_records`] act as a writer.
const WRITER: &str = "ONEOFF_TEST_WRITER";
/// Lines per writer. All writers together write fewer lines than a store keeps.
const LINES: usize = 12;

/// Not a test of its own: the child process of the next test. It prints each id after the line is
/// written.
#[test]
fn the_child_process_of_the_kill_test_appends_records() {
    let Ok(argument) = std::env::var(WRITER) else {
        return;
    };
    let (directory, name) = argument.split_once(' ').unwrap();
    let store = Store::open_dir(Path::new(directory));
    for number in 0..LINES {
        let id = format!("{name}-{number}");
        // Larger than a page: the kernel may cut a write short at the end of one.
        let long = Record {
            task: TaskInfo {
                command: vec!["x".repeat(6000)],
                ..record(&id).task
            },
            ..record(&id)
        };
        store
            .append(&id, &long.line().unwrap(), 100_000, || true)
            .unwrap();
        let _ = writeln!(io::stdout().lock(), "\nwritten {id}");
    }
}

#[test]
fn no_record_is_torn_or_lost_when_writers_are_killed() {
    let (_directory, store) = store();
    make_directory(&store.0).unwrap();
    let mut random = fastrand::Rng::with_seed(9);
    let itself = std::env::current_exe().unwrap();
    let words = [
        "--exact",
        "record::store::tests::the_child_process_of_the_kill_test_appends_records",
        "--nocapture",
    ];
    let writers: Vec<_> = (0..100)
        .map(|number| {
            let argument = format!("{} {number}", store.0.display());
            let writer = cmd(&itself, words).env(WRITER, argument);
            let writer = writer.stdout_capture().stderr_null().unchecked();
            writer.start().unwrap()
        })
        .collect();
    let written = || fs::metadata(store.path()).map_or(0, |file| file.len());
    let mut alive: Vec<_> = writers.iter().collect();
    // Two of three writers are killed, one after the other, while the file grows.
    while alive.len() > 33 {
        let before = written();
        let is_over = || {
            alive
                .iter()
                .all(|writer| writer.try_wait().is_ok_and(|end| end.is_some()))
        };
        crate::record::tests::until(|| written() > before || is_over());
        let victim = alive.swap_remove(random.usize(..alive.len()));
        victim.kill().unwrap();
    }
    let mut killed = 0;
    let mut printed = Vec::new();
    for writer in &writers {
        let output = writer.wait().unwrap();
        killed += usize::from(!output.status.success());
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        printed.extend(
            text.lines()
                .filter_map(|line| line.strip_prefix("written ").map(str::to_owned)),
        );
    }
    assert!(written() < MAX_FILE_BYTES, "some have gone by size");
    assert!(killed > 20, "only {killed} were killed at work");
    // The next writer removes an incomplete line.
    add(&store, "last", 100_000);
    let (ids, skipped) = ids(&store);
    assert_eq!(skipped, Skipped::default(), "torn");
    let mut count: HashMap<&str, usize> = HashMap::new();
    for id in &ids {
        *count.entry(id).or_default() += 1;
    }
    for id in &printed {
        assert_eq!(count.remove(id.as_str()), Some(1), "{id}");
    }
    // A killed writer may have written one more line than it printed.
    assert!(count.len() <= killed + 1, "{count:?}");
}
