//! `docker container rm`

use anyhow::Result;

use super::{Docker, failure, says};

impl Docker {
    /// Removes a container and its anonymous volumes, whatever its state; one
    /// that has gone already is no error.
    ///
    /// # Errors
    /// Docker cannot remove it (exit code 125).
    pub(crate) fn container_remove(&self, id: &str) -> Result<()> {
        let output =
            self.capture(self.call(&["container", "rm", "--force", "--volumes", "--", id]))?;
        // Somebody else's removal under way comes to the same end.
        if output.status.success()
            || says(&output, "no such container")
            || says(&output, "already in progress")
        {
            return Ok(());
        }
        Err(failure(&format!("remove container '{id}'"), &output))
    }
}
