//! `docker container wait`

use anyhow::{Context, Result};
use duct::Handle;

use crate::docker::Docker;

impl Docker {
    /// Starts a client that ends when the container has ended, or with the thread that
    /// starts it. It says nothing.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_wait(&self, id: &str) -> Result<Handle> {
        self.call_with_pdeathsig(&["container", "wait", "--", id])
            .stderr_null()
            .spawn_stdout_null()
            .context("docker's client could not be started")
    }

    /// The same; it captures the container's exit code as docker prints it.
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
