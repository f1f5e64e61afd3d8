//! `dokku run:wait [--timeout TIME] --container NAME`

use std::ffi::OsString;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;

use crate::cli::common::selection::{SingleTask, select_one};
use crate::cli::common::{args, exit_status};
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::settings::times::{self, TimeToLive};
use crate::settings::validate;
use crate::task::handoff::supervisor;
use crate::task::model::deadline;
use crate::ui::exit::{ExitStatus, Failure};

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// The task
    #[arg(long, value_name = "NAME", value_parser = validate::container)]
    container: Option<String>,
    /// Maximum time to wait: 90 (seconds), 10m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = times::time_to_live)]
    timeout: Option<TimeToLive>,
}

/// After what time a task is inspected again if it is created but not started, or if the docker
/// client that waits for it has failed.
const STATE_POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Waits for the task's end and returns its exit code. For a task that has ended already, the exit
/// code is in its record.
///
/// # Errors
/// Wrong usage, the container does not exist, or the task is still running after `--timeout`.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::WAIT, arguments, wait_for)
}

fn wait_for(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    let limit = options.timeout.and_then(|TimeToLive(seconds)| seconds);
    let limit = limit.map(Duration::from_secs);
    match select_one(host, options.container.as_deref(), &usage::WAIT)? {
        SingleTask::Ended(record) => Ok(exit_status::exit_status_from_record(&record)),
        SingleTask::Present { docker, app, task } => wait(host, &docker, &app, &task, limit),
    }
}

fn wait(
    host: &Host,
    docker: &Docker,
    app: &App,
    task: &ContainerSummary,
    limit: Option<Duration>,
) -> Result<ExitStatus> {
    let until = limit.and_then(|limit| deadline::monotonic_from(Instant::now(), limit));
    loop {
        // docker's `wait` returns at once for a container that has not been started.
        let state = docker.container_state(&task.id)?;
        match state {
            Some(state) if state.status.is_created() => std::thread::sleep(STATE_POLL_INTERVAL),
            Some(state) if state.may_run() => {
                let client = docker.container_wait_for_code(&task.id)?;
                let ended = match until {
                    Some(until) => client.wait_deadline(until)?,
                    None => Some(client.wait()?),
                };
                if let Some(output) = ended {
                    let stdout = String::from_utf8_lossy(&output.stdout);
                    if let (true, Ok(code)) = (output.status.success(), stdout.trim().parse()) {
                        return exit_status::exit_status_of(host, app, task, Some(code));
                    }
                    std::thread::sleep(STATE_POLL_INTERVAL);
                } else {
                    client.kill()?;
                }
            }
            ended => {
                let exit_code = ended.and_then(|state| state.exit_code());
                return exit_status::exit_status_of(host, app, task, exit_code);
            }
        }
        if let (Some(limit), Some(until)) = (limit, until)
            && Instant::now() >= until
        {
            return Err(Failure::error(
                ExitStatus::BUSY,
                format!("{} still runs after {} seconds", task.name, limit.as_secs()),
            ));
        }
    }
}
