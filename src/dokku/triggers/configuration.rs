//! The configuration of a plugin, as plugn hands it to the plugin's hooks.

use std::ffi::OsString;
use std::path::Path;
use std::{fs, io};

use crate::dokku::triggers::toml::{Tables, Value};
use crate::dokku::triggers::{Exports, toml};

/// For every key of `[plugin.config]` in `available/<plugin>/plugin.toml` (its
/// value there is ignored) `CONFIG_<KEY>`: the value of variable `<PLUGIN>_<KEY>`,
/// else the one of `config.toml`, else empty. `variable` looks up a variable.
///
/// `None` when only plugn can tell: it hands the values to a shell, which expands
/// them. For a file that is missing, or has no such table, it prints a complaint
/// and goes on; so do we, without the complaint.
pub(crate) fn exports(
    plugins: &Path,
    plugin: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<Exports> {
    let file = plugins.join("available").join(plugin).join("plugin.toml");
    let tables = read(&file)?;
    // A table below it would be a key of it.
    if tables.keys().any(|name| name.starts_with("plugin.config."))
        || tables
            .get("plugin")
            .is_some_and(|keys| keys.contains_key("config"))
    {
        return None;
    }
    let Some(keys) = tables.get("plugin.config").filter(|keys| !keys.is_empty()) else {
        return Some(Exports::new());
    };
    if plugin.starts_with(|first: char| first.is_ascii_digit()) || plugin.contains('.') {
        return None; // no name of a variable begins so
    }
    let values = values(plugins, plugin)?;
    keys.keys()
        .map(|key| {
            let name = in_variables(key);
            let value = variable(&format!("{}_{name}", in_variables(plugin)))
                .filter(|value| !value.is_empty())
                .or_else(|| Some(values.get(key)?.into()));
            Some((format!("CONFIG_{name}"), value.unwrap_or_default()))
        })
        .collect()
}

/// The plugin's table in `config.toml`. A file with anything but tables of strings
/// is one that plugn cannot read.
fn values(plugins: &Path, plugin: &str) -> Option<std::collections::BTreeMap<String, String>> {
    let mut tables = read(&plugins.join("config.toml"))?;
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    if tables
        .iter()
        .any(|(name, keys)| name.contains('.') || !keys.values().all(is_text))
    {
        return None;
    }
    let table = tables.remove(plugin).unwrap_or_default();
    table
        .into_iter()
        .map(|(key, value)| match value {
            Value::Text(text) if is_literal(&text) => Some((key, text)),
            _ => None,
        })
        .collect()
}

/// No tables when there is no such file; `None` when it cannot be read for certain.
fn read(file: &Path) -> Option<Tables> {
    match fs::read_to_string(file) {
        Ok(text) => toml::read(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Tables::new()),
        Err(_) => None,
    }
}

fn in_variables(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}

/// Whether a shell takes the value in `"${NAME:-"value"}"` as it stands.
fn is_literal(value: &str) -> bool {
    !value.contains(|c: char| c.is_control() || "$`\"\\{}".contains(c))
}

#[cfg(test)]
mod tests;
