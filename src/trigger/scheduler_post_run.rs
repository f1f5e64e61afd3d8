//! Trigger `scheduler-post-run <scheduler> <app> <container id> <exit code>`.
//!
//! Core fires the trigger at the end of a scheduled task, with the exit code that it has observed.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::JournalEvent;
use crate::trigger::core_task::{is_detached, warn_on_error};
use crate::trigger::words;
use crate::ui::exit::ExitStatus;

/// Records the exit of a task of core. Core gives up a task whose hook fails, so this hook never
/// fails.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "as every hook's")]
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    if let [_, _, id, code] = words(arguments)[..]
        && let Ok(code) = code.parse()
    {
        warn_on_error(record_exit(id, code));
    }
    Ok(ExitStatus::SUCCESS)
}

/// Adds the exit code that core has observed to the task's journal. The journal is found by the
/// container's id, because the container may have been removed already.
fn record_exit(id: &str, code: u8) -> Result<()> {
    let host = Host::without_flags()?;
    let has_id = |name: &String| {
        journal::state(&host, name)
            .is_some_and(|state| state.is_managed_by_core() && state.id.as_deref() == Some(id))
    };
    if let Some(name) = journal::names(&host).into_iter().find(has_id) {
        // For a detached task core reports 0 right after the start.
        if !is_detached() {
            journal::mark(&host, &name, id, &JournalEvent::HooksFired(code));
        }
        supervisor::adopt(&host, &name)?;
    }
    Ok(())
}
