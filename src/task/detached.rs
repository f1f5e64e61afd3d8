//! A detached task: it is started, and its caller goes on.

use anyhow::Result;

use super::background;
use super::container::Task;
use super::lock;
use super::made::{Made, code_of};
use super::signals::Events;
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::exit;

/// What came of a start.
pub(crate) enum Started {
    /// The container's name.
    Running(String),
    /// It could not be started, docker has said why, or a signal came before that.
    /// The exit code.
    Failed(u8),
}

/// Starts the task. A process of ours in the background looks after it until its
/// end.
///
/// # Errors
/// It could not be made, or a hook refused it: nothing is left then.
pub(crate) fn start(host: &Host, docker: &Docker, mut task: Task) -> Result<Started> {
    // Until somebody looks after the container, a signal must not end us.
    let events = Events::watch()?;
    let locks = lock::take(host, docker, &task)?;
    let made = Made::create(host, docker, &mut task)?;
    drop(locks);
    if let Some(signal) = events.signal_so_far() {
        return Ok(Started::Failed(exit::of_signal(signal)));
    }
    if docker.container_start(&made.id)? {
        background::keep(host, &task, &made, task.time_to_live)?;
        return Ok(Started::Running(made.leave()));
    }
    let state = docker.container_state(&made.id)?;
    let code = state.as_ref().and_then(code_of).unwrap_or(exit::DOCKER);
    made.finish(host, &task.app, code);
    Ok(Started::Failed(code))
}
