//! `docker container stop`

use std::time::Duration;

use anyhow::Result;

use crate::docker::{Docker, error_line, stderr_contains};

/// How many containers docker's client stops in parallel.
const STOP_BATCH_SIZE: usize = 50;

/// What a request to stop a container led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StopOutcome {
    Stopped,
    /// The container does not exist any more.
    NotFound,
    /// docker's reason for the failure.
    Failed(String),
}

impl Docker {
    /// Stops containers in one call, each as [`Docker::container_stop`] does. docker's client stops
    /// up to 50 in parallel (`parallelOperation` of docker/cli). Returns those that the client
    /// reports as stopped; the outcome for any other takes a separate call.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn containers_stop(&self, ids: &[&str], timeout: u64) -> Result<Vec<String>> {
        let rounds = u64::try_from(ids.len().div_ceil(STOP_BATCH_SIZE)).unwrap_or(u64::MAX);
        let extra_time = Duration::from_secs(timeout.saturating_mul(rounds));
        let timeout = format!("--time={timeout}");
        let call = self.call(&[&["container", "stop", &timeout, "--"], ids].concat());
        let output = self.capture_with_extra_time(call, extra_time)?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        Ok(stdout.lines().map(str::to_owned).collect())
    }

    /// Sends the image's stop signal, and KILL after `timeout` seconds.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn container_stop(&self, id: &str, timeout: u64) -> Result<StopOutcome> {
        let extra_time = Duration::from_secs(timeout);
        let timeout = format!("--time={timeout}");
        let call = self.call(&["container", "stop", &timeout, "--", id]);
        let output = self.capture_with_extra_time(call, extra_time)?;
        Ok(match output.status.success() {
            true => StopOutcome::Stopped,
            false if stderr_contains(&output, "no such container") => StopOutcome::NotFound,
            false => StopOutcome::Failed(error_line(&output)),
        })
    }
}
