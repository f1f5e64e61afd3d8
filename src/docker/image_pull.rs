//! `docker image pull`

use std::path::Path;

use anyhow::Result;

use crate::docker::Docker;

impl Docker {
    /// Pulls an image, its progress on our stderr unless `quiet`; `login` is the
    /// directory of the client's configuration to use. Gives whether it came;
    /// docker says why not.
    ///
    /// # Errors
    /// Docker could not be started.
    pub(crate) fn image_pull(
        &self,
        reference: &str,
        login: Option<&Path>,
        quiet: bool,
    ) -> Result<bool> {
        // In our process group: a Ctrl-C ends it with us, and nothing is half made.
        let mut call = self
            .call(&["image", "pull", "--", reference])
            .caller_group();
        if let Some(directory) = login {
            call = call.env("DOCKER_CONFIG", directory);
        }
        // Docker's own `--quiet` would still print the image's name.
        let output = if quiet {
            call.run_captured()
        } else {
            call.run_with_output_to_stderr()
        };
        Ok(output?.status.success())
    }
}
