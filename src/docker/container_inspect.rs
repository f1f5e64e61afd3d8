//! `docker container inspect`

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Docker, complaint, failure};

/// A container's state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    pub(crate) status: Status,
    pub(crate) exit_code: i64,
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

impl Docker {
    /// `None` when there is no such container any more.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_state(&self, id: &str) -> Result<Option<State>> {
        let output = self.capture(self.call(&[
            "container",
            "inspect",
            "--format",
            "{{json .State}}",
            "--",
            id,
        ]))?;
        if !output.status.success() {
            if complaint(&output)
                .to_lowercase()
                .contains("no such container")
            {
                return Ok(None);
            }
            return Err(failure(&format!("look at container '{id}'"), &output));
        }
        serde_json::from_slice(&output.stdout)
            .map(Some)
            .with_context(|| format!("docker's description of container '{id}' cannot be read"))
    }
}
