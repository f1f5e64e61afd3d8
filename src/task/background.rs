//! The process that looks after a task whose caller has gone.

use anyhow::{Context, Result};

use super::keeper::{Keeper, Kept};
use super::made;
use super::signals::Events;
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::process::Call;

/// The program beside ours for what outlives a command.
pub(super) const PROGRAM: &str = "keep";

/// Starts it for a container that runs: it holds neither our terminal nor our
/// pipes. `time_left` is in seconds.
///
/// # Errors
/// It could not be started.
pub(crate) fn keep(
    host: &Host,
    app: &str,
    id: &str,
    stop_timeout: u64,
    time_left: Option<u64>,
) -> Result<()> {
    let time_left = time_left.map_or_else(String::new, |left| left.to_string());
    let arguments = [app, id, &stop_timeout.to_string(), &time_left];
    let program = std::env::current_exe()
        .context("our own program's path cannot be read")?
        .with_file_name(PROGRAM);
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
pub(crate) fn run(
    host: &Host,
    docker: &Docker,
    app: &str,
    id: &str,
    stop_timeout: u64,
    time_left: Option<u64>,
) -> Result<()> {
    let events = Events::watch()?;
    let client = docker.container_wait(id)?;
    if let Kept::Ended(code) =
        Keeper::new(docker, id, stop_timeout, time_left).keep(&events, client, None)?
    {
        made::finish(host, docker, app, id, code);
    }
    Ok(())
}
