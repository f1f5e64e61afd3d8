//! An app's configuration.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::dokku::app::App;
use crate::dokku::host::Host;

impl Host {
    /// The config values of the app and, below them, the global ones, byte for byte.
    ///
    /// # Errors
    /// The hook fails, its answer is not a JSON object of strings, or a value is not valid
    /// UTF-8. The message contains no value.
    pub(crate) fn config(&self, app: &App) -> Result<BTreeMap<String, String>> {
        const HOOK: &str = "config-export";
        let json = self.query(HOOK, &[app.name(), "false", "true", "json"])?;
        if json.trim().is_empty() {
            return Ok(BTreeMap::new());
        }
        let config: BTreeMap<String, String> = serde_json::from_str(&json)
            .map_err(|error| anyhow::anyhow!("line {}, column {}", error.line(), error.column()))
            .with_context(|| {
                format!("the answer of hook '{HOOK}' is not a JSON object of strings")
            })?;
        // JSON has U+FFFD in place of invalid UTF-8. The raw bytes show whether it is in the value.
        for name in config
            .iter()
            .filter(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER))
            .map(|(name, _)| name)
        {
            if self.answers_with_invalid_utf8("config-get", &[app.name(), name])
                || self.answers_with_invalid_utf8("config-get-global", &[name])
            {
                bail!("the config value of '{name}' is not valid UTF-8, so docker would alter it");
            }
        }
        Ok(config)
    }

    /// A value of the app's own config, independent of the global one; empty if there is none.
    pub(crate) fn own_config(&self, app: &App, name: &str) -> String {
        let answer = self.query_or_empty("config-get", &[app.name(), name]);
        answer.trim().to_owned()
    }
}
