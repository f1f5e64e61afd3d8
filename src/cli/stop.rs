//! `dokku run:stop [--all] <app>|NAME...`

use std::collections::HashSet;
use std::ffi::OsString;

use anyhow::Result;
use clap::{ArgAction, Parser};

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
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// Stop only this task; may be repeated
    #[arg(long, value_name = "NAME", action = ArgAction::Append, value_parser = validate::container)]
    container: Vec<String>,
    /// Include the app's cron tasks
    #[arg(long)]
    all: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Tasks that are stopped with the same timeout, in seconds.
struct Part<'a> {
    docker: &'a Docker,
    tasks: Vec<&'a ContainerSummary>,
    timeout: u64,
}

/// Stops the tasks that are named, or the tasks of an app, and prints the names of those that it
/// has stopped.
///
/// # Errors
/// Wrong usage, the app or a container does not exist (then no task is stopped), or docker does not
/// answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::STOP, arguments, stop_selected)
}

fn stop_selected(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    let (app, containers) = chosen(host, options)?;
    let select = |container| select(host, app, container, options.all, &usage::STOP);
    let selections = if containers.is_empty() {
        vec![select(None)?]
    } else {
        let each = containers.iter().map(|name| select(Some(name.as_str())));
        each.collect::<Result<Vec<_>>>()?
    };
    let mut status = ExitStatus::SUCCESS;
    let mut parts = Vec::new();
    let mut seen = HashSet::new();
    for (at, selection) in selections.iter().enumerate() {
        match selection {
            Selection::Delegated { app, scheduler } => {
                let container = containers.get(at).map(String::as_str).unwrap_or_default();
                let plugin = host.scheduler_plugin(scheduler);
                let delegated = plugin.delegate("scheduler-run-stop", app, &[container])?;
                status = status.or(delegated);
            }
            Selection::Ended { record, .. } => report_ended(host, &record.task.name),
            Selection::DockerLocal { docker, app, tasks } => {
                if tasks.is_empty() && !host.quiet {
                    print("No run containers exist\n")?;
                }
                let tasks = tasks.iter().filter(|task| seen.insert(&task.id));
                parts.push(Part {
                    docker,
                    tasks: tasks.collect(),
                    timeout: host.settings_of(app).stop_timeout()?,
                });
            }
        }
    }
    Ok(status.or(stop(host, &parts)?))
}

/// The app and the names of tasks on the command line. The first word is the app, unless it is the
/// name of a task and of no app that the user may see.
fn chosen<'a>(host: &Host, options: &'a Options) -> Result<(Option<&'a str>, Vec<String>)> {
    let mut words = options.words.iter().map(String::as_str).peekable();
    let is_app =
        |word: &&str| host.apps().find(word).is_ok() || host.apps().of_task(word).is_none();
    let app = words.next_if(is_app);
    let mut containers = options.container.clone();
    for word in words {
        let name = validate::container(word)
            .map_err(|why| anyhow::anyhow!("invalid value '{word}' for a task: {why}"))?;
        containers.push(name);
    }
    Ok((app, containers))
}

/// Stops tasks in parallel. Returns 1 if a running task could not be stopped. If there are more
/// tasks than docker clients may run, each client stops several.
fn stop(host: &Host, parts: &[Part<'_>]) -> Result<ExitStatus> {
    let count: usize = parts.iter().map(|part| part.tasks.len()).sum();
    let size = count.div_ceil(parallel::CLIENTS).max(1);
    let parts: Vec<Part<'_>> = parts
        .iter()
        .flat_map(|part| {
            part.tasks.chunks(size).map(|tasks| Part {
                tasks: tasks.to_vec(),
                ..*part
            })
        })
        .collect();
    let results = parallel::each(&parts, |part| stop_part(host, part));
    let results = results.into_iter().collect::<Result<Vec<bool>>>()?;
    Ok(ExitStatus::failure_if(results.contains(&false)))
}

/// Stops the tasks of one part and prints their names. Returns whether none of them is left
/// running.
fn stop_part(host: &Host, part: &Part<'_>) -> Result<bool> {
    let Part {
        docker, timeout, ..
    } = *part;
    let running = part.tasks.iter().copied();
    let running = running.filter(|task| !task.has_ended() && !task.status.is_created());
    let running: Vec<&ContainerSummary> = running.collect();
    let stopped = match running[..] {
        [] | [_] => Vec::new(),
        _ => stop::stop_running(host, docker, &running, timeout)?,
    };
    let mut all_stopped = true;
    for task in &part.tasks {
        if stopped.contains(&task.id) {
            print(&format!("{}\n", task.name))?;
        } else {
            all_stopped &= stop_one(host, docker, task, timeout)?;
        }
    }
    Ok(all_stopped)
}

/// Stops one task and prints the result. Returns whether the task does not run any more.
fn stop_one(host: &Host, docker: &Docker, task: &ContainerSummary, timeout: u64) -> Result<bool> {
    let name = &task.name;
    if task.has_ended() {
        report_ended(host, name);
        return Ok(true);
    }
    match stop::stop(host, docker, task, timeout)? {
        StopOutcome::Stopped => print(&format!("{name}\n"))?,
        StopOutcome::NotFound => report_ended(host, name),
        StopOutcome::Failed(reason) => {
            message::warn(&format!("{name} could not be stopped: {reason}"));
            return Ok(false);
        }
    }
    Ok(true)
}

fn report_ended(host: &Host, name: &str) {
    host.info(&format!("{name} has ended already"));
}
