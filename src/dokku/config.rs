//! An app's configuration.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::dokku::app::App;
use crate::dokku::host::Host;

impl Host {
    /// The config values of the app, global ones below them, byte for byte.
    ///
    /// # Errors
    /// The hook fails, what it says is not a JSON object of strings, or a value is no
    /// UTF-8. No value is part of the message.
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
        // JSON has U+FFFD for what is no UTF-8: whether it stood there, the bytes tell.
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

    /// A value of the app's own config, whatever the global one says; empty when
    /// there is none.
    pub(crate) fn own_config(&self, app: &App, name: &str) -> String {
        let answer = self.query_or_empty("config-get", &[app.name(), name]);
        answer.trim().to_owned()
    }
}
