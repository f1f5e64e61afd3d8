//! `docker container stop`

use anyhow::Result;

use super::{Docker, complaint};

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
    /// Docker could not be started.
    pub(crate) fn container_stop(&self, id: &str, timeout: u64) -> Result<Stopped> {
        let timeout = format!("--time={timeout}");
        let output = self.capture(self.call(&["container", "stop", &timeout, "--", id]))?;
        let said = complaint(&output);
        Ok(match output.status.success() {
            true => Stopped::Yes,
            false if said.to_lowercase().contains("no such container") => Stopped::Gone,
            false => Stopped::No(said),
        })
    }
}
