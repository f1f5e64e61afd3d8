//! The docker options that other plugins add.

use anyhow::{Context, Result};

use crate::dokku::app::App;
use crate::dokku::argv::xargs_split;
use crate::dokku::host::Host;

impl Host {
    /// The options for one-off containers of the app: storage, and docker options of phase `run`.
    ///
    /// # Errors
    /// A hook fails, or a quote in its answer is not closed.
    pub(crate) fn docker_options(&self, app: &App, tag: &str) -> Result<Vec<String>> {
        self.option_words("docker-args-run", &[app.name(), tag])
    }

    /// The options that depend on how the image was built: network, buildpack launcher.
    ///
    /// # Errors
    /// As [`Host::docker_options`].
    pub(crate) fn process_docker_options(
        &self,
        app: &App,
        image_type: &str,
        tag: &str,
    ) -> Result<Vec<String>> {
        self.option_words("docker-args-process-run", &[app.name(), image_type, tag])
    }

    fn option_words(&self, hook: &str, arguments: &[&str]) -> Result<Vec<String>> {
        // Dokku splits one long string, in which a space follows each answer. An empty quoted word
        // before a space counts, at the end of the string it does not.
        let text = self.query(hook, arguments)? + " ";
        xargs_split::split(&text)
            .with_context(|| format!("the docker options of hook '{hook}' cannot be split"))
    }
}
