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
use crate::task::launch::concurrency::Taken;
use crate::task::launch::create::Made;
use crate::task::model::task_exit::{End, now};
use crate::task::spec::Task;
use crate::ui::{exit, message};

/// What came of them.
pub(crate) enum Begun<'a> {
    /// A container that is to be started now.
    Made(Made<'a>),
    /// A signal came, or somebody has stopped it: nothing is left. The exit code.
    Over(u8),
}

/// Takes them.
///
/// # Errors
/// The container could not be made, or a hook refused it: nothing is left then.
pub(crate) fn begin<'a>(
    host: &Host,
    docker: &'a Docker,
    task: &mut Task,
    events: &Events,
    detached: bool,
) -> Result<Begun<'a>> {
    let turns = match concurrency::take(host, docker, task, events)? {
        Taken::Turns(turns) => turns,
        Taken::Signal(signal) => return Ok(Begun::Over(exit::of_signal(signal))),
    };
    let made = Made::create(host, docker, task, detached)?;
    drop(turns);
    if let Some(signal) = events.signal_so_far() {
        return Ok(Begun::Over(exit::of_signal(signal)));
    }
    Ok(if made.starts() {
        Begun::Made(made)
    } else {
        Begun::Over(stopped_before_its_start(host, made))
    })
}

/// Somebody has stopped it, and may have removed its container. Gives the exit code:
/// that of what TERM ends.
fn stopped_before_its_start(host: &Host, made: Made<'_>) -> u8 {
    message::warn("The task was stopped before it was started");
    let end = End::There(State {
        status: Status::Exited,
        exit_code: exit::of_signal(SIGTERM).into(),
        started_at: String::new(),
        finished_at: now(),
        oom_killed: false,
    });
    made.finish(host, &end)
}
