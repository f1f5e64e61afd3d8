//! A detached task: it is started, and its caller goes on.

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_inspect::Status;
use crate::dokku::host::Host;
use crate::task::events::Events;
use crate::task::handoff::supervisor;
use crate::task::launch::create::CreatedContainer;
use crate::task::launch::{Prepared, prepare};
use crate::task::model::task_exit::{TaskExit, never_started};
use crate::task::spec::TaskSpec;
use crate::ui::message;

/// What came of a start.
pub(crate) enum DetachedStart {
    /// The container's name.
    Running(String),
    /// It could not be started, docker has said why, or it was over before that.
    /// The exit code.
    Failed(u8),
}

/// Starts the task. The supervisor looks after it until its end.
///
/// # Errors
/// It could not be made, or a hook refused it: nothing is left then. Or docker gives
/// no answer.
pub(crate) fn start(host: &Host, docker: &Docker, mut task: TaskSpec) -> Result<DetachedStart> {
    // Until somebody looks after the container, a signal must not end us.
    let events = Events::watch()?;
    let made = match prepare(host, docker, &mut task, &events, true)? {
        Prepared::Ready(made) => made,
        Prepared::Aborted(code) => return Ok(DetachedStart::Failed(code)),
    };
    match exit_if_start_failed(docker, &made.id) {
        Ok(None) => Ok(DetachedStart::Running(hand_off(host, made))),
        Ok(Some(end)) => Ok(DetachedStart::Failed(made.finalize(host, &end))),
        // It may run, or be about to.
        Err(error) => {
            hand_off(host, made);
            Err(error)
        }
    }
}

/// `None` when it runs, or has run, whatever docker's client makes of it.
fn exit_if_start_failed(docker: &Docker, id: &str) -> Result<Option<TaskExit>> {
    let Some(why) = docker.container_start(id)? else {
        return Ok(None);
    };
    let end = match docker.container_state(id)? {
        // Docker may be about to, whatever has become of its client.
        Some(state)
            if never_started(&state) && docker.container_remove_if_stopped(id)?.is_some() =>
        {
            return Ok(None);
        }
        Some(state) if state.status != Status::Created => return Ok(None),
        Some(state) => TaskExit::Inspected(state),
        None => TaskExit::Removed(None),
    };
    message::warn(&why);
    Ok(Some(end))
}

/// Leaves the task to the supervisor; one without a journal to the next sweep. Gives its
/// container's name.
pub(crate) fn hand_off(host: &Host, made: CreatedContainer<'_>) -> String {
    let has_journal = made.has_journal();
    let name = made.release_to_supervisor();
    if has_journal && let Err(error) = supervisor::adopt(host, &name) {
        message::warn(&format!("{error:#}: the next run:retire does"));
    }
    name
}
