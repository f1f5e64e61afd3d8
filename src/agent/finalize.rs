//! The last steps of a task, taken for a command that has seen its end
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

/// The lines that a full disk has left out of the journal, by the number of an open file.
fn handed_on(number: &str) -> Result<Vec<u8>> {
    if number.is_empty() {
        return Ok(Vec::new());
    }
    // Ours only: no program that we start is to have it.
    close_fds::set_fds_cloexec(3, &[]);
    let number: u32 = number.parse()?;
    std::fs::read(format!("/proc/self/fd/{number}")).context("a part of the journal did not come")
}

/// The process itself. Gives the exit code.
///
/// # Errors
/// It was not started by [`crate::task::handoff::finalizer`].
pub(crate) fn run(
    host: &Host,
    docker: &Docker,
    name: &str,
    lines: &str,
    words: &[&str],
) -> Result<u8> {
    // A key of the user's ends a hook, not us.
    let _events = Events::watch()?;
    let Some(end) = TaskExit::from_args(words) else {
        bail!("this program is started by 'dokku run'");
    };
    let file = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("no journal was inherited on stdin")?;
    let journal = Journal::from_inherited(host, name, file.into(), &handed_on(lines)?);
    Ok(finalize::finalize(host, docker, journal, &end))
}
