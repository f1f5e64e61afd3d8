//! Processes below one that a test started.

use std::fs;

use duct::cmd;

/// The process and all below it, parents first.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        found.extend(
            children
                .split_whitespace()
                .map(|pid| pid.parse::<u32>().unwrap()),
        );
        next += 1;
    }
    found
}

/// Sends a signal to our own process of this name, below Dokku's.
pub fn signal_ours(below: u32, name: &str, signal: &str) {
    let ours = descendants(below).into_iter().find(|pid| {
        fs::read_link(format!("/proc/{pid}/exe"))
            .is_ok_and(|path| path.file_name().is_some_and(|file| file == name))
    });
    let ours = ours.expect("our process runs").to_string();
    cmd!("kill", format!("-{signal}"), ours).run().unwrap();
}
