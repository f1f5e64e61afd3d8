//! `dokku run:logs [options] <app>|--container NAME`

mod saved;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use clap::Parser;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::common::args;
use crate::cli::common::selection::{Selection, select};
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_logs::LogSelection;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::logs::merge;
use crate::logs::merge::{Prefix, Source};
use crate::record::replay;
use crate::settings::{times, validate};
use crate::sys::parallel::CLIENTS;
use crate::sys::process::Child;
use crate::sys::timestamp;
use crate::sys::timestamp::Precision;
use crate::task::handoff::supervisor;
use crate::ui::exit::ExitStatus;
use crate::ui::message;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// Show only this task
    #[arg(long, value_name = "NAME", value_parser = validate::container)]
    container: Option<String>,
    /// Number of lines to show from the end of each task's log, or 'all'
    #[arg(short, long, value_name = "N", default_value = "100", value_parser = validate::lines)]
    num: String,
    /// Follow the output until the last task ends
    #[arg(short, long)]
    tail: bool,
    /// Omit timestamps and names
    #[arg(short, long)]
    quiet: bool,
    /// Only lines from this time on: 10m, 1.5h, 2026-08-03, 2026-08-03T05:47:44Z (without a zone:
    /// the host's)
    #[arg(long, value_name = "TIME", value_parser = times::point_in_time)]
    since: Option<SystemTime>,
    /// Write the tasks' stderr to stderr
    #[arg(long)]
    stderr: bool,
    #[arg(hide = true)]
    app: Option<String>,
}

/// How long docker's client may take to exit after its last output.
const CLIENT_EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// The colours that core uses, in core's order.
const COLORS: [u8; 5] = [36, 33, 32, 35, 31];

/// Prints the logs of one task, or of an app's tasks.
///
/// # Errors
/// Wrong usage, the app or the container does not exist, or docker does not answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::LOGS, arguments, show_logs)
}

fn show_logs(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    let container = options.container.as_deref();
    match select(host, options.app.as_deref(), container, false, &usage::LOGS)? {
        Selection::Delegated { app, scheduler } => {
            let flag = |on: bool| if on { "true" } else { "false" };
            let rest = [
                container.unwrap_or_default(),
                flag(options.tail),
                flag(options.quiet),
                &options.num,
            ];
            host.scheduler_plugin(&scheduler)
                .delegate("scheduler-run-logs", &app, &rest)
        }
        Selection::Ended { app, record } => {
            saved::show_saved(host, &app, &record, options).map(|()| ExitStatus::SUCCESS)
        }
        Selection::DockerLocal { docker, tasks, app } => {
            if tasks.is_empty() && !host.quiet {
                message::raw("No run containers exist");
            }
            if options.tail && tasks.len() > CLIENTS {
                bail!(
                    "{} has {} tasks, and --tail follows {CLIENTS} at most: name one with --container",
                    app.name(),
                    tasks.len()
                );
            }
            // Each task takes a docker client until all logs of its part have been printed. With
            // more tasks than clients the order by time applies within each part only.
            let mut has_failed = false;
            for (part, tasks) in tasks.chunks(CLIENTS).enumerate() {
                let Some(failed) = show(host, &docker, &app, tasks, part * CLIENTS, options)?
                else {
                    break; // stdout's reader has closed it
                };
                has_failed |= failed;
            }
            Ok(ExitStatus::failure_if(has_failed))
        }
    }
}

impl Options {
    /// Which part of a saved output to print.
    fn saved_selection(&self) -> replay::Selection {
        replay::Selection {
            tail: self.num.parse().ok(),
            since: self.since,
            after: None,
        }
    }

    /// The prefix for the lines of the task with this number.
    fn prefix(&self, name: &str, number: usize) -> Option<Prefix> {
        let colored = io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        (!self.quiet).then(|| Prefix {
            text: format!(
                "app[{}]:",
                message::on_stdout(name.rsplit('.').next().unwrap_or_default())
            ),
            color: colored.then_some(COLORS[number % COLORS.len()]),
        })
    }
}

/// Prints the logs of these tasks, the first of which has the number `first`. Returns whether
/// output is missing, or `None` if the reader of our stdout has closed it.
fn show(
    host: &Host,
    docker: &Docker,
    app: &App,
    tasks: &[ContainerSummary],
    first: usize,
    options: &Options,
) -> Result<Option<bool>> {
    let started = timestamp::now(Precision::Nanoseconds);
    let selection = LogSelection {
        tail: options.num.clone(),
        follow: options.tail,
        since: options.since.map(times::rfc3339),
    };
    let (mut sources, mut clients) = (Vec::new(), Vec::new());
    for (number, task) in (first..).zip(tasks) {
        let logs = docker.container_logs(&task.id, &selection, options.stderr)?;
        let prefix = options.prefix(&task.name, number);
        sources.push(Source {
            reader: logs.stdout,
            to_stderr: false,
            prefix: prefix.clone(),
        });
        sources.extend(logs.stderr.map(|reader| Source {
            reader,
            to_stderr: true,
            prefix,
        }));
        clients.push(logs.client);
    }
    let patience = if options.tail {
        merge::FOLLOW_PATIENCE
    } else {
        merge::FINITE_PATIENCE
    };
    let merged = merge::merge(
        sources,
        patience,
        &mut BufWriter::new(io::stdout().lock()),
        &mut io::stderr(),
        is_reader_closed,
    );
    if !matches!(merged, Ok(Some(_))) {
        // A client without output does not notice that nothing reads it any more.
        clients.iter().try_for_each(Child::kill)?;
    }
    let Some(last) = merged.context("the logs cannot be shown completely")? else {
        return Ok(None);
    };
    let mut is_missing = false;
    let sources = last.len() / tasks.len().max(1);
    for (number, (task, last)) in tasks.iter().zip(last.chunks(sources.max(1))).enumerate() {
        let last = last.iter().max().filter(|time| !time.is_empty());
        let failed = has_failed(&clients[number]);
        let missing = match last {
            // The container was removed before its logs were requested.
            None if failed => options.saved_selection(),
            last => replay::Selection {
                after: Some(last.map_or(started.as_bytes(), Vec::as_slice).to_vec()),
                ..replay::Selection::default()
            },
        };
        let complete = (failed || options.tail)
            && is_over(docker, task)
            && saved::show_missed(host, app, task, first + number, &missing, options)?;
        is_missing |= failed && !complete;
    }
    Ok(Some(is_missing))
}

/// Whether docker's client, which has closed its output already, has exited with an error.
fn has_failed(client: &Child) -> bool {
    let end = client.wait_deadline(Instant::now() + CLIENT_EXIT_TIMEOUT);
    matches!(end, Ok(Some(output)) if output.status.code() == Some(1))
}

/// Whether the task has ended, so that its record exists or is about to be written. If the task is
/// still running, only docker's client has ended.
fn is_over(docker: &Docker, task: &ContainerSummary) -> bool {
    let state = docker.container_state(&task.id);
    state.is_ok_and(|state| state.is_none_or(|state| !state.may_run()))
}

/// Whether the reader of our stdout has closed it: poll(2) without any requested event reports only
/// errors and hang-ups.
fn is_reader_closed() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
