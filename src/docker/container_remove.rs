//! `docker container rm`

use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::docker::{Docker, docker_error, error_line, stderr_contains};

/// How long somebody else's removal may take, and how often it is looked whether it has
/// come to its end.
const CONCURRENT_REMOVAL_TIMEOUT: Duration = Duration::from_secs(10);
const REMOVAL_POLL_INTERVAL: Duration = Duration::from_millis(100);

impl Docker {
    /// Removes a container and its anonymous volumes, whatever its state; one
    /// that has gone already is no error, and one that somebody else removes is waited
    /// for: that may fail.
    ///
    /// # Errors
    /// Docker cannot remove it, or has not for too long (exit code 125).
    pub(crate) fn container_remove(&self, id: &str) -> Result<()> {
        let output =
            self.capture(self.call(&["container", "rm", "--force", "--volumes", "--", id]))?;
        if self.is_gone(id, &output)? {
            return Ok(());
        }
        Err(docker_error(&format!("remove container '{id}'"), &output))
    }

    /// The same for one that does not run: docker refuses otherwise. Gives its reason.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_remove_if_stopped(&self, id: &str) -> Result<Option<String>> {
        let output = self.capture(self.call(&["container", "rm", "--volumes", "--", id]))?;
        let is_gone = self.is_gone(id, &output)?;
        Ok((!is_gone).then(|| error_line(&output)))
    }

    /// What came of a removal.
    fn is_gone(&self, id: &str, output: &Output) -> Result<bool> {
        Ok(output.status.success()
            || stderr_contains(output, "no such container")
            || stderr_contains(output, "already in progress") && self.wait_until_removed(id)?)
    }

    fn wait_until_removed(&self, id: &str) -> Result<bool> {
        let begun = Instant::now();
        while self.container_state(id)?.is_some() {
            if begun.elapsed() > CONCURRENT_REMOVAL_TIMEOUT {
                return Ok(false);
            }
            thread::sleep(REMOVAL_POLL_INTERVAL);
        }
        Ok(true)
    }
}
