//! Detached tasks: the command starts the task and does not wait for its end.

use anyhow::Result;

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::task::events::Events;
use crate::task::handoff::supervisor;
use crate::task::launch::create::CreatedContainer;
use crate::task::launch::{Prepared, prepare};
use crate::task::model::task_exit::TaskExit;
use crate::task::spec::TaskSpec;
use crate::ui::exit::ExitStatus;
use crate::ui::message;

/// Result of [`start`].
pub(crate) enum DetachedStart {
    /// The task was started. The name of its container.
    Running(String),
    /// The task could not be started (docker's reason is printed), or was stopped before the
    /// start. The exit status of the command.
    Failed(ExitStatus),
}

/// Starts the task and hands it to the supervisor.
///
/// # Errors
/// The container could not be created, or a hook has failed: then nothing remains of the task. Or
/// docker does not answer: then the task is handed to the supervisor.
pub(crate) fn start(host: &Host, docker: &Docker, mut task: TaskSpec) -> Result<DetachedStart> {
    // A signal must not end this process before the supervisor has the task.
    let events = Events::watch()?;
    let container = match prepare(host, docker, &mut task, &events, true)? {
        Prepared::Ready(container) => container,
        Prepared::Aborted(code) => return Ok(DetachedStart::Failed(code)),
    };
    match exit_if_start_failed(docker, &container.id) {
        Ok(None) => Ok(DetachedStart::Running(hand_off(host, container))),
        Ok(Some(exit)) => Ok(DetachedStart::Failed(container.finalize(host, &exit))),
        // The task may be running, or about to start.
        Err(error) => {
            hand_off(host, container);
            Err(error)
        }
    }
}

/// Starts the container. `None` if the task runs or has run, whatever docker's client reports;
/// else docker's reason is printed and the task exit returned.
fn exit_if_start_failed(docker: &Docker, id: &str) -> Result<Option<TaskExit>> {
    let Some(reason) = docker.container_start(id)? else {
        return Ok(None);
    };
    let exit = match docker.container_state(id)? {
        // The daemon may be about to start the container although its client has ended. Docker then
        // refuses a removal without `--force`.
        Some(state)
            if state.never_started() && docker.container_remove_if_stopped(id)?.is_some() =>
        {
            return Ok(None);
        }
        Some(state) if !state.status.is_created() => return Ok(None),
        Some(state) => TaskExit::Inspected(state),
        None => TaskExit::Removed(None),
    };
    message::warn(&reason);
    Ok(Some(exit))
}

/// Hands the task to the supervisor, or, without a journal on disk, leaves it to the next sweep.
/// Returns the name of the container.
pub(crate) fn hand_off(host: &Host, container: CreatedContainer<'_>) -> String {
    let has_journal = container.has_journal();
    let name = container.release_to_supervisor();
    if has_journal && let Err(error) = supervisor::adopt(host, &name) {
        message::warn(&format!("{error:#}: the next run:retire does"));
    }
    name
}
