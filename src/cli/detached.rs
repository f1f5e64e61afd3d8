//! `dokku run:detached [options] <app> [<cmd>…]`

use std::ffi::OsString;

use anyhow::Result;

use crate::cli::common::launch;
use crate::cli::common::launch::Launch;
use crate::cli::usage;
use crate::task::launch::detached;
use crate::task::launch::detached::DetachedStart;
use crate::ui::exit::ExitStatus;
use crate::ui::output::print;

/// Starts a detached task and prints its container's name. `arguments` begin with the command word.
///
/// # Errors
/// Wrong usage, the app does not exist, or the task could not be created.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    match launch::prepare(&usage::DETACHED, arguments, true)? {
        Launch::DryRun => Ok(ExitStatus::SUCCESS),
        Launch::DockerLocal { host, docker, task } => match detached::start(&host, &docker, *task)?
        {
            DetachedStart::Running(name) => {
                print(&format!("{name}\n")).map(|()| ExitStatus::SUCCESS)
            }
            DetachedStart::Failed(code) => Ok(code),
        },
        Launch::Delegated { host, task } => task.run(&host),
    }
}
