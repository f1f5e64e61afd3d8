//! What is kept of a task after its end: a record, and the end of its output.
//!
//! docs/records.md is the reference of what stands in the files.

pub(crate) mod output;
pub(crate) mod read;
pub(crate) mod replay;
pub(crate) mod reverse_lines;
pub(crate) mod store;
pub(crate) mod time_format;

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::docker::{Docker, container_create};
use crate::dokku::app;
use crate::dokku::host::Host;
use crate::record::output::Output;
pub(crate) use crate::record::store::{Appended, Store};
use crate::settings::properties::{KEEP_OUTPUTS, KEEP_RECORDS, OUTPUT_BYTES, Property};
use crate::ui::message;

/// The format that we write. A key keeps its meaning for good; one that is new is
/// optional. Another number means that a reader of this one would misunderstand it.
pub(crate) const VERSION: u32 = 1;

/// Our own trigger: `<app> <name> <exit code> <reason> <seconds>`.
const POST_RUN_TRIGGER: &str = "oneoff-post-run";

/// A command is kept up to so many bytes.
const MAX_COMMAND_BYTES: usize = 16 * 1024;

/// One task that has ended; a line of JSON in its app's file. What an older version
/// did not write is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// [`VERSION`]
    #[serde(default)]
    pub(crate) version: u32,
    /// The container's id, whole.
    pub(crate) id: String,
    pub(crate) app: String,
    /// The container's name.
    pub(crate) name: String,
    /// `run` or `cron`.
    #[serde(rename = "type", default)]
    pub(crate) process_type: String,
    /// The words that docker ran.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) image: String,
    /// Who asked for it; empty when nobody knows.
    #[serde(default)]
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) detached: bool,
    /// Times are RFC 3339, UTC.
    #[serde(default)]
    pub(crate) created: String,
    /// `None` for one that never ran.
    #[serde(default)]
    pub(crate) started: Option<String>,
    pub(crate) finished: String,
    /// `None` where nobody could tell.
    #[serde(default)]
    pub(crate) exit_code: Option<u8>,
    pub(crate) reason: Reason,
    /// What is kept of its output; `None` for an attached task, and where nothing is
    /// to be kept. [`write()`] fills it in.
    #[serde(default)]
    pub(crate) output: Option<Output>,
}

/// Why a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    /// By itself.
    Exited,
    /// At its deadline.
    Deadline,
    /// By `run:stop`, a signal to its command, or a task that took its place.
    Stopped,
    /// Its caller had gone.
    Hangup,
    /// The kernel killed it for its memory.
    Oom,
    /// It could not be started.
    Failed,
    /// Its container or its daemon went while nobody looked.
    Lost,
}

impl Reason {
    /// Its word in records and for the trigger.
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
    /// From its start to its end; nothing for one that never ran, and for one whose start
    /// docker has noted after its end.
    pub(crate) fn duration(&self) -> Duration {
        let time = |text: &str| humantime::parse_rfc3339(text).ok();
        let started = self.started.as_deref().and_then(time);
        let finished = time(&self.finished);
        started
            .zip(finished)
            .and_then(|(started, finished)| finished.duration_since(started).ok())
            .unwrap_or_default()
    }

    /// Whether it came to another end than a good one.
    pub(crate) fn has_failed(&self) -> bool {
        self.exit_code != Some(0)
    }

    fn line(&self) -> Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Writes down how a task has ended, with the output of a detached one, whose
/// container must still be there, and tells the plugins of it. Told of the same
/// container again, it does nothing. What goes wrong is said and changes nothing: the
/// task has run.
pub(crate) fn write(host: &Host, docker: &Docker, record: &Record) {
    match write_once(host, docker, record) {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => message::warn_disk_once(&format!(
            "The record of {} could not be written completely: {error:#}",
            record.name
        )),
    }
    let code = record
        .exit_code
        .map_or_else(String::new, |code| code.to_string());
    let seconds = nearest_second(record.duration()).to_string();
    let reason = record.reason.as_str();
    let words = [record.app.as_str(), &record.name, &code, reason, &seconds];
    if let Err(error) = host.notify(POST_RUN_TRIGGER, &words) {
        message::warn(&format!("{error:#}"));
    }
}

/// How many seconds these are, to the nearest: docker notes a start a little late, and
/// what slept 2 seconds took 1.99.
pub(crate) fn nearest_second(duration: Duration) -> u64 {
    duration
        .saturating_add(Duration::from_millis(500))
        .as_secs()
}

/// Whether there is a record of this container.
pub(crate) fn exists(host: &Host, app: &str, id: &str) -> bool {
    Store::for_app(host, app).has(id)
}

/// Removes the records of apps that have been missing for a day: of a task that was still
/// being looked after when its app went. Without any app it is their directory that is
/// missing, and nothing is removed, nor does time pass.
pub(crate) fn sweep(host: &Host) {
    Store::remove_set_aside(host);
    // In this order: an app that is new, or has a new name, keeps what it has.
    let stores = Store::names(host);
    let apps = host.all_apps();
    if apps.is_empty() {
        return;
    }
    for app in stores {
        let store = Store::for_app(host, &app);
        let swept = if apps.contains(&app) {
            store.is_back()
        } else {
            store.remove_when_long_missing(SystemTime::now())
        };
        if let Err(error) = swept {
            message::warn(&format!("The records of {app} cannot be removed: {error}"));
        }
    }
}

/// Whether it is new.
fn write_once(host: &Host, docker: &Docker, record: &Record) -> Result<bool> {
    // Paths are made of both.
    if !app::is_valid_name(&record.app) || !container_create::is_id(&record.id) {
        bail!(
            "'{}' is no name of an app, or '{}' no id of a container",
            record.app,
            record.id
        );
    }
    let store = Store::for_app(host, &record.app);
    let number = |key: &Property| key.effective_number(host, &record.app).unwrap_or_default();
    let records: usize = number(&KEEP_RECORDS);
    let outputs = number(&KEEP_OUTPUTS).min(records);
    let mut record = Record {
        version: VERSION,
        command: shortened(&record.command, MAX_COMMAND_BYTES),
        ..record.clone()
    };
    let mut taken = Ok(());
    if record.detached && outputs > 0 {
        let bytes = OUTPUT_BYTES
            .effective_number(host, &record.app)
            .unwrap_or_default();
        match output::save(docker, &record.id, &store, bytes) {
            Ok(output) => record.output = Some(output),
            Err(error) => {
                record.output = Some(Output::Unreadable(format!("{error:#}")));
                taken = Err(error);
            }
        }
    }
    let is_there = || !host.lacks_app(&record.app);
    let new = store.append(&record.id, &record.line()?, records, is_there);
    store.prune_outputs(outputs);
    // Plugins are notified of an end once, whether or not it is stored.
    match new.with_context(|| format!("'{}' cannot be written", store.path().display()))? {
        Appended::AlreadyThere => Ok(false),
        Appended::Added | Appended::NotStored => taken.map(|()| true),
    }
}

/// The words, up to so many bytes in all; what was left out shows as an ellipsis.
fn shortened(command: &[String], longest: usize) -> Vec<String> {
    let mut left = longest;
    let mut words = Vec::new();
    for word in command {
        if word.len() > left {
            let fits = word.char_indices().map(|(at, _)| at);
            let end = fits.take_while(|at| *at <= left).last().unwrap_or(0);
            words.push(word[..end].to_owned() + "…");
            break;
        }
        left -= word.len();
        words.push(word.clone());
    }
    words
}

#[cfg(test)]
mod tests;
