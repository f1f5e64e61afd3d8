//! Every step of a run, and everything that can happen to it: a call of docker's or a
//! hook fails, hangs or dies, or we do. Whatever it was, after `run:retire` the host is
//! as it was before, no task was started twice, no end was told twice, and nobody was
//! lied to.
//!
//! Each test prints its table, and writes it below `target/tmp`.

mod lane;
mod table;
mod verdict;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use lane::Lane;
use table::Table;

use crate::support::{Fault, HOOK, Host, Image};

/// So many cases at once, each on a host of its own.
const LANES: usize = 4;

/// Whose steps are spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Attached,
    Detached,
    /// `run:retire`, after a task that nobody looks after has ended.
    Pass,
}

#[test]
fn an_attached_task_is_cleaned_up_and_reported_once_after_any_fault() {
    every_step(Kind::Attached);
}

#[test]
fn a_detached_task_is_cleaned_up_and_reported_once_after_any_fault() {
    every_step(Kind::Detached);
}

#[test]
fn a_retire_pass_cleans_up_and_reports_once_after_any_fault() {
    every_step(Kind::Pass);
}

/// Runs every step with every fault, prints the table, and fails with all that is wrong.
fn every_step(kind: Kind) {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let steps = Lane::new(&host, &app, kind).steps();
    let cases = steps.iter().flat_map(|step| {
        let faults = Fault::ALL
            .into_iter()
            .filter(|fault| concerns(step, *fault));
        faults.map(move |fault| (step.as_str(), fault))
    });
    let waiting = Mutex::new(cases.collect::<VecDeque<_>>());
    let table = Mutex::new(Table::new(kind, &steps));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let host = Host::new();
                let app = host.app(Image::Busybox);
                let lane = Lane::new(&host, &app, kind);
                loop {
                    let Some((step, fault)) = waiting.lock().unwrap().pop_front() else {
                        break;
                    };
                    let outcome = lane.case(Some((step, fault)));
                    table.lock().unwrap().add(step, fault, outcome);
                }
            });
        }
    });
    let table = table.into_inner().unwrap();
    println!("{table}");
    let file = format!("faults-{kind:?}.txt").to_lowercase();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join(file), table.to_string()).unwrap();
    assert!(table.is_right(), "cases went wrong, see the table");
}

/// A hook has no daemon. One that is asked before anything is made is spoiled in few
/// ways: nothing can be left.
fn concerns(step: &str, fault: Fault) -> bool {
    let is_hook = step.starts_with(HOOK);
    let is_told = ["post-container-create", "scheduler-post-run"]
        .iter()
        .any(|hook| step.contains(hook));
    match fault {
        Fault::Fails | Fault::WeDieBefore => true,
        Fault::CutOff => !is_hook,
        _ => !is_hook || is_told,
    }
}
