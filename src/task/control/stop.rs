//! Stopping a task, even one that is about to be started.
//!
//! `docker stop` has no effect on a container that was not started yet. So the starting process
//! writes `started` into the journal and then checks it for `stop_requested`; the stopping process
//! writes `stop_requested` and then checks for `started`. At least one of the two sees the event of
//! the other.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::docker::container_stop::StopOutcome;
use crate::dokku::host::Host;
use crate::record::Reason;
use crate::task::journal;
use crate::task::journal::JournalEvent;

/// Interval between two attempts to stop a container that is about to be started.
const START_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Stops several running tasks in one docker call. Returns the ids of the containers that docker
/// has stopped; [`stop`] reports the outcome for each of the others. `timeout` is in seconds.
///
/// # Errors
/// Docker does not answer.
pub(crate) fn stop_running(
    host: &Host,
    docker: &Docker,
    tasks: &[&ContainerSummary],
    timeout: u64,
) -> Result<Vec<String>> {
    for task in tasks {
        let event = JournalEvent::StopRequested(Reason::Stopped);
        journal::mark(host, &task.name, &task.id, &event);
    }
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    docker.containers_stop(&ids, timeout)
}

/// Stops a task. A container that no process is about to start is removed. `timeout` is in seconds.
///
/// # Errors
/// Docker does not answer.
pub(crate) fn stop(
    host: &Host,
    docker: &Docker,
    task: &ContainerSummary,
    timeout: u64,
) -> Result<StopOutcome> {
    let event = JournalEvent::StopRequested(Reason::Stopped);
    journal::mark(host, &task.name, &task.id, &event);
    let until = Instant::now().checked_add(docker.timeout());
    loop {
        let is_late = until.is_none_or(|until| until < Instant::now());
        let stopped = docker.container_stop(&task.id, timeout)?;
        if stopped != StopOutcome::Stopped || !task.status.is_created() {
            return Ok(stopped);
        }
        match docker.container_state(&task.id)? {
            Some(state) if state.never_started() => {}
            Some(state) if state.may_run() && !is_late => continue,
            _ => return Ok(StopOutcome::Stopped),
        }
        if !is_late && is_being_started(host, task) {
            thread::sleep(START_POLL_INTERVAL);
            continue;
        }
        match docker.container_remove_if_stopped(&task.id)? {
            None => return Ok(StopOutcome::Stopped),
            Some(reason) if is_late => return Ok(StopOutcome::Failed(reason)),
            Some(_) => {}
        }
    }
}

/// Whether a process is about to start the task: its journal has `started` and is locked.
fn is_being_started(host: &Host, task: &ContainerSummary) -> bool {
    let state = journal::state(host, &task.name);
    state.is_some_and(|state| state.id.as_ref() == Some(&task.id) && state.started.is_some())
        && !journal::is_unlocked(host, &task.name)
}
