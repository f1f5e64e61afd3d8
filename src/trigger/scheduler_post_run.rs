//! Trigger `scheduler-post-run <scheduler> <app> <container id> <exit code>`.
//!
//! Core fires it at the end of a scheduled task, with the exit code that it has seen.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::JournalEvent;
use crate::trigger::core_task::{is_detached, warn_on_error};
use crate::trigger::words;

/// Core gives up a task whose hook fails: this one never does.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "as every hook's")]
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    if let [_, _, id, code] = words(arguments)[..]
        && let Ok(code) = code.parse()
    {
        warn_on_error(record_exit(id, code));
    }
    Ok(0)
}

/// Adds the exit code that core has seen. A container that has gone by then is known
/// by its id only.
fn record_exit(id: &str, code: u8) -> Result<()> {
    let host = Host::without_flags()?;
    let is_its = |name: &String| {
        journal::story(&host, name).is_some_and(|story| {
            let foreign = story.info.is_some_and(|head| head.foreign);
            foreign && story.id.as_deref() == Some(id)
        })
    };
    if let Some(name) = journal::names(&host).into_iter().find(is_its) {
        // Of a detached one core says 0 right after its start.
        if !is_detached() {
            journal::mark(&host, &name, id, &JournalEvent::Told(code));
        }
        supervisor::adopt(&host, &name)?;
    }
    Ok(())
}
