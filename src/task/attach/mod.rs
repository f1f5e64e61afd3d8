//! Attached tasks: the command forwards its own standard streams to the task and ends with the
//! task's exit code.

pub(crate) mod monitor;
pub(crate) mod terminal;

use std::sync::Arc;

use anyhow::Result;
use signal_hook::consts::SIGHUP;

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::settings::choices::OnHangup;
use crate::sys::process::Child;
use crate::task::attach::monitor::{AttachMonitor, AttachOutcome};
use crate::task::attach::terminal::TerminalGuard;
use crate::task::events::Events;
use crate::task::journal::JournalEvent;
use crate::task::launch::create::{CreatedContainer, UNSUPERVISED};
use crate::task::launch::detached::hand_off;
use crate::task::launch::{Prepared, prepare};
use crate::task::model::task_exit::TaskExit;
use crate::task::spec::TaskSpec;
use crate::ui::exit::ExitStatus;
use crate::ui::message;

/// Runs the task until its exit and returns the command's exit code: the task's, 0 if the user has
/// detached with the detach keys, 128 + SIGHUP if the terminal has hung up and the task keeps
/// running.
///
/// # Errors
/// Docker could not create or start the container, docker does not answer, or a hook has failed.
pub(crate) fn run(host: &Host, docker: &Docker, mut task: TaskSpec) -> Result<ExitStatus> {
    let events = Events::watch_all()?;
    let container = match prepare(host, docker, &mut task, &events, false)? {
        Prepared::Ready(container) => container,
        Prepared::Aborted(code) => return Ok(code),
    };
    if task.on_hangup == Some(OnHangup::Stop) {
        events.watch_output();
    }
    let mut client = None;
    match run_attached(docker, &container, &task, &events, &mut client) {
        Ok(AttachOutcome::Exited(end)) => {
            match &end {
                TaskExit::Removed(_) => {
                    message::warn("the task's container was removed by somebody else");
                }
                TaskExit::Inspected(state) if state.never_started() => {
                    message::warn("docker's client has ended before the task was started");
                }
                TaskExit::Inspected(_) => {}
            }
            let name = container.name.clone();
            let status = container.finalize(host, &end);
            let client = client.as_deref();
            Ok(client.map_or(status, |client| check_output(client, &name, status)))
        }
        Ok(AttachOutcome::Detached) => {
            container.log_event(&JournalEvent::Detached);
            warn_of_no_supervisor(&container);
            let name = hand_off(host, container);
            print_reattach_hint(host, &name);
            Ok(ExitStatus::SUCCESS)
        }
        Ok(AttachOutcome::HungUp) => {
            container.log_event(&JournalEvent::Detached);
            warn_of_no_supervisor(&container);
            hand_off(host, container);
            Ok(ExitStatus::from_signal(SIGHUP))
        }
        // Docker does not answer. The task may be running, so its container is not removed.
        Err(error) => {
            hand_off(host, container);
            Err(error)
        }
    }
}

/// Prints an error if output that this docker client has forwarded could not be written (a full
/// disk). Returns the exit status: `status`, or a failure in place of a success.
pub(crate) fn check_output(client: &Child, name: &str, status: ExitStatus) -> ExitStatus {
    let Some(error) = client.output_error() else {
        return status;
    };
    message::warn(&format!(
        "The output of {name} could not be written completely: {error}"
    ));
    status.or(ExitStatus::FAILURE)
}

/// Warns that a task without a journal is no longer supervised. The warning at the creation said
/// only that there is no journal: until now this process has supervised the task.
fn warn_of_no_supervisor(container: &CreatedContainer<'_>) {
    if !container.has_journal() {
        message::warn(UNSUPERVISED);
    }
}

/// Prints how to attach again to a task that its user has detached from.
pub(crate) fn print_reattach_hint(host: &Host, name: &str) {
    host.info(&format!(
        "The task is still running. Reattach with 'dokku run:attach --container {name}'"
    ));
}

/// Starts the task and supervises it. `client` becomes the docker client that was attached to it.
fn run_attached(
    docker: &Docker,
    container: &CreatedContainer<'_>,
    task: &TaskSpec,
    events: &Events,
    client: &mut Option<Arc<Child>>,
) -> Result<AttachOutcome> {
    let mut terminal = if task.streams.terminal {
        TerminalGuard::save()?
    } else {
        None
    };
    let mut monitor = AttachMonitor::new(docker, container, task.stop_timeout, task.time_to_live)
        .on_hangup(task.streams.terminal, task.on_hangup);
    let (stdin, with_terminal) = (task.streams.stdin, task.streams.terminal);
    let attached = docker.container_start_attached(&container.id, stdin, with_terminal)?;
    if let Some(terminal) = &mut terminal {
        terminal.set_client(attached.pid());
    }
    let attached = client.insert(Arc::new(attached));
    monitor.run(events, attached, terminal.as_ref())
}
