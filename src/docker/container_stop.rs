//! `docker container stop`

use std::time::Duration;

use anyhow::Result;

use super::{Docker, complaint, says};

/// What became of a container that was to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stopped {
    Yes,
    /// It is not there any more.
    Gone,
    /// Docker's reason.
    No(String),
}

impl Docker {
    /// Sends the image's stop signal, and KILL after so many seconds.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_stop(&self, id: &str, timeout: u64) -> Result<Stopped> {
        let longer = Duration::from_secs(timeout);
        let timeout = format!("--time={timeout}");
        let call = self.call(&["container", "stop", &timeout, "--", id]);
        let output = self.capture_longer(call, longer)?;
        Ok(match output.status.success() {
            true => Stopped::Yes,
            false if says(&output, "no such container") => Stopped::Gone,
            false => Stopped::No(complaint(&output)),
        })
    }
}
