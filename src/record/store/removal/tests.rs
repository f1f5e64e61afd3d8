use super::*;
use crate::record::store::tests::{add, assert_ids, store};

#[test]
fn unremovable_records_are_set_aside() {
    let (directory, store) = store();
    add(&store, "old", 10);
    // Called directly: `remove` does this only if the removal fails, which it never does for root.
    store.rename_for_removal().unwrap();
    let left: Vec<_> = fs::read_dir(directory.path().join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        left.len() == 1 && left[0].starts_with(".removed-demo-"),
        "{left:?}"
    );
    add(&store, "a", 10);
    assert_ids(&store, &["a"]);
}

#[test]
fn a_renamed_store_replaces_an_existing_store() {
    let (directory, old) = store();
    let new = Store::open_dir(&directory.path().join("records/new"));
    add(&new, "of one that was destroyed while nobody looked", 10);
    add(&old, "a", 10);
    fs::write(old.new_output("a", 0).unwrap().0, "o").unwrap();
    old.rename(&new).unwrap();
    assert_ids(&new, &["a"]);
    assert!(new.output("a.0.new").exists() && !old.0.exists());
}

#[test]
fn pruning_keeps_the_newest_outputs_and_removes_stale_files() {
    let (_directory, store) = store();
    for (age, id) in ["newest", "older", "oldest"].iter().enumerate() {
        let (path, file) = store.new_output(id, 0).unwrap();
        let age = Duration::from_secs(60 * age as u64);
        file.set_modified(SystemTime::now() - age).unwrap();
        fs::rename(path, store.output(id)).unwrap();
    }
    let (in_progress, _) = store.new_output("being taken", 0).unwrap();
    let (left, file) = store.new_output("left", 0).unwrap();
    file.set_modified(SystemTime::now() - 2 * STALE_OUTPUT_AGE)
        .unwrap();
    store.prune_outputs(2);
    let exist = ["newest", "older", "oldest"].map(|id| store.output(id).exists());
    assert_eq!(exist, [true, true, false]);
    assert!(in_progress.exists() && !left.exists());
    store.prune_outputs(0);
    assert!(!store.output("newest").exists());
}
