//! `docker container inspect`

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Docker, events, failure, says};

/// A container's state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    pub(crate) status: Status,
    pub(crate) exit_code: i64,
    /// RFC 3339, UTC; in the year 1 for one that was never started.
    #[serde(default)]
    pub(crate) started_at: String,
    /// The same, for one that has not ended.
    #[serde(default)]
    pub(crate) finished_at: String,
    /// The kernel killed one of its processes for its memory.
    #[serde(default, rename = "OOMKilled")]
    pub(crate) oom_killed: bool,
}

/// What one call tells of a container, in the order of [`FACTS`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Facts {
    pub(crate) id: String,
    /// With a slash before it.
    pub(crate) path: String,
    /// RFC 3339, UTC.
    pub(crate) created: String,
    pub(crate) state: State,
    pub(crate) labels: Option<HashMap<String, String>>,
    pub(crate) command: Option<Vec<String>>,
    /// As it was asked for.
    pub(crate) image: String,
}

const FACTS: &str = concat!(
    "[{{json .Id}},{{json .Name}},{{json .Created}},{{json .State}},{{json .Config.Labels}},",
    "{{json .Config.Cmd}},{{json .Config.Image}}]"
);

impl Facts {
    pub(crate) fn name(&self) -> &str {
        self.path.trim_start_matches('/')
    }

    /// Whether docker's events say themselves how it has ended: none of its labels does.
    pub(crate) fn has_plain_events(&self) -> bool {
        let mut labels = self.labels.iter().flat_map(HashMap::keys);
        !labels.any(|label| events::is_replacing(label))
    }

    /// A label's value; `None` when it has none of that name.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    #[serde(other)]
    Unknown,
}

impl Status {
    const ENDED: [(&str, Self); 4] = [
        ("created", Self::Created),
        ("exited", Self::Exited),
        ("dead", Self::Dead),
        ("removing", Self::Removing),
    ];

    /// Docker's word for what does not run.
    pub(crate) fn name(self) -> &'static str {
        let found = Self::ENDED.iter().find(|(_, status)| *status == self);
        found.map_or("unknown", |(name, _)| name)
    }

    /// What does not run, by docker's word.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::ENDED.iter().find(|(known, _)| *known == name);
        found.map(|(_, status)| *status)
    }
}

impl Docker {
    /// Facts of those that are still there, in one call.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_facts(&self, ids: &[&str]) -> Result<Vec<Facts>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments: Vec<&str> = ["container", "inspect", "--format", FACTS, "--"]
            .iter()
            .chain(ids)
            .copied()
            .collect();
        let output = self.capture(self.call(&arguments))?;
        // It fails for one that has gone meanwhile, and tells of the others.
        if !output.status.success() && !says(&output, "no such container") {
            return Err(failure("look at the containers", &output));
        }
        read(&output.stdout)
    }

    /// `None` when there is no such container any more.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_state(&self, id: &str) -> Result<Option<State>> {
        self.container_part(id, "{{json .State}}", read_state)
    }

    /// A part of a container's description, by docker's format, as `read` reads it;
    /// `None` when there is no such container any more.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(super) fn container_part<T>(
        &self,
        id: &str,
        format: &str,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Option<T>> {
        let call = self.call(&["container", "inspect", "--format", format, "--", id]);
        let output = self.capture(call)?;
        if !output.status.success() {
            if says(&output, "no such container") {
                return Ok(None);
            }
            return Err(failure(&format!("look at container '{id}'"), &output));
        }
        read(&output.stdout)
            .map(Some)
            .with_context(|| format!("docker's description of container '{id}' cannot be read"))
    }
}

/// Reads the lines of a description, one a container.
pub(crate) fn read(lines: &[u8]) -> Result<Vec<Facts>> {
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line)
                .context("docker's description of a container cannot be read")
        })
        .collect()
}

/// Reads the state alone.
pub(crate) fn read_state(json: &[u8]) -> serde_json::Result<State> {
    serde_json::from_slice(json)
}
