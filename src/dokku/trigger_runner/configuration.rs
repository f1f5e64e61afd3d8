//! The configuration of a plugin, as plugn passes it to the plugin's hooks.

use std::ffi::OsString;
use std::path::Path;
use std::{fs, io};

use crate::dokku::trigger_runner::toml::{Tables, Value};
use crate::dokku::trigger_runner::{Exports, toml};

/// Per key of `[plugin.config]` in `available/<plugin>/plugin.toml` (the value there is ignored)
/// a variable `CONFIG_<KEY>`: its value is that of the variable `<PLUGIN>_<KEY>`, else that of
/// `config.toml`, else empty. `variable` looks up a variable.
///
/// `None` if only plugn can determine the values: it passes them to a shell, which expands them.
/// If the file or the table is missing, plugn prints a complaint and continues; this function
/// returns no variables, without a complaint.
pub(crate) fn exports(
    plugins: &Path,
    plugin: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<Exports> {
    let file = plugins.join("available").join(plugin).join("plugin.toml");
    let tables = read(&file)?;
    // A table below `plugin.config` would be one of its keys.
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
        return None; // not valid as the beginning of a variable's name
    }
    let values = values(plugins, plugin)?;
    keys.keys()
        .map(|key| {
            let name = variable_name(key);
            let value = variable(&format!("{}_{name}", variable_name(plugin)))
                .filter(|value| !value.is_empty())
                .or_else(|| Some(values.get(key)?.into()));
            Some((format!("CONFIG_{name}"), value.unwrap_or_default()))
        })
        .collect()
}

/// The plugin's table in `config.toml`. `None` if the file contains anything but tables of
/// strings, because plugn cannot read such a file.
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

/// The tables of a file, none if it does not exist; `None` if it cannot be read reliably.
fn read(file: &Path) -> Option<Tables> {
    match fs::read_to_string(file) {
        Ok(text) => toml::read(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Tables::new()),
        Err(_) => None,
    }
}

fn variable_name(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}

/// Whether a shell takes the value literally in `"${NAME:-"value"}"`.
fn is_literal(value: &str) -> bool {
    !value.contains(|c: char| c.is_control() || "$`\"\\{}".contains(c))
}

#[cfg(test)]
mod tests;
