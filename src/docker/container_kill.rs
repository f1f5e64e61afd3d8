//! `docker container kill`

use anyhow::Result;

use super::Docker;

impl Docker {
    /// Sends a signal by its number to the container's first process. Gives
    /// whether docker did: not before it runs, and not after.
    ///
    /// # Errors
    /// Docker could not be started.
    pub(crate) fn container_kill(&self, id: &str, signal: i32) -> Result<bool> {
        let signal = format!("--signal={signal}");
        let output = self.capture(self.call(&["container", "kill", &signal, "--", id]))?;
        Ok(output.status.success())
    }
}
