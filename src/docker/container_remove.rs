//! `docker container rm`

use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::docker::{Docker, complaint, failure, says};

/// How long somebody else's removal may take, and how often it is looked whether it has
/// come to its end.
const UNDER_WAY: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

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
        Err(failure(&format!("remove container '{id}'"), &output))
    }

    /// The same for one that does not run: docker refuses otherwise. Gives its reason.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_remove_idle(&self, id: &str) -> Result<Option<String>> {
        let output = self.capture(self.call(&["container", "rm", "--volumes", "--", id]))?;
        let is_gone = self.is_gone(id, &output)?;
        Ok((!is_gone).then(|| complaint(&output)))
    }

    /// What came of a removal.
    fn is_gone(&self, id: &str, output: &Output) -> Result<bool> {
        Ok(output.status.success()
            || says(output, "no such container")
            || says(output, "already in progress") && self.goes_away(id)?)
    }

    fn goes_away(&self, id: &str) -> Result<bool> {
        let begun = Instant::now();
        while self.container_state(id)?.is_some() {
            if begun.elapsed() > UNDER_WAY {
                return Ok(false);
            }
            thread::sleep(PAUSE);
        }
        Ok(true)
    }
}
