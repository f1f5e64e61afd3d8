//! `docker container wait`

use anyhow::{Context, Result};

use crate::docker::Docker;
use crate::sys::process::{Child, Stderr, Stdout};

impl Docker {
    /// Starts a client that exits when the container has ended, and that the kernel kills when the
    /// calling thread ends. The client has no output.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_wait(&self, id: &str) -> Result<Child> {
        self.call_with_pdeathsig(&["container", "wait", "--", id])
            .stdout(Stdout::Null)
            .stderr(Stderr::Null)
            .spawn()
            .context("docker's client could not be started")
    }

    /// As [`Docker::container_wait`], but the client's output is captured: the container's exit
    /// code.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_wait_for_code(&self, id: &str) -> Result<Child> {
        self.call_with_pdeathsig(&["container", "wait", "--", id])
            .stdout(Stdout::Capture)
            .stderr(Stderr::Null)
            .spawn()
            .context("docker's client could not be started")
    }
}
