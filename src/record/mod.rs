//! What is kept of a task after its end.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::dokku::message;

/// One task that has ended; a line of JSON in its app's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The container's id, whole.
    pub(crate) id: String,
    pub(crate) app: String,
    /// The container's name.
    pub(crate) name: String,
    /// `run` or `cron`.
    #[serde(rename = "type")]
    pub(crate) process_type: String,
    /// The words that docker ran.
    pub(crate) command: Vec<String>,
    pub(crate) image: String,
    /// Who asked for it; empty when nobody knows.
    pub(crate) user: String,
    pub(crate) detached: bool,
    /// Times are RFC 3339, UTC.
    pub(crate) created: String,
    /// `None` for one that never ran.
    pub(crate) started: Option<String>,
    pub(crate) finished: String,
    /// `None` where nobody could tell.
    pub(crate) exit_code: Option<u8>,
    pub(crate) reason: Reason,
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

/// Writes the record of a task that has ended. Told of the same container again, it
/// does nothing. What goes wrong is said and changes nothing: the task has run.
pub(crate) fn keep(host: &Host, _docker: &Docker, record: &Record) {
    let path = host
        .library
        .join("data/oneoff/records")
        .join(&record.app)
        .join("tasks.jsonl");
    if let Err(error) = append(&path, record) {
        message::warn(&format!("'{}' cannot be written: {error}", path.display()));
    }
}

fn append(path: &Path, record: &Record) -> std::io::Result<()> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut records = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Record>(line).ok());
    if records.any(|old| old.id == record.id) {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let line = serde_json::to_string(record)?;
    file.write_all(format!("{line}\n").as_bytes())
}
