//! An app's configuration.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::app::App;
use super::host::Host;

impl Host {
    /// The config values of the app, global ones below them, byte for byte.
    ///
    /// # Errors
    /// The hook fails, or what it says is no JSON object of strings. No value is
    /// part of the message.
    pub(crate) fn config(&self, app: &App) -> Result<BTreeMap<String, String>> {
        const HOOK: &str = "config-export";
        let json = self.ask(HOOK, &[app.name(), "false", "true", "json"])?;
        if json.trim().is_empty() {
            return Ok(BTreeMap::new());
        }
        serde_json::from_str(&json)
            .map_err(|error| anyhow::anyhow!("line {}, column {}", error.line(), error.column()))
            .with_context(|| format!("the answer of hook '{HOOK}' is no JSON object of strings"))
    }

    /// A value of the app's own config, whatever the global one says; empty when
    /// there is none.
    pub(crate) fn own_config(&self, app: &App, name: &str) -> String {
        let answer = self.ask_softly("config-get", &[app.name(), name]);
        answer.trim().to_owned()
    }
}
