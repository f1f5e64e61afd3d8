//! `docker events`

use std::io::{BufRead, BufReader, PipeReader};

use anyhow::{Context, Result};
use duct::Handle;
use serde::Deserialize;

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

/// Seconds until the stream ends and is opened again.
const LONGEST: u64 = 600;

/// A client that is told of every end from now on.
pub(crate) struct Deaths {
    client: Handle,
    lines: BufReader<PipeReader>,
}

impl Docker {
    /// Starts it, for containers that have a label of this name, and from `since` on
    /// (seconds since 1970): docker remembers a few hundred. It ends with the thread
    /// that starts it, and after [`LONGEST`], where `DOCKER_BIN` is a wrapper and only
    /// that ends: it would wait for ever otherwise.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn deaths(&self, label: &str, since: u64) -> Result<Deaths> {
        let until = since.saturating_add(LONGEST);
        let (since, until) = (format!("--since={since}"), format!("--until={until}"));
        let label = format!("label={label}");
        let arguments = [
            "events",
            "--format",
            FORMAT,
            &since,
            &until,
            "--filter=type=container",
            "--filter=event=die",
            "--filter",
            &label,
        ];
        let call = self.call_that_ends_with_us(&arguments).silent();
        let (client, lines) = call
            .start_read()
            .context("docker's client could not be started")?;
        let lines = BufReader::new(lines);
        Ok(Deaths { client, lines })
    }
}

impl Deaths {
    /// The client's process group.
    pub(crate) fn group(&self) -> u32 {
        self.client.pids().first().copied().unwrap_or(0)
    }
}

impl Iterator for Deaths {
    type Item = Death;

    /// `None` when the client has ended, or says what cannot be read.
    fn next(&mut self) -> Option<Death> {
        let mut line = String::new();
        self.lines.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Deaths {
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
    }
}
