//! `dokku run:stop [--all] <app>|--container NAME`

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser;

use crate::cli::common::args;
use crate::cli::common::selection::{Selection, select};
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::docker::container_stop::StopOutcome;
use crate::dokku::host::Host;
use crate::settings::validate;
use crate::sys::parallel;
use crate::task::control::stop;
use crate::task::handoff::supervisor;
use crate::ui::exit::ExitStatus;
use crate::ui::message;
use crate::ui::output::print;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true, args_override_self = true)]
pub(super) struct Options {
    /// Stop only this task
    #[arg(long, value_name = "NAME", value_parser = validate::container)]
    container: Option<String>,
    /// Include the app's cron tasks
    #[arg(long)]
    all: bool,
    #[arg(hide = true)]
    app: Option<String>,
}

/// Stops one task or the tasks of an app, and prints the names of the tasks that it has stopped.
///
/// # Errors
/// Wrong usage, the app or the container does not exist, or docker does not answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::STOP, arguments, stop_chosen)
}

fn stop_chosen(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    let container = options.container.as_deref();
    match select(
        host,
        options.app.as_deref(),
        container,
        options.all,
        &usage::STOP,
    )? {
        Selection::Delegated { app, scheduler } => host.scheduler_plugin(&scheduler).delegate(
            "scheduler-run-stop",
            &app,
            &[container.unwrap_or_default()],
        ),
        Selection::Ended { record, .. } => {
            say_ended(host, &record.task.name);
            Ok(ExitStatus::SUCCESS)
        }
        Selection::DockerLocal { docker, app, tasks } => {
            if tasks.is_empty() && !host.quiet {
                print("No run containers exist\n")?;
            }
            stop(
                host,
                &docker,
                &tasks,
                host.settings_of(&app).stop_timeout()?,
            )
        }
    }
}

/// Stops tasks in parallel. Returns 1 if a running task could not be stopped. If there are more
/// tasks than docker clients may run, each client stops several.
fn stop(
    host: &Host,
    docker: &Docker,
    tasks: &[ContainerSummary],
    timeout: u64,
) -> Result<ExitStatus> {
    let size = tasks.len().div_ceil(parallel::CLIENTS).max(1);
    let parts: Vec<&[ContainerSummary]> = tasks.chunks(size).collect();
    let results = parallel::each(&parts, |part| stop_part(host, docker, part, timeout));
    let results = results.into_iter().collect::<Result<Vec<bool>>>()?;
    Ok(ExitStatus::failure_if(results.contains(&false)))
}

/// Stops the tasks of one part and prints their names. Returns whether none of them is left
/// running.
fn stop_part(
    host: &Host,
    docker: &Docker,
    tasks: &[ContainerSummary],
    timeout: u64,
) -> Result<bool> {
    let running = tasks
        .iter()
        .filter(|task| !task.has_ended() && !task.status.is_created());
    let running: Vec<&ContainerSummary> = running.collect();
    let stopped = match running[..] {
        [] | [_] => Vec::new(),
        _ => stop::stop_running(host, docker, &running, timeout)?,
    };
    let mut well = true;
    for task in tasks {
        if stopped.contains(&task.id) {
            print(&format!("{}\n", task.name))?;
        } else {
            well &= stop_one(host, docker, task, timeout)?;
        }
    }
    Ok(well)
}

/// Stops one task and prints the result. Returns whether the task does not run any more.
fn stop_one(host: &Host, docker: &Docker, task: &ContainerSummary, timeout: u64) -> Result<bool> {
    let name = &task.name;
    if task.has_ended() {
        say_ended(host, name);
        return Ok(true);
    }
    match stop::stop(host, docker, task, timeout)? {
        StopOutcome::Stopped => print(&format!("{name}\n"))?,
        StopOutcome::NotFound => say_ended(host, name),
        StopOutcome::Failed(why) => {
            message::warn(&format!("{name} could not be stopped: {why}"));
            return Ok(false);
        }
    }
    Ok(true)
}

fn say_ended(host: &Host, name: &str) {
    host.info(&format!("{name} has ended already"));
}
