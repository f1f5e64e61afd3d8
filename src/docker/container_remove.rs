//! `docker container rm`

use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::docker::{Docker, docker_error, error_line, stderr_contains};

/// How long a removal by another client may take, and how often the container is inspected until
/// then.
const CONCURRENT_REMOVAL_TIMEOUT: Duration = Duration::from_secs(10);
const REMOVAL_POLL_INTERVAL: Duration = Duration::from_millis(100);

impl Docker {
    /// Removes a container and its anonymous volumes, whatever its state. A container that does not
    /// exist any more is not an error. If another client is removing it, the call waits for the end
    /// of that removal, which may fail.
    ///
    /// # Errors
    /// docker cannot remove the container, or a removal by another client takes too long (exit code
    /// 125).
    pub(crate) fn container_remove(&self, id: &str) -> Result<()> {
        let output =
            self.capture(self.call(&["container", "rm", "--force", "--volumes", "--", id]))?;
        if self.is_removed(id, &output)? {
            return Ok(());
        }
        Err(docker_error(&format!("remove container '{id}'"), &output))
    }

    /// Removes a container that does not run. docker refuses if it runs; the result is docker's
    /// reason, or `None` if the container is removed.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn container_remove_if_stopped(&self, id: &str) -> Result<Option<String>> {
        let output = self.capture(self.call(&["container", "rm", "--volumes", "--", id]))?;
        let is_removed = self.is_removed(id, &output)?;
        Ok((!is_removed).then(|| error_line(&output)))
    }

    /// Whether the container is removed after an `rm` with this output.
    fn is_removed(&self, id: &str, output: &Output) -> Result<bool> {
        Ok(output.status.success()
            || stderr_contains(output, "no such container")
            || stderr_contains(output, "already in progress") && self.wait_until_removed(id)?)
    }

    fn wait_until_removed(&self, id: &str) -> Result<bool> {
        let started = Instant::now();
        while self.container_state(id)?.is_some() {
            if started.elapsed() > CONCURRENT_REMOVAL_TIMEOUT {
                return Ok(false);
            }
            thread::sleep(REMOVAL_POLL_INTERVAL);
        }
        Ok(true)
    }
}
