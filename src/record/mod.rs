//! What is kept of a task after its end.

use serde::{Deserialize, Serialize};

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
