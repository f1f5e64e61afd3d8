//! `dokku run [options] <app> [<cmd>…]`

use std::ffi::OsString;

use anyhow::Result;

use super::start::{self, Start};
use crate::task::attached;

/// Runs an attached task; gives its exit code. `arguments` begin with the command
/// word.
///
/// # Errors
/// Wrong usage, an app that is not there, a task that could not be made.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    match start::prepare("run", arguments, false)? {
        Start::Shown => Ok(0),
        Start::Here { host, docker, task } => attached::run(&host, &docker, *task),
        Start::Elsewhere { host, task } => task.run(&host),
    }
}
