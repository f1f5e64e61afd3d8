//! `docker container cp`

use anyhow::Result;

use crate::docker::Docker;
use crate::sys::process::{Stderr, Stdout};

impl Docker {
    /// Whether the container has a file at this path. The container need not have been started.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn container_has_file(&self, id: &str, path: &str) -> Result<bool> {
        let source = format!("{id}:{path}");
        let client = self
            .call(&["container", "cp", "--follow-link", "--", &source, "-"])
            .stdout(Stdout::Null)
            .stderr(Stderr::Null);
        Ok(self
            .output_or_timeout(client, self.timeout)?
            .status
            .success())
    }
}
