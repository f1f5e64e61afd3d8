//! The process that looks after a task without a journal.
//!
//! Usually that holds the lock on the task's journal. Where no journal can be written, a
//! label of the container names the process instead: by its id and the time of its
//! start, which no other process has both of.

use std::fs;

use crate::docker::container_inspect::ContainerInfo;
use crate::task::model::labels;

/// The label's value for our own process; `None` where `/proc` does not show it.
pub(crate) fn ours() -> Option<String> {
    let pid = std::process::id();
    Some(format!("{pid}.{}", start_of(pid)?))
}

/// Whether a process that lives looks after this container without a journal.
pub(crate) fn looks_after(facts: &ContainerInfo) -> bool {
    // The label of a container that is not ours is its image's.
    facts.has_own_name_label() && facts.label(labels::ATTENDANT).is_some_and(lives)
}

/// Whether the process that the label's value names lives.
fn lives(label: &str) -> bool {
    let named = label
        .split_once('.')
        .and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse::<u64>().ok()?)));
    named.is_some_and(|(pid, start)| start_of(pid) == Some(start))
}

/// When a process that has not ended was started, in clock ticks since the boot (proc(5),
/// `/proc/<pid>/stat`).
fn start_of(pid: u32) -> Option<u64> {
    const STATE: usize = 0;
    const START: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last bracket may have brackets and spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let has_ended = matches!(fields.get(STATE), Some(&("Z" | "X")));
    fields.get(START)?.parse().ok().filter(|_| !has_ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_is_alive() {
        let ours = ours().unwrap();
        assert!(lives(&ours));
        let (pid, start) = ours.split_once('.').unwrap();
        let later: u64 = start.parse::<u64>().unwrap() + 1;
        for other in [
            format!("{pid}.{later}"),
            format!("0.{start}"),
            pid.to_owned(),
            format!("{pid}."),
            String::new(),
            format!("../{pid}.{start}"),
        ] {
            assert!(!lives(&other), "{other}");
        }
    }
}
