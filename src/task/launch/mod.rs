//! The first steps of a task, attached or detached: acquire its locks, create its container, write
//! the journal event `started`.

pub(crate) mod concurrency;
pub(crate) mod create;
pub(crate) mod detached;

use anyhow::Result;
use signal_hook::consts::SIGTERM;

use crate::docker::Docker;
use crate::docker::container_state::State;
use crate::dokku::host::Host;
use crate::task::events::Events;
use crate::task::launch::concurrency::Acquired;
use crate::task::launch::create::CreatedContainer;
use crate::task::model::task_exit::{TaskExit, now};
use crate::task::spec::TaskSpec;
use crate::ui::exit::ExitStatus;
use crate::ui::message;

/// Result of [`prepare`].
pub(crate) enum Prepared<'a> {
    /// The container is created and is to be started now.
    Ready(CreatedContainer<'a>),
    /// A signal was received, or another process has stopped the task: neither a container nor a
    /// journal exists any more. The exit status of the command.
    Aborted(ExitStatus),
}

/// Performs the first steps of a task, up to the start of its container.
///
/// # Errors
/// A lock is held by another task, docker could not create the container, or a hook has failed.
/// Then no container exists.
pub(crate) fn prepare<'a>(
    host: &Host,
    docker: &'a Docker,
    task: &mut TaskSpec,
    events: &Events,
    detached: bool,
) -> Result<Prepared<'a>> {
    let guards = match concurrency::acquire(host, docker, task, events)? {
        Acquired::Guards(guards) => guards,
        Acquired::Interrupted(signal) => {
            return Ok(Prepared::Aborted(ExitStatus::from_signal(signal)));
        }
    };
    let container = CreatedContainer::create(host, docker, task, detached)?;
    drop(guards);
    if let Some(signal) = events.received_signal() {
        return Ok(Prepared::Aborted(ExitStatus::from_signal(signal)));
    }
    Ok(if container.mark_started() {
        Prepared::Ready(container)
    } else {
        Prepared::Aborted(finalize_stopped_before_start(host, container))
    })
}

/// Finalizes a task that another process has stopped, and whose container that process may have
/// removed. Returns the exit code, which is that of a task ended by TERM.
fn finalize_stopped_before_start(host: &Host, container: CreatedContainer<'_>) -> ExitStatus {
    message::warn("The task was stopped before it was started");
    let exit_code = ExitStatus::from_signal(SIGTERM).code();
    let exit = TaskExit::Inspected(State::exited(exit_code, now()));
    container.finalize(host, &exit)
}
