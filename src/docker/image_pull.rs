//! `docker image pull`

use std::path::Path;

use anyhow::Result;

use crate::docker::Docker;
use crate::sys::process::Stdout;

impl Docker {
    /// Pulls an image. The progress is printed on our stderr unless `quiet` is set. `login` is the
    /// directory of the client configuration to use. Returns whether the pull succeeded; docker
    /// prints the reason if it did not.
    ///
    /// # Errors
    /// docker could not be started.
    pub(crate) fn image_pull(
        &self,
        reference: &str,
        login: Option<&Path>,
        quiet: bool,
    ) -> Result<bool> {
        // The client is in our process group: Ctrl-C ends both, and no incomplete image is left.
        let mut call = self
            .call(&["image", "pull", "--", reference])
            .caller_group();
        if let Some(directory) = login {
            call = call.env("DOCKER_CONFIG", directory);
        }
        // docker's own `--quiet` would still print the image's name.
        let stdout = if quiet {
            Stdout::Capture
        } else {
            Stdout::OurStderr
        };
        Ok(call.stdout(stdout).run()?.status.success())
    }
}
