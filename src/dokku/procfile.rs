//! The Procfile of an app.

use anyhow::{Context, Result, bail};

use crate::dokku::app::App;
use crate::dokku::host::Host;

impl Host {
    /// The words of the app's Procfile entry `process_type`, split as a shell
    /// splits them (nothing is expanded); `None` when there is no such entry.
    ///
    /// # Errors
    /// A quote in the entry is not closed, or the entry is not valid UTF-8.
    pub(crate) fn procfile_command(
        &self,
        app: &App,
        process_type: &str,
    ) -> Result<Option<Vec<String>>> {
        // Core passes 5000 as the port that an entry may refer to.
        let line = self.query_or_empty("procfile-get-command", &[app.name(), process_type, "5000"]);
        if line.contains(char::REPLACEMENT_CHARACTER) {
            bail!(
                "the Procfile entry '{process_type}' is not valid UTF-8, so docker would alter it"
            );
        }
        let words = shell_words::split(line.trim()).with_context(|| {
            format!("the Procfile entry '{process_type}' cannot be split into words")
        })?;
        Ok((!words.is_empty()).then_some(words))
    }
}
