//! `docker container inspect`

use std::collections::HashMap;
use std::process::Output;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::docker::container_state::State;
use crate::docker::{Docker, docker_error, events, stderr_contains};
use crate::sys::process::ProcessBuilder;
use crate::ui::exit::{ExitStatus, Failure};

/// docker's full answer about one container, in the order of [`INFO_FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ContainerInfo {
    pub(crate) id: String,
    /// The container's name, preceded by a slash.
    pub(crate) path: String,
    /// RFC 3339, UTC.
    pub(crate) created: String,
    pub(crate) state: State,
    pub(crate) labels: Option<HashMap<String, String>>,
    pub(crate) command: Option<Vec<String>>,
    /// The image reference with which the container was created.
    pub(crate) image: String,
}

const STATE: &str = "{{json .State}}";

/// The answer of one call about several containers. A container that is in neither list does not
/// exist any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inspections {
    pub(crate) found: Vec<ContainerInfo>,
    /// Ids or names of containers about which docker printed neither a readable line nor "no such
    /// container".
    pub(crate) unclear: Vec<String>,
}

impl Inspections {
    fn from_output(ids: &[&str], output: &Output) -> Self {
        let found = parse_infos(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr).to_lowercase();
        let is_missing = |id: &str| {
            let message = format!("no such container: {}", id.to_lowercase());
            stderr
                .lines()
                .any(|line| line.trim_end().ends_with(&message))
        };
        let is_found = |id: &str| found.iter().any(|info| info.id == id || info.name() == id);
        // The container was found by a prefix of its id.
        let found_by_prefix = ids.len() == 1 && !found.is_empty();
        let unclear = ids
            .iter()
            .filter(|id| !found_by_prefix && !is_found(id) && !is_missing(id))
            .map(|id| (*id).to_owned())
            .collect();
        Self { found, unclear }
    }
}

const INFO_FORMAT: &str = concat!(
    "[{{json .Id}},{{json .Name}},{{json .Created}},{{json .State}},{{json .Config.Labels}},",
    "{{json .Config.Cmd}},{{json .Config.Image}}]"
);

impl ContainerInfo {
    pub(crate) fn name(&self) -> &str {
        self.path.trim_start_matches('/')
    }

    /// Whether docker's events report the container's own exit code: none of its labels overrides
    /// an attribute of the events.
    pub(crate) fn has_trustworthy_events(&self) -> bool {
        let mut labels = self.labels.iter().flat_map(HashMap::keys);
        !labels.any(|label| events::overrides_event_attribute(label))
    }

    /// A label's value; `None` if the container has no label of this name.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }
}

impl Docker {
    /// Inspects several containers in one call. `ids` are complete ids or names.
    ///
    /// # Errors
    /// docker does not answer or reports an error (exit code 125).
    pub(crate) fn containers_inspect(&self, ids: &[&str]) -> Result<Inspections> {
        if ids.is_empty() {
            return Ok(Inspections::default());
        }
        let arguments: Vec<&str> = ["container", "inspect", "--format", INFO_FORMAT, "--"]
            .iter()
            .chain(ids)
            .copied()
            .collect();
        let output = self.capture(self.call(&arguments))?;
        let inspections = Inspections::from_output(ids, &output);
        // `inspect` fails if one of the containers has been removed meanwhile, but prints the
        // others.
        if !output.status.success() && inspections.unclear.len() == ids.len() {
            return Err(docker_error("look at the containers", &output));
        }
        Ok(inspections)
    }

    /// Inspects one container. Returns `None` if it does not exist any more.
    ///
    /// # Errors
    /// docker does not answer, reports an error, or its answer cannot be parsed (exit code 125).
    pub(crate) fn container_inspect(&self, id: &str) -> Result<Option<ContainerInfo>> {
        let inspections = self.containers_inspect(&[id])?;
        match inspections.found.into_iter().next() {
            None if !inspections.unclear.is_empty() => Err(Failure::error(
                ExitStatus::DOCKER_FAILED,
                format!("docker's description of container '{id}' cannot be read"),
            )),
            found => Ok(found),
        }
    }

    /// Returns `None` if the container does not exist any more.
    ///
    /// # Errors
    /// docker does not answer or reports an error (exit code 125).
    pub(crate) fn container_state(&self, id: &str) -> Result<Option<State>> {
        self.inspect_field(id, STATE, parse_state)
    }

    /// One field of a container's description: docker prints it in `format`, `parse` parses it.
    /// Returns `None` if the container does not exist any more.
    ///
    /// # Errors
    /// docker does not answer or reports an error (exit code 125).
    pub(crate) fn inspect_field<T>(
        &self,
        id: &str,
        format: &str,
        parse: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Option<T>> {
        let call = self.call(&["container", "inspect", "--format", format, "--", id]);
        self.run_inspect(id, call, parse)
    }

    fn run_inspect<T>(
        &self,
        id: &str,
        call: ProcessBuilder,
        parse: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Option<T>> {
        let output = self.capture(call)?;
        if !output.status.success() {
            if stderr_contains(&output, "no such container") {
                return Ok(None);
            }
            return Err(docker_error(&format!("look at container '{id}'"), &output));
        }
        parse(&output.stdout)
            .map(Some)
            .with_context(|| format!("docker's description of container '{id}' cannot be read"))
    }
}

/// Parses the output of an inspection, one line per container. A line that cannot be parsed is
/// skipped.
pub(crate) fn parse_infos(lines: &[u8]) -> Vec<ContainerInfo> {
    lines
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// Parses the output for the format [`STATE`].
pub(crate) fn parse_state(json: &[u8]) -> serde_json::Result<State> {
    serde_json::from_slice(json)
}

#[cfg(test)]
mod tests;
