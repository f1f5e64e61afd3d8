//! The last steps of a task after its exit, performed for a command that has observed the exit
//! ([`crate::task::handoff::finalizer`]).

use std::io;
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::task::events::Events;
use crate::task::journal::Journal;
use crate::task::model::task_exit::TaskExit;
use crate::task::teardown::finalize;

/// The journal lines that a full disk had no space for, from the open file with this number;
/// none if the number is empty.
fn unflushed_lines(number: &str) -> Result<Vec<u8>> {
    if number.is_empty() {
        return Ok(Vec::new());
    }
    // Close-on-exec: no program that this process starts inherits the file.
    close_fds::set_fds_cloexec(3, &[]);
    let number: u32 = number.parse()?;
    std::fs::read(format!("/proc/self/fd/{number}")).context("a part of the journal did not come")
}

/// Runs the process `bin/agent --finalize`. Returns the task's exit code.
///
/// # Errors
/// The process was not started by [`crate::task::handoff::finalizer`]: the arguments are not a
/// task exit, or stdin is not the journal.
pub(crate) fn run(
    host: &Host,
    docker: &Docker,
    name: &str,
    unflushed_fd: &str,
    words: &[&str],
) -> Result<u8> {
    // Signals from the user's keys (Ctrl-C) end a hook, but not this process.
    let _events = Events::watch()?;
    let Some(exit) = TaskExit::from_args(words) else {
        bail!("this program is started by 'dokku run'");
    };
    let file = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("no journal was inherited on stdin")?;
    let journal = Journal::from_inherited(host, name, file.into(), &unflushed_lines(unflushed_fd)?);
    Ok(finalize::finalize(host, docker, journal, &exit))
}
