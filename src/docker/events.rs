//! `docker events`

use std::io::{self, BufRead, BufReader, PipeReader};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::docker::Docker;
use crate::sys::process;
use crate::sys::process::{Child, Stderr, Stdout};

/// Attributes of a container's events that a label of the container overrides. docker copies the
/// labels over its own attributes and sets only `image` and `name` after that (moby,
/// daemon/events.go, `LogContainerEventWithAttributes`). `die` has `exitCode` and `execDuration`,
/// the end of an `exec` has `exitCode` and `execID`, `kill` has `signal`. The id, action and time
/// of an event are not attributes.
const OVERRIDABLE_ATTRIBUTES: [&str; 4] = ["exitCode", "execDuration", "execID", "signal"];

/// Whether a label of this name overrides an attribute of the events of its container.
pub(crate) fn overrides_event_attribute(label: &str) -> bool {
    OVERRIDABLE_ATTRIBUTES.contains(&label)
}

/// The event of a container's exit, in the order of [`FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct DieEvent {
    /// The container's id.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The exit code, which a label may have overridden: see [`OVERRIDABLE_ATTRIBUTES`].
    pub(crate) reported_exit_code: String,
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
}

const FORMAT: &str = concat!(
    "[{{json .Actor.ID}},{{json (index .Actor.Attributes \"name\")}},",
    "{{json (index .Actor.Attributes \"exitCode\")}},{{json .TimeNano}}]"
);

/// After how many seconds the stream ends and has to be opened again.
const MAX_STREAM_SECONDS: u64 = 600;

/// A docker client that prints one line per die event. The kernel kills it when the thread that
/// started it ends.
pub(crate) struct DieEvents {
    client: Child,
    lines: BufReader<PipeReader>,
}

impl Docker {
    /// The die events of all containers that have a label of this name, beginning with the second
    /// of `since`: docker remembers a few hundred events. The stream ends after
    /// [`MAX_STREAM_SECONDS`]: if `DOCKER_BIN` is a wrapper and only the wrapper is killed, the
    /// client would otherwise wait for ever.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn die_events(&self, label: &str, since: SystemTime) -> Result<DieEvents> {
        let since = since
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let until = since.saturating_add(MAX_STREAM_SECONDS);
        let (since, until) = (format!("--since={since}"), format!("--until={until}"));
        let label = format!("--filter=label={label}");
        let filters = ["--filter=type=container", "--filter=event=die", &label];
        let arguments = ["events", "--format", FORMAT, &since, &until];
        let arguments = [&arguments[..], &filters].concat();
        let call = self.call_with_pdeathsig(&arguments).stderr(Stderr::Null);
        let start = || -> io::Result<DieEvents> {
            let (lines, to_lines) = io::pipe()?;
            Ok(DieEvents {
                client: call.stdout(Stdout::File(to_lines.into())).spawn()?,
                lines: BufReader::new(lines),
            })
        };
        start().context("docker's client could not be started")
    }
}

impl DieEvents {
    /// The client's process group.
    pub(crate) fn process_group(&self) -> u32 {
        self.client.pid().unwrap_or(0)
    }
}

impl Iterator for DieEvents {
    type Item = DieEvent;

    /// Returns `None` when the client has exited, or has printed a line that cannot be parsed.
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
        let event: DieEvent =
            serde_json::from_str(r#"["id","demo.run.1","3",1795562932636215036]"#).unwrap();
        assert_eq!(
            (event.name.as_str(), event.reported_exit_code.as_str()),
            ("demo.run.1", "3")
        );
    }
}
