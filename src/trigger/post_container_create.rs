//! Trigger `post-container-create app <container id> <app> run`.
//!
//! The container of a scheduled task is managed by core: core creates, starts and removes it. The
//! plugin creates a journal for it, so that the task is recorded.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::{Journal, JournalEvent, JournalHeader};
use crate::trigger::core_task::{is_detached, warn_on_error};
use crate::trigger::words;
use crate::ui::exit::ExitStatus;

/// Records the start of a task of core. Core gives up a task whose hook fails, so this hook
/// never fails.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "as every hook's")]
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    if let ["app", id, _, "run"] = words(arguments)[..] {
        warn_on_error(record_start(id));
    }
    Ok(ExitStatus::SUCCESS)
}

/// Creates the journal of a task that core manages, and notifies the supervisor.
fn record_start(id: &str) -> Result<()> {
    let host = Host::without_flags()?;
    let docker = Docker::for_host(&host)?;
    let is_managed_by_core = |info: &ContainerInfo| info.is_task() && !info.has_own_name_label();
    let Some(info) = docker.container_inspect(id)?.filter(is_managed_by_core) else {
        return Ok(());
    };
    let mut header = JournalHeader::from_container(&info, 0);
    header.task.detached = is_detached();
    host.requester().clone_into(&mut header.task.user);
    let name = &header.task.name;
    for _ in 0..MAX_JOURNAL_ATTEMPTS {
        if let Some(journal) = Journal::create(&host, &header)? {
            journal.mark(&info.id, &JournalEvent::Created);
            journal.release();
            return supervisor::adopt(&host, name);
        }
        let state = journal::state(&host, name);
        if state.is_some_and(|state| state.id.as_ref() == Some(&info.id)) {
            return Ok(()); // the journal exists already
        }
        std::thread::sleep(JOURNAL_RETRY_INTERVAL);
    }
    bail!("there is a journal of the name '{name}'")
}

/// Another process may be about to remove a journal of that name; creating ours is tried again for
/// one second.
const MAX_JOURNAL_ATTEMPTS: u32 = 20;
const JOURNAL_RETRY_INTERVAL: Duration = Duration::from_millis(50);
