//! What is kept of a task after its end.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::docker::Docker;
use crate::dokku::host::Host;

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

/// Writes the record of a task that has ended.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn keep(host: &Host, _docker: &Docker, record: &Record) -> Result<()> {
    let path = path(host, &record.app);
    let write = || -> std::io::Result<()> {
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
            .open(&path)?;
        let line = serde_json::to_string(record)?;
        file.write_all(format!("{line}\n").as_bytes())
    };
    write().with_context(|| format!("'{}' cannot be written", path.display()))
}

/// Whether the record of this container is written already.
pub(crate) fn is_kept(host: &Host, app: &str, id: &str) -> bool {
    let text = fs::read_to_string(path(host, app)).unwrap_or_default();
    let mut records = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Record>(line).ok());
    records.any(|record| record.id == id)
}

fn path(host: &Host, app: &str) -> PathBuf {
    let file = format!("{app}.jsonl");
    host.library.join("data/oneoff/records").join(file)
}
