//! The facts about a task that its journal and its record share.

use serde::{Deserialize, Serialize};

/// What is known of a task before its container exists. In JSON these keys are part of the object
/// around them; a key that an older version did not write is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskInfo {
    pub(crate) app: String,
    /// The container's name.
    pub(crate) name: String,
    /// `run` or `cron`.
    #[serde(rename = "type", default)]
    pub(crate) process_type: String,
    /// The command and its arguments, as docker runs them.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) image: String,
    /// The user who started the task; empty if unknown.
    #[serde(default)]
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) detached: bool,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub(crate) created: String,
}
