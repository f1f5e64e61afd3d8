//! The first steps of a task, attached or detached: its turn, its container, the mark
//! that it is about to be started.

pub(crate) mod concurrency;
pub(crate) mod create;
pub(crate) mod detached;

use anyhow::Result;
use signal_hook::consts::SIGTERM;

use crate::docker::Docker;
use crate::docker::container_inspect::{State, Status};
use crate::dokku::host::Host;
use crate::task::events::Events;
use crate::task::launch::concurrency::Acquired;
use crate::task::launch::create::CreatedContainer;
use crate::task::model::task_exit::{TaskExit, now};
use crate::task::spec::TaskSpec;
use crate::ui::{exit, message};

/// What came of them.
pub(crate) enum Prepared<'a> {
    /// A container that is to be started now.
    Ready(CreatedContainer<'a>),
    /// A signal came, or somebody has stopped it: nothing is left. The exit code.
    Aborted(u8),
}

/// Takes them.
///
/// # Errors
/// The container could not be made, or a hook refused it: nothing is left then.
pub(crate) fn prepare<'a>(
    host: &Host,
    docker: &'a Docker,
    task: &mut TaskSpec,
    events: &Events,
    detached: bool,
) -> Result<Prepared<'a>> {
    let turns = match concurrency::acquire(host, docker, task, events)? {
        Acquired::Guards(turns) => turns,
        Acquired::Interrupted(signal) => return Ok(Prepared::Aborted(exit::from_signal(signal))),
    };
    let made = CreatedContainer::create(host, docker, task, detached)?;
    drop(turns);
    if let Some(signal) = events.received_signal() {
        return Ok(Prepared::Aborted(exit::from_signal(signal)));
    }
    Ok(if made.mark_started() {
        Prepared::Ready(made)
    } else {
        Prepared::Aborted(finalize_stopped_before_start(host, made))
    })
}

/// Somebody has stopped it, and may have removed its container. Gives the exit code:
/// that of what TERM ends.
fn finalize_stopped_before_start(host: &Host, made: CreatedContainer<'_>) -> u8 {
    message::warn("The task was stopped before it was started");
    let end = TaskExit::Inspected(State {
        status: Status::Exited,
        exit_code: exit::from_signal(SIGTERM).into(),
        started_at: String::new(),
        finished_at: now(),
        oom_killed: false,
    });
    made.finalize(host, &end)
}
