//! `docker container stop`

use std::time::Duration;

use anyhow::Result;

use crate::docker::{Docker, error_line, stderr_contains};

/// How many docker's client stops at the same time.
const AT_ONCE: usize = 50;

/// What became of a container that was to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StopOutcome {
    Stopped,
    /// It is not there any more.
    NotFound,
    /// Docker's reason.
    Failed(String),
}

impl Docker {
    /// Stops containers in one call, as [`Docker::container_stop`] does each: its client
    /// stops up to 50 at the same time (`parallelOperation` of docker/cli). Gives those
    /// that it says have stopped; what became of another one, a call of its own tells.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn containers_stop(&self, ids: &[&str], timeout: u64) -> Result<Vec<String>> {
        let rounds = u64::try_from(ids.len().div_ceil(AT_ONCE)).unwrap_or(u64::MAX);
        let longer = Duration::from_secs(timeout.saturating_mul(rounds));
        let timeout = format!("--time={timeout}");
        let call = self.call(&[&["container", "stop", &timeout, "--"], ids].concat());
        let output = self.capture_with_extra_time(call, longer)?;
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.lines().map(str::to_owned).collect())
    }

    /// Sends the image's stop signal, and KILL after so many seconds.
    ///
    /// # Errors
    /// Docker gives no answer (exit code 125).
    pub(crate) fn container_stop(&self, id: &str, timeout: u64) -> Result<StopOutcome> {
        let longer = Duration::from_secs(timeout);
        let timeout = format!("--time={timeout}");
        let call = self.call(&["container", "stop", &timeout, "--", id]);
        let output = self.capture_with_extra_time(call, longer)?;
        Ok(match output.status.success() {
            true => StopOutcome::Stopped,
            false if stderr_contains(&output, "no such container") => StopOutcome::NotFound,
            false => StopOutcome::Failed(error_line(&output)),
        })
    }
}
