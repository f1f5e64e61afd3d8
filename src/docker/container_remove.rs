//! `docker container rm`

use anyhow::Result;

use super::{Docker, complaint, failure};

impl Docker {
    /// Removes a container and its anonymous volumes, whatever its state; one
    /// that has gone already is no error.
    ///
    /// # Errors
    /// Docker cannot remove it (exit code 125).
    pub(crate) fn container_remove(&self, id: &str) -> Result<()> {
        let output =
            self.capture(self.call(&["container", "rm", "--force", "--volumes", "--", id]))?;
        let said = complaint(&output).to_lowercase();
        // Somebody else's removal under way comes to the same end.
        if output.status.success()
            || said.contains("no such container")
            || said.contains("already in progress")
        {
            return Ok(());
        }
        Err(failure(&format!("remove container '{id}'"), &output))
    }

    /// The same for one that does not run: docker refuses otherwise. Gives its reason.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_remove_idle(&self, id: &str) -> Result<Option<String>> {
        let output = self.capture(self.call(&["container", "rm", "--volumes", "--", id]))?;
        let said = complaint(&output);
        let is_gone = said.to_lowercase().contains("no such container");
        Ok((!output.status.success() && !is_gone).then_some(said))
    }
}
