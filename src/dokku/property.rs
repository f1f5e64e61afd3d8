//! Dokku's property store: one plain file a value.

use std::fs;

use super::host::Host;

/// In place of an app's name, what holds for every app.
const GLOBAL: &str = "--global";

impl Host {
    /// An app's property of a plugin; `None` when it is not set or empty.
    pub(crate) fn property(&self, plugin: &str, app: &str, name: &str) -> Option<String> {
        let path = self
            .library
            .join("config")
            .join(plugin)
            .join(app)
            .join(name);
        let value = fs::read_to_string(path).ok()?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The app's property, else the global one.
    pub(crate) fn property_or_global(&self, plugin: &str, app: &str, name: &str) -> Option<String> {
        self.property(plugin, app, name)
            .or_else(|| self.property(plugin, GLOBAL, name))
    }
}
