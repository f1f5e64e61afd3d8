//! `docker container wait`

use anyhow::{Context, Result};
use duct::Handle;

use crate::docker::Docker;

impl Docker {
    /// Starts a client that exits when the container has ended, and that the kernel kills when the
    /// calling thread ends. The client has no output.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_wait(&self, id: &str) -> Result<Handle> {
        self.call_with_pdeathsig(&["container", "wait", "--", id])
            .stderr_null()
            .spawn_stdout_null()
            .context("docker's client could not be started")
    }

    /// As [`Docker::container_wait`], but the handle captures the client's output: the container's
    /// exit code.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_wait_for_code(&self, id: &str) -> Result<Handle> {
        self.call_with_pdeathsig(&["container", "wait", "--", id])
            .stderr_null()
            .spawn_captured()
            .context("docker's client could not be started")
    }
}
