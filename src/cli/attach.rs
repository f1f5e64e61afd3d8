//! `dokku run:attach --container NAME`

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Parser;

use crate::cli::common::selection::{SingleTask, select_one};
use crate::cli::common::{args, exit_status};
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_config::ContainerConfig;
use crate::docker::container_ls::ContainerSummary;
use crate::docker::container_state::State;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::settings::validate;
use crate::task::attach::terminal::TerminalGuard;
use crate::task::attach::{check_output, print_reattach_hint};
use crate::task::events::{Event, Events};
use crate::task::handoff::supervisor;
use crate::ui::exit::ExitStatus;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// The task
    #[arg(long, value_name = "NAME", value_parser = validate::container)]
    container: Option<String>,
}

/// Attaches to a running task: forwards its output from now on, and our input to it. Returns the
/// task's exit code, or 0 if the user detaches with the detach keys. A signal ends this command and
/// not the task.
///
/// # Errors
/// Wrong usage, or the container does not exist.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::ATTACH, arguments, attach_to)
}

fn attach_to(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    match select_one(host, options.container.as_deref(), &usage::ATTACH)? {
        SingleTask::Ended(record) => {
            report_ended(host, &record.task.name);
            Ok(exit_status::exit_status_from_record(&record))
        }
        SingleTask::Present { docker, app, task } => {
            let config = docker.container_config(&task.id)?;
            if let Some(config) = config.filter(|_| !task.has_ended()) {
                attach(host, &docker, &app, &task, &config)
            } else {
                report_ended(host, &task.name);
                exit_status::exit_status_of(host, &app, &task, task.exit_code())
            }
        }
    }
}

/// Prints where the output of a task is that has ended before it could be attached to.
fn report_ended(host: &Host, name: &str) {
    host.info(&format!(
        "{name} has ended. 'dokku run:logs --container {name}' shows its output"
    ));
}

fn attach(
    host: &Host,
    docker: &Docker,
    app: &App,
    task: &ContainerSummary,
    config: &ContainerConfig,
) -> Result<ExitStatus> {
    let has_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let terminal = config.tty && has_terminal;
    let events = Events::watch()?;
    let mut guard = if terminal {
        TerminalGuard::save()?
    } else {
        None
    };
    // A task with a terminal takes input only from a terminal.
    let stdin = config.open_stdin && (terminal || !config.tty);
    let client = docker.container_attach(&task.id, stdin)?;
    if let Some(guard) = &mut guard {
        guard.set_client(client.pid());
    }
    let client = Arc::new(client);
    events.watch_client(Arc::clone(&client));
    let succeeded = loop {
        match events.next(None) {
            Event::ClientExited { succeeded } => break succeeded,
            Event::Signal(signal) => {
                client.kill()?;
                drop(guard);
                print_reattach_hint(host, &task.name);
                return Ok(ExitStatus::from_signal(signal));
            }
            Event::Timeout | Event::OutputClosed | Event::OtherSignal(_) => {}
        }
    };
    drop(guard);
    let state = docker.container_state(&task.id)?;
    let code = state.as_ref().and_then(State::exit_code);
    let status = match state {
        Some(state) if state.status.is_created() => bail!("{} was not started yet", task.name),
        // docker's `attach` exits with an error when the user detaches.
        Some(_) if code.is_none() && (succeeded || terminal) => {
            print_reattach_hint(host, &task.name);
            ExitStatus::SUCCESS
        }
        Some(_) if code.is_none() => {
            bail!("lost the docker client; {} is still running", task.name)
        }
        _ => exit_status::exit_status_of(host, app, task, code)?,
    };
    Ok(check_output(&client, &task.name, status))
}
