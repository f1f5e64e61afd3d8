//! The exit status of a task for commands that wait for its end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::docker::container_ls::ContainerSummary;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::record::{Record, read};
use crate::task::journal;
use crate::ui::{exit, message};

/// How long after the container's exit its record may be missing. During that time hooks are fired
/// and the output is saved.
const RECORD_TIMEOUT: Duration = Duration::from_secs(60);

const RECORD_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The exit code in the record. docker's exit code is not used, because it does not show that the
/// deadline was reached.
pub(crate) fn exit_status_from_record(record: &Record) -> u8 {
    record.exit_code.unwrap_or_else(|| {
        message::warn(&format!(
            "The exit code of {} is unknown: nothing observed its end",
            record.name
        ));
        exit::DOCKER_FAILED
    })
}

/// The exit code of a task whose container has just ended or been removed. `docker_says` is the
/// exit code that docker reports for the container.
///
/// # Errors
/// The exit code is unknown.
pub(crate) fn exit_status_of(
    host: &Host,
    app: &App,
    task: &ContainerSummary,
    docker_says: Option<u8>,
) -> Result<u8> {
    let told = match await_record(host, app, task) {
        RecordLookup::Found(record) => return Ok(exit_status_from_record(&record)),
        RecordLookup::Missing { told } => told,
    };
    match told.or(docker_says) {
        Some(code) => Ok(code),
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
    /// There is no record, or it is not written in time. `told` is the exit code that the hooks
    /// were given, as the journal has it.
    Missing {
        told: Option<u8>,
    },
}

/// Waits until the process that supervises the task has written the record and removed the journal.
fn await_record(host: &Host, app: &App, task: &ContainerSummary) -> RecordLookup {
    let until = Instant::now() + RECORD_TIMEOUT;
    let mut told = None;
    loop {
        // The journal may be of a later task with the same name.
        let story = journal::story(host, &task.name)
            .filter(|story| story.id.as_ref().is_none_or(|id| *id == task.id));
        // The record is written before the journal is removed.
        let is_over = story.is_none() || Instant::now() > until;
        told = story.and_then(|story| story.told).or(told);
        if let Some((record, _)) = read::find(host, &task.id, Some(app)) {
            return RecordLookup::Found(Box::new(record));
        }
        if is_over {
            return RecordLookup::Missing { told };
        }
        std::thread::sleep(RECORD_POLL_INTERVAL);
    }
}
