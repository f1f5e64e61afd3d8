//! `docker container cp`

use anyhow::Result;

use crate::docker::Docker;

impl Docker {
    /// Whether the container has a file at this path. The container need not have been started.
    ///
    /// # Errors
    /// docker does not answer (exit code 125).
    pub(crate) fn container_has_file(&self, id: &str, path: &str) -> Result<bool> {
        let source = format!("{id}:{path}");
        let client = self
            .call(&["container", "cp", "--follow-link", "--", &source, "-"])
            .stderr_null();
        let answer = client.run_stdout_null_within(self.timeout);
        Ok(self
            .output_or_timeout(answer, self.timeout)?
            .status
            .success())
    }
}
