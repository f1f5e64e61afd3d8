//! The exit status of a task for commands that wait for its end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::record::{Record, read};
use crate::task::journal;
use crate::ui::exit::ExitStatus;
use crate::ui::message;

/// How long after the container's exit its record may be missing. During that time hooks are fired
/// and the output is saved.
const RECORD_TIMEOUT: Duration = Duration::from_secs(60);

const RECORD_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The exit code in the record. docker's exit code is not used, because it does not show that the
/// deadline was reached.
pub(crate) fn exit_status_from_record(record: &Record) -> ExitStatus {
    if let Some(exit_code) = record.exit_code {
        return ExitStatus::of(exit_code);
    }
    message::warn(&format!(
        "The exit code of {} is unknown: nothing observed its end",
        record.task.name
    ));
    ExitStatus::DOCKER_FAILED
}

/// The exit code of a task whose container has just ended or been removed. `docker_exit_code` is
/// the exit code that docker reports for the container.
///
/// # Errors
/// The exit code is unknown.
pub(crate) fn exit_status_of(
    host: &Host,
    app: &App,
    task: &ContainerSummary,
    docker_exit_code: Option<u8>,
) -> Result<ExitStatus> {
    let hooks_fired_with = match await_record(host, app, task) {
        RecordLookup::Found(record) => return Ok(exit_status_from_record(&record)),
        RecordLookup::Missing { hooks_fired_with } => hooks_fired_with,
    };
    match hooks_fired_with.or(docker_exit_code) {
        Some(code) => Ok(ExitStatus::of(code)),
        None => bail!("{} is gone, and there is no record of its end", task.name),
    }
}

/// The record of a task whose container has just ended or been removed.
pub(crate) fn record_of(host: &Host, app: &App, task: &ContainerSummary) -> Option<Record> {
    match await_record(host, app, task) {
        RecordLookup::Found(record) => Some(*record),
        RecordLookup::Missing { .. } => None,
    }
}

enum RecordLookup {
    Found(Box<Record>),
    /// There is no record, or it is not written in time. `hooks_fired_with` is the exit code with
    /// which the hooks were fired, as the journal has it.
    Missing {
        hooks_fired_with: Option<u8>,
    },
}

/// Waits until the process that supervises the task has written the record and removed the journal.
fn await_record(host: &Host, app: &App, task: &ContainerSummary) -> RecordLookup {
    let until = Instant::now() + RECORD_TIMEOUT;
    let mut hooks_fired_with = None;
    loop {
        // The journal may be of a later task with the same name.
        let state = journal::state(host, &task.name)
            .filter(|state| state.id.as_ref().is_none_or(|id| *id == task.id));
        // The record is written before the journal is removed.
        let is_over = state.is_none() || Instant::now() > until;
        hooks_fired_with = state
            .and_then(|state| state.hooks_fired_with)
            .or(hooks_fired_with);
        if let Some((record, _)) = read::find(host, &task.id, Some(app)) {
            return RecordLookup::Found(Box::new(record));
        }
        if is_over {
            return RecordLookup::Missing { hooks_fired_with };
        }
        std::thread::sleep(RECORD_POLL_INTERVAL);
    }
}
