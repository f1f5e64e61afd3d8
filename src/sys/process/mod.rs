//! The only place that starts processes, always through duct.

mod builder;
mod child;
pub(crate) mod inherited;
mod input;
mod output;
mod stdio;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};

pub(crate) use crate::sys::process::builder::ProcessBuilder;
pub(crate) use crate::sys::process::child::{Child, is_over_limit};
pub(crate) use crate::sys::process::input::Eof;
pub(crate) use crate::sys::process::stdio::{Stderr, Stdin, Stdout};
use crate::ui::exit;

/// Kills all processes of a process group. `id` 0 means no group.
pub(crate) fn kill_group(id: u32) {
    let group = i32::try_from(id).ok().filter(|id| *id > 1);
    if let Some(group) = group.and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The path of the agent's binary, next to that of our own.
pub(crate) fn agent_path() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("agent"))
}

/// The exit code, or 128 + n for a process that signal n has ended.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(u8::MAX),
        (None, signal) => exit::ExitStatus::from_signal(signal.unwrap_or(0)).code(),
    }
}
