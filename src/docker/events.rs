//! `docker events`

use std::io::{BufRead, BufReader, PipeReader};
use std::time::SystemTime;

use anyhow::{Context, Result};
use duct::Handle;
use serde::Deserialize;

use crate::docker::Docker;
use crate::sys::process;

/// Attributes of a container's events that a label of the container replaces: docker copies
/// the labels over what it says itself, and sets `image` and `name` only after that (moby,
/// daemon/events.go, `LogContainerEventWithAttributes`). `die` has the first two, the end of
/// an `exec` the first and the third, `kill` the last. An event's id, action and time are no
/// attributes.
const OVERRIDABLE_ATTRIBUTES: [&str; 4] = ["exitCode", "execDuration", "execID", "signal"];

/// Whether a label of this name replaces what docker's events say of its container.
pub(crate) fn overrides_event_attribute(label: &str) -> bool {
    OVERRIDABLE_ATTRIBUTES.contains(&label)
}

/// The end of a container, in the order of [`FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct DieEvent {
    /// The container's.
    pub(crate) id: String,
    pub(crate) name: String,
    /// What a label may have said: see [`OVERRIDABLE_ATTRIBUTES`].
    pub(crate) stated_exit_code: String,
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
}

const FORMAT: &str = concat!(
    "[{{json .Actor.ID}},{{json (index .Actor.Attributes \"name\")}},",
    "{{json (index .Actor.Attributes \"exitCode\")}},{{json .TimeNano}}]"
);

/// Seconds until the stream ends and is opened again.
const MAX_STREAM_SECONDS: u64 = 600;

/// A client that is told of ends, a line each. It ends with the thread that
/// starts it.
pub(crate) struct DieEvents {
    client: Handle,
    lines: BufReader<PipeReader>,
}

impl Docker {
    /// The ends of all containers that have a label of this name, from the second of
    /// `since` on: docker remembers a few hundred. It is over after [`MAX_STREAM_SECONDS`]: where
    /// `DOCKER_BIN` is a wrapper and only that ends, it would wait for ever otherwise.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn die_events(&self, label: &str, since: SystemTime) -> Result<DieEvents> {
        let label = format!("--filter=label={label}");
        self.events(since, MAX_STREAM_SECONDS, &label)
    }

    /// The end of one container, from the second of `since` on and for so many seconds.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn die_event(&self, id: &str, since: SystemTime, seconds: u64) -> Result<DieEvents> {
        self.events(since, seconds, &format!("--filter=container={id}"))
    }

    fn events(&self, since: SystemTime, seconds: u64, filter: &str) -> Result<DieEvents> {
        let since = since
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let until = since.saturating_add(seconds);
        let (since, until) = (format!("--since={since}"), format!("--until={until}"));
        let filters = ["--filter=type=container", "--filter=event=die", filter];
        let arguments = ["events", "--format", FORMAT, &since, &until];
        let arguments = [&arguments[..], &filters].concat();
        let call = self.call_with_pdeathsig(&arguments).stderr_null();
        let (client, lines) = call
            .spawn_piped()
            .context("docker's client could not be started")?;
        Ok(DieEvents {
            client,
            lines: BufReader::new(lines),
        })
    }
}

impl DieEvents {
    /// The client's process group.
    pub(crate) fn process_group(&self) -> u32 {
        self.client.pids().first().copied().unwrap_or(0)
    }
}

impl Iterator for DieEvents {
    type Item = DieEvent;

    /// `None` when the client has ended, or says what cannot be read.
    fn next(&mut self) -> Option<DieEvent> {
        let mut line = String::new();
        self.lines.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for DieEvents {
    fn drop(&mut self) {
        process::kill_group(self.process_group());
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_event_stream_are_parsed() {
        let death: DieEvent =
            serde_json::from_str(r#"["id","demo.run.1","3",1795562932636215036]"#).unwrap();
        assert_eq!(
            (death.name.as_str(), death.stated_exit_code.as_str()),
            ("demo.run.1", "3")
        );
    }
}
