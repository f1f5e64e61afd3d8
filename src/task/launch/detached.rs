//! A detached task: it is started, and its caller goes on.

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_inspect::Status;
use crate::dokku::host::Host;
use crate::task::events::Events;
use crate::task::handoff::supervisor;
use crate::task::launch::create::Made;
use crate::task::launch::{Begun, begin};
use crate::task::model::task_exit::{End, was_never_tried};
use crate::task::spec::Task;
use crate::ui::message;

/// What came of a start.
pub(crate) enum Started {
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
pub(crate) fn start(host: &Host, docker: &Docker, mut task: Task) -> Result<Started> {
    // Until somebody looks after the container, a signal must not end us.
    let events = Events::watch()?;
    let made = match begin(host, docker, &mut task, &events, true)? {
        Begun::Made(made) => made,
        Begun::Over(code) => return Ok(Started::Failed(code)),
    };
    match failed_start(docker, &made.id) {
        Ok(None) => Ok(Started::Running(leave(host, made))),
        Ok(Some(end)) => Ok(Started::Failed(made.finish(host, &end))),
        // It may run, or be about to.
        Err(error) => {
            leave(host, made);
            Err(error)
        }
    }
}

/// `None` when it runs, or has run, whatever docker's client makes of it.
fn failed_start(docker: &Docker, id: &str) -> Result<Option<End>> {
    let Some(why) = docker.container_start(id)? else {
        return Ok(None);
    };
    let end = match docker.container_state(id)? {
        // Docker may be about to, whatever has become of its client.
        Some(state) if was_never_tried(&state) && docker.container_remove_idle(id)?.is_some() => {
            return Ok(None);
        }
        Some(state) if state.status != Status::Created => return Ok(None),
        Some(state) => End::There(state),
        None => End::Gone(None),
    };
    message::warn(&why);
    Ok(Some(end))
}

/// Leaves the task to the supervisor; one without a journal to the next sweep. Gives its
/// container's name.
pub(crate) fn leave(host: &Host, made: Made<'_>) -> String {
    let has_journal = made.has_journal();
    let name = made.leave();
    if has_journal && let Err(error) = supervisor::wake(host, &name) {
        message::warn(&format!("{error:#}: the next run:retire does"));
    }
    name
}
