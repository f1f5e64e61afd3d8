//! The process that supervises a task without a journal on disk.
//!
//! Usually the process that holds the lock on a task's journal supervises the task. If no
//! journal can be written, a label of the container names the process instead, by its id and
//! start time. No two processes have both in common.

use std::fs;

use crate::docker::container_inspect::ContainerInfo;
use crate::task::model::labels;

/// The label's value for the current process; `None` if `/proc` does not show the process.
pub(crate) fn own_label() -> Option<String> {
    let pid = std::process::id();
    Some(format!("{pid}.{}", start_of(pid)?))
}

/// Whether a live process supervises this container without a journal on disk.
pub(crate) fn supervises(info: &ContainerInfo) -> bool {
    // A container that this plugin did not create can have the label from its image.
    info.has_own_name_label() && info.label(labels::ATTENDANT).is_some_and(is_alive)
}

/// Whether the process that is named by the label's value is alive.
fn is_alive(label: &str) -> bool {
    let named = label
        .split_once('.')
        .and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse::<u64>().ok()?)));
    named.is_some_and(|(pid, start)| start_of(pid) == Some(start))
}

/// The start time of a process that has not ended, in clock ticks since boot (proc(5),
/// `/proc/<pid>/stat`); `None` if the process has ended or does not exist.
fn start_of(pid: u32) -> Option<u64> {
    const STATE: usize = 0;
    const START: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The process name before the last bracket can contain brackets and spaces.
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
        let own_label = own_label().unwrap();
        assert!(is_alive(&own_label));
        let (pid, start) = own_label.split_once('.').unwrap();
        let later: u64 = start.parse::<u64>().unwrap() + 1;
        for other in [
            format!("{pid}.{later}"),
            format!("0.{start}"),
            pid.to_owned(),
            format!("{pid}."),
            String::new(),
            format!("../{pid}.{start}"),
        ] {
            assert!(!is_alive(&other), "{other}");
        }
    }
}
