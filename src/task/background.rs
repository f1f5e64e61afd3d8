//! The process that looks after a task whose caller has gone.

use anyhow::{Context, Result};

use super::container::Task;
use super::keeper::{Keeper, Kept};
use super::lease::Lease;
use super::made::{self, Made};
use super::signals::Events;
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::process::{self, Call};

/// A task that runs, as one process of ours tells another of it.
pub(crate) struct Running<'a> {
    pub(crate) app: &'a str,
    /// The container's.
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    /// Seconds.
    pub(crate) stop_timeout: u64,
    /// Seconds until the deadline; `None` for none.
    pub(crate) time_left: Option<u64>,
}

/// Starts it for a task of ours: it takes the lease when we have ended.
///
/// # Errors
/// As [`look_after`].
pub(crate) fn keep(
    host: &Host,
    task: &Task,
    made: &Made<'_>,
    time_left: Option<u64>,
) -> Result<()> {
    let stop_timeout = task.stop_timeout;
    look_after(
        host,
        &Running {
            app: &task.app,
            id: &made.id,
            name: &made.name,
            stop_timeout,
            time_left,
        },
    )
}

/// Starts it for a container that runs: it holds neither our terminal nor our
/// pipes.
///
/// # Errors
/// It could not be started.
pub(crate) fn look_after(host: &Host, task: &Running<'_>) -> Result<()> {
    let time_left = task
        .time_left
        .map_or_else(String::new, |left| left.to_string());
    let arguments = [
        task.app,
        task.id,
        task.name,
        &task.stop_timeout.to_string(),
        &time_left,
    ];
    let program = process::keep().context("our own program's path cannot be read")?;
    host.told_truly(Call::new(&program, arguments))
        .start_in_background()
        .with_context(|| {
            format!(
                "'{}' could not be started to look after the task",
                program.display()
            )
        })
}

/// The process itself: stays until the task's end.
///
/// # Errors
/// Docker gives no answer, or the container has gone.
pub(crate) fn run(host: &Host, docker: &Docker, task: &Running<'_>) -> Result<()> {
    let events = Events::watch()?;
    let lease = Lease::of_task_after(host, task.name)?;
    if let Some(facts) = docker.container_facts(&[task.id])?.first() {
        lease.note_start(&facts.state.started_at);
    }
    let client = docker.container_wait(task.id)?;
    let mut keeper = Keeper::new(docker, task.id, task.stop_timeout, task.time_left);
    if let Kept::Ended(code) = keeper.keep(&events, client, None)? {
        made::finish(host, docker, task.app, task.id, code);
    }
    Ok(())
}
