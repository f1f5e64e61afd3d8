//! `dokku run [options] <app> [<cmd>…]`

use std::ffi::OsString;

use anyhow::Result;

use crate::cli::common::launch;
use crate::cli::common::launch::Launch;
use crate::cli::usage;
use crate::task::attach;
use crate::ui::exit::ExitStatus;

/// Runs an attached task and returns its exit code. `arguments` begin with the command word.
///
/// # Errors
/// Wrong usage, the app does not exist, or the task could not be created.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    match launch::prepare(&usage::RUN, arguments, false)? {
        Launch::DryRun => Ok(ExitStatus::SUCCESS),
        Launch::DockerLocal { host, docker, task } => attach::run(&host, &docker, *task),
        Launch::Delegated { host, task } => task.run(&host),
    }
}
