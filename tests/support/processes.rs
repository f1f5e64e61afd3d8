//! The processes of a command under test.

use std::fs;

use duct::cmd;

/// A process at the time when it was read from `/proc`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    pub pid: u32,
    /// The file name of its program.
    pub program: String,
    /// Its command line.
    pub words: String,
}

impl std::fmt::Display for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.pid, self.words)
    }
}

impl Process {
    /// The processes that have this variable (`NAME=value`) in their environment.
    pub fn with_variable(variable: &str) -> Vec<Self> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                fs::read(format!("/proc/{pid}/environ")).is_ok_and(|variables| {
                    variables
                        .split(|byte| *byte == 0)
                        .any(|found| found == variable.as_bytes())
                })
            })
            .filter_map(Self::of)
            .collect()
    }

    /// Kills the process; does nothing if it has ended.
    pub fn kill(&self) {
        let kill = cmd!("kill", "-KILL", self.pid.to_string());
        kill.stderr_null().unchecked().run().unwrap();
    }

    /// `None` if the process has ended.
    fn of(pid: u32) -> Option<Self> {
        let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        Some(Self {
            pid,
            program: program.file_name()?.to_str()?.to_owned(),
            words: words.trim_end_matches('\0').replace('\0', " "),
        })
    }
}

/// A process and all of its descendants, parents first.
fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid));
        next += 1;
    }
    found
}

/// The child processes of all threads of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    threads
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|thread| {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
            pids.collect::<Vec<u32>>()
        })
        .collect()
}

/// The plugin's process of this name among the descendants of `ancestor`.
pub fn our_program(ancestor: u32, name: &str) -> Option<u32> {
    descendants(ancestor).into_iter().find(|pid| {
        fs::read_link(format!("/proc/{pid}/exe"))
            .is_ok_and(|path| path.file_name().is_some_and(|file| file == name))
    })
}

/// The docker client that was called with these consecutive words. `setpriv` and `setsid`, which
/// are about to execute it, do not count.
pub fn docker_client(ancestor: u32, words: &[&str]) -> Option<u32> {
    let wanted = format!("\0{}\0", words.join("\0"));
    let becomes_another = |pid: &u32| {
        Process::of(*pid).is_none_or(|it| ["setpriv", "setsid"].contains(&it.program.as_str()))
    };
    descendants(ancestor).into_iter().find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(&wanted))
            && !becomes_another(pid)
    })
}

/// Whether a process has ended, even if it has not been waited for.
pub fn is_gone(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |line| line.is_empty())
}

/// Sends a signal by its name.
#[track_caller]
pub fn signal(pid: u32, name: &str) {
    cmd!("kill", format!("-{name}"), pid.to_string())
        .run()
        .unwrap();
}

/// Sends a signal to the plugin's process of this name among the descendants of `ancestor`.
#[track_caller]
pub fn signal_ours(ancestor: u32, program: &str, name: &str) {
    signal(
        our_program(ancestor, program).expect("our process runs"),
        name,
    );
}
