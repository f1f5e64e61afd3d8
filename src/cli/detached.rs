//! `dokku run:detached [options] <app> [<cmd>…]`

use std::ffi::OsString;

use anyhow::Result;

use crate::cli::common::launch;
use crate::cli::common::launch::Start;
use crate::cli::print;
use crate::task::launch::detached;
use crate::task::launch::detached::Started;

/// Starts a task and prints its container's name. `arguments` begin with the
/// command word.
///
/// # Errors
/// Wrong usage, an app that is not there, a task that could not be made.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    match launch::prepare("run:detached", arguments, true)? {
        Start::Shown => Ok(0),
        Start::Here { host, docker, task } => match detached::start(&host, &docker, *task)? {
            Started::Running(name) => print(&format!("{name}\n")).map(|()| 0),
            Started::Failed(code) => Ok(code),
        },
        Start::Elsewhere { host, task } => task.run(&host),
    }
}
