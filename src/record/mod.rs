//! What is stored of a task after its end: a record, and the tail of its output.
//!
//! docs/records.md is the reference of the file formats.

pub(crate) mod output;
pub(crate) mod read;
pub(crate) mod replay;
pub(crate) mod reverse_lines;
pub(crate) mod store;
pub(crate) mod task_info;
pub(crate) mod time_format;

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::docker::{Docker, container_create};
use crate::dokku::apps;
use crate::dokku::host::Host;
use crate::record::output::Output;
pub(crate) use crate::record::store::{Appended, Store};
pub(crate) use crate::record::task_info::TaskInfo;
use crate::settings::properties::{KEEP_OUTPUTS, KEEP_RECORDS, OUTPUT_BYTES, Property};
use crate::ui::message;

/// The version of the format that we write. The meaning of a key never changes, and a new key is
/// optional. A higher number means that a reader of this version would misunderstand the record.
pub(crate) const VERSION: u32 = 1;

/// The plugin's own trigger, with the arguments `<app> <name> <exit code> <reason> <seconds>`.
const POST_RUN_TRIGGER: &str = "oneoff-post-run";

/// Upper limit of a stored command, in bytes; the rest is cut off.
const MAX_COMMAND_BYTES: usize = 16 * 1024;

/// One task that has ended: a line of JSON in its app's file. Keys that an older version did not
/// write are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// [`VERSION`]
    #[serde(default)]
    pub(crate) version: u32,
    /// The container's full id.
    pub(crate) id: String,
    /// `detached`: the task had no caller at its end.
    #[serde(flatten)]
    pub(crate) task: TaskInfo,
    /// RFC 3339, UTC; `None` for a task that never ran.
    #[serde(default)]
    pub(crate) started: Option<String>,
    /// RFC 3339, UTC.
    pub(crate) finished: String,
    /// `None` if it could not be determined.
    #[serde(default)]
    pub(crate) exit_code: Option<u8>,
    pub(crate) reason: Reason,
    /// The saved output; `None` for an attached task, and if no output is to be saved. [`write()`]
    /// sets it.
    #[serde(default)]
    pub(crate) output: Option<Output>,
}

/// Why a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    /// The task ended by itself.
    Exited,
    /// The task was stopped at its deadline.
    Deadline,
    /// The task was stopped by `run:stop`, by a signal to its command, or by a task that replaced
    /// it.
    Stopped,
    /// The task was stopped because its caller had disconnected.
    Hangup,
    /// The kernel killed the task because it ran out of memory.
    Oom,
    /// The task could not be started.
    Failed,
    /// The container disappeared, or docker's daemon ended, while nothing observed the task.
    Lost,
}

impl Reason {
    /// The reason's word in records and in the trigger's arguments.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::Deadline => "deadline",
            Self::Stopped => "stopped",
            Self::Hangup => "hangup",
            Self::Oom => "oom",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }
}

impl Record {
    /// The time from start to end; zero for a task that never ran, and if docker noted the start
    /// after the end.
    pub(crate) fn duration(&self) -> Duration {
        let time = |text: &str| humantime::parse_rfc3339(text).ok();
        let started = self.started.as_deref().and_then(time);
        let finished = time(&self.finished);
        started
            .zip(finished)
            .and_then(|(started, finished)| finished.duration_since(started).ok())
            .unwrap_or_default()
    }

    /// Whether the exit code is unknown or not 0.
    pub(crate) fn has_failed(&self) -> bool {
        self.exit_code != Some(0)
    }

    fn line(&self) -> Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Writes the record of a task, saves the output of a detached task (its container must still
/// exist), and fires the trigger. For a container that has a record already, nothing is done. An
/// error is only a warning, because the task has run.
pub(crate) fn write(host: &Host, docker: &Docker, record: &Record) {
    match write_once(host, docker, record) {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => message::warn_disk_once(&format!(
            "The record of {} could not be written completely: {error:#}",
            record.task.name
        )),
    }
    let code = record
        .exit_code
        .map_or_else(String::new, |code| code.to_string());
    let seconds = nearest_second(record.duration()).to_string();
    let reason = record.reason.as_str();
    let words = [
        record.task.app.as_str(),
        &record.task.name,
        &code,
        reason,
        &seconds,
    ];
    if let Err(error) = host.triggers().notify(POST_RUN_TRIGGER, &words) {
        message::warn(&format!("{error:#}"));
    }
}

/// The duration in seconds, rounded: docker notes a start a little late, so that a task that
/// slept for 2 seconds took 1.99.
pub(crate) fn nearest_second(duration: Duration) -> u64 {
    duration
        .saturating_add(Duration::from_millis(500))
        .as_secs()
}

/// Whether this container has a record.
pub(crate) fn exists(host: &Host, app: &str, id: &str) -> bool {
    Store::for_app(host, app).has(id)
}

/// Removes the records of apps that have been missing for a day, which are of tasks that were
/// finalized after their app had been destroyed. If there is no app at all, the apps' directory
/// itself is missing (not mounted): then nothing is removed, and the time does not count.
pub(crate) fn sweep(host: &Host) {
    Store::remove_renamed(host);
    // Stores are listed before apps, so that the records of a new or renamed app are not removed.
    let stores = Store::names(host);
    let apps = host.apps().all_names();
    if apps.is_empty() {
        return;
    }
    for app in stores {
        let store = Store::for_app(host, &app);
        let result = if apps.contains(&app) {
            store.reset_missing()
        } else {
            store.remove_when_long_missing(SystemTime::now())
        };
        if let Err(error) = result {
            message::warn(&format!("The records of {app} cannot be removed: {error}"));
        }
    }
}

/// Returns whether the record is new.
fn write_once(host: &Host, docker: &Docker, record: &Record) -> Result<bool> {
    // Paths are built from the app's name and the id.
    let app = &record.task.app;
    if !apps::is_valid_name(app) || !container_create::is_id(&record.id) {
        bail!(
            "'{app}' is no name of an app, or '{}' no id of a container",
            record.id
        );
    }
    let store = Store::for_app(host, app);
    let number = |key: &Property| key.effective_number(host, app).unwrap_or_default();
    let records: usize = number(&KEEP_RECORDS);
    let outputs = number(&KEEP_OUTPUTS).min(records);
    let mut record = Record {
        version: VERSION,
        task: TaskInfo {
            command: shortened(&record.task.command, MAX_COMMAND_BYTES),
            ..record.task.clone()
        },
        ..record.clone()
    };
    let mut saved = Ok(());
    if record.task.detached && outputs > 0 {
        let bytes = OUTPUT_BYTES.effective_number(host, app).unwrap_or_default();
        match output::save(docker, &record.id, &store, bytes) {
            Ok(output) => record.output = Some(output),
            Err(error) => {
                record.output = Some(Output::Unreadable(format!("{error:#}")));
                saved = Err(error);
            }
        }
    }
    let app_exists = || !host.apps().is_destroyed(app);
    let new = store.append(&record.id, &record.line()?, records, app_exists);
    store.prune_outputs(outputs);
    // Plugins are notified of an end once, whether or not it is stored.
    match new.with_context(|| format!("'{}' cannot be written", store.path().display()))? {
        Appended::AlreadyRecorded => Ok(false),
        Appended::Added | Appended::NotStored => saved.map(|()| true),
    }
}

/// The words, cut to `max_bytes` bytes in total; an ellipsis marks what was cut off.
fn shortened(command: &[String], max_bytes: usize) -> Vec<String> {
    let mut remaining = max_bytes;
    let mut words = Vec::new();
    for word in command {
        if word.len() > remaining {
            let fits = word.char_indices().map(|(at, _)| at);
            let end = fits.take_while(|at| *at <= remaining).last().unwrap_or(0);
            words.push(word[..end].to_owned() + "…");
            break;
        }
        remaining -= word.len();
        words.push(word.clone());
    }
    words
}

#[cfg(test)]
mod tests;
