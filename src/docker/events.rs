//! `docker events`

use std::io::{BufRead, BufReader, PipeReader};
use std::marker::PhantomData;
use std::time::SystemTime;

use anyhow::{Context, Result};
use duct::Handle;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Docker;
use crate::process;

/// The end of a container, in the order of [`FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Death {
    /// The container's.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) exit_code: String,
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
}

const FORMAT: &str = concat!(
    "[{{json .Actor.ID}},{{json (index .Actor.Attributes \"name\")}},",
    "{{json (index .Actor.Attributes \"exitCode\")}},{{json .TimeNano}}]"
);

/// What has happened to a container, in the order of [`STEP_FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Step {
    /// `start` or `die`.
    pub(crate) action: String,
    /// Empty unless it has ended.
    pub(crate) exit_code: String,
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
}

const STEP_FORMAT: &str =
    "[{{json .Action}},{{json (index .Actor.Attributes \"exitCode\")}},{{json .TimeNano}}]";

/// Seconds until the stream ends and is opened again.
const LONGEST: u64 = 600;

/// A client that is told of what happens, a line each. It ends with the thread that
/// starts it.
pub(crate) struct Stream<T> {
    client: Handle,
    lines: BufReader<PipeReader>,
    told: PhantomData<T>,
}

impl Docker {
    /// The ends of all containers that have a label of this name, from the second of
    /// `since` on: docker remembers a few hundred. It is over after [`LONGEST`]: where
    /// `DOCKER_BIN` is a wrapper and only that ends, it would wait for ever otherwise.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn deaths(&self, label: &str, since: SystemTime) -> Result<Stream<Death>> {
        let label = format!("--filter=label={label}");
        self.events(FORMAT, since, LONGEST, &["--filter=event=die", &label])
    }

    /// The start and the end of one container, from the second of `since` on and for so
    /// many seconds.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn steps(&self, id: &str, since: SystemTime, seconds: u64) -> Result<Stream<Step>> {
        let container = format!("--filter=container={id}");
        let filters = ["--filter=event=start", "--filter=event=die", &container];
        self.events(STEP_FORMAT, since, seconds, &filters)
    }

    fn events<T>(
        &self,
        format: &str,
        since: SystemTime,
        seconds: u64,
        filters: &[&str],
    ) -> Result<Stream<T>> {
        let since = since
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let until = since.saturating_add(seconds);
        let (since, until) = (format!("--since={since}"), format!("--until={until}"));
        let arguments = ["events", "--format", format, &since, &until];
        let arguments = [&arguments[..], &["--filter=type=container"], filters].concat();
        let call = self.call_that_ends_with_us(&arguments).silent();
        let (client, lines) = call
            .start_read()
            .context("docker's client could not be started")?;
        Ok(Stream {
            client,
            lines: BufReader::new(lines),
            told: PhantomData,
        })
    }
}

impl<T> Stream<T> {
    /// The client's process group.
    pub(crate) fn group(&self) -> u32 {
        self.client.pids().first().copied().unwrap_or(0)
    }
}

impl<T: DeserializeOwned> Iterator for Stream<T> {
    type Item = T;

    /// `None` when the client has ended, or says what cannot be read.
    fn next(&mut self) -> Option<T> {
        let mut line = String::new();
        self.lines.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl<T> Drop for Stream<T> {
    fn drop(&mut self) {
        process::kill_group(self.group());
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_stream() {
        let death: Death =
            serde_json::from_str(r#"["id","demo.run.1","3",1795562932636215036]"#).unwrap();
        assert_eq!(
            (death.name.as_str(), death.exit_code.as_str()),
            ("demo.run.1", "3")
        );
        let step: Step = serde_json::from_str(r#"["start","",1795562932636215036]"#).unwrap();
        assert_eq!(
            (step.action.as_str(), step.exit_code.as_str()),
            ("start", "")
        );
    }
}
