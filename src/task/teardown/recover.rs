//! Continues a task's last steps where a process of the plugin has stopped that no longer
//! exists.

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::host::Host;
use crate::task::journal::{Journal, JournalState};
use crate::task::model::task_exit::{ExitEvent, TaskExit};
use crate::task::teardown::finalize;

/// What was found of a task that no process supervised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Nothing is left of the task, or what is left belongs to core or to another task.
    Settled,
    /// The container is running, or core has created it and has yet to start it.
    Running(Box<ContainerInfo>),
}

/// Finalizes a task that has ended, and removes a container that was never started: the process
/// that was to start it no longer exists. `exit_event` is what docker's die event has reported, if
/// there was one.
///
/// # Errors
/// Docker gives no answer or cannot remove the container: the journal is kept.
pub(crate) fn recover(
    host: &Host,
    docker: &Docker,
    name: &str,
    journal: Journal,
    exit_event: Option<ExitEvent>,
) -> Result<Recovery> {
    let state = journal.state();
    let target = state.id.as_deref().unwrap_or(name);
    let info = docker.container_inspect(target)?;
    let Some(info) = info.filter(|info| info.belongs_to(state.id.as_deref())) else {
        settle_missing(host, docker, journal, &state, exit_event);
        return Ok(Recovery::Settled);
    };
    // Core starts its containers itself.
    let core_will_start = info.state.status.is_created() && state.is_managed_by_core();
    if core_will_start || info.state.may_run() {
        return Ok(Recovery::Running(Box::new(info)));
    }
    if info.state.never_started() {
        return match finalize::remove_if_never_started(docker, journal, &info.id)? {
            Some(journal) => recover(host, docker, name, journal, exit_event),
            None => Ok(Recovery::Settled),
        };
    }
    // The stop timeout is not used after the exit.
    let state = journal.recover_header(&info, || 0);
    let exit = TaskExit::Inspected(info.state);
    finalize::notify_and_record(host, docker, &journal, &state, &exit);
    finalize::remove_unless_core(docker, journal, &state, &exit)?;
    Ok(Recovery::Settled)
}

/// Finalizes a task whose container was removed. A container that was never started needs
/// neither hooks nor a record.
fn settle_missing(
    host: &Host,
    docker: &Docker,
    journal: Journal,
    state: &JournalState,
    exit_event: Option<ExitEvent>,
) {
    if state.started.is_some() || exit_event.is_some() || state.is_managed_by_core() {
        let exit = TaskExit::Removed(exit_event);
        finalize::notify_and_record(host, docker, &journal, state, &exit);
    }
    journal.remove();
}
