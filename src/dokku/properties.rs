//! Dokku's property store: one plain file per value, one directory per plugin and app.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::sys::regular_file;

/// Upper limit of a property file's size in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// This plugin's name in the store.
pub(crate) const PLUGIN_NAME: &str = "oneoff";

/// In place of an app's name: the values for all apps.
pub(crate) const GLOBAL: &str = "--global";

/// The properties of one plugin.
pub(crate) struct Properties<'a> {
    pub(super) host: &'a Host,
    pub(super) plugin: &'a str,
}

impl Properties<'_> {
    fn directory(&self, app: &str) -> PathBuf {
        let all = self.host.library.join("config");
        all.join(self.plugin).join(app)
    }

    /// The app's property; `None` if it is not set or empty.
    pub(crate) fn get(&self, app: &str, name: &str) -> Option<String> {
        let file = self.directory(app).join(name);
        let value = if self.plugin == PLUGIN_NAME {
            regular_file::read(&file, MAX_BYTES)
        } else {
            regular_file::read_through_links(&file, MAX_BYTES)
        };
        let value = String::from_utf8(value.ok()?).ok()?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The app's property, or else the global one.
    pub(crate) fn get_or_global(&self, app: &str, name: &str) -> Option<String> {
        self.get(app, name).or_else(|| self.get(GLOBAL, name))
    }

    /// Writes a property atomically.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(crate) fn set(&self, app: &str, name: &str, value: &str) -> Result<()> {
        let directory = self.directory(app);
        let write = || -> io::Result<()> {
            fs::create_dir_all(&directory)?;
            let unfinished = directory.join(format!(".{name}.{}", std::process::id()));
            ignore_missing(fs::remove_file(&unfinished))?;
            File::create_new(&unfinished)?.write_all(value.as_bytes())?;
            fs::rename(&unfinished, directory.join(name))
        };
        write().with_context(|| {
            format!(
                "property '{name}' cannot be written below '{}'",
                directory.display()
            )
        })
    }

    /// Removes a property.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(crate) fn unset(&self, app: &str, name: &str) -> Result<()> {
        let file = self.directory(app).join(name);
        ignore_missing(fs::remove_file(&file))
            .with_context(|| format!("'{}' cannot be removed", file.display()))
    }

    /// Removes all properties of the app.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(crate) fn remove_all(&self, app: &str) -> Result<()> {
        let directory = self.directory(app);
        ignore_missing(fs::remove_dir_all(&directory))
            .with_context(|| format!("'{}' cannot be removed", directory.display()))
    }

    /// Copies all properties of app `old` to app `new`; a failure does not stop the copying.
    ///
    /// # Errors
    /// The store cannot be written: the first error.
    pub(crate) fn copy_all(&self, old: &str, new: &str) -> Result<()> {
        let from = self.directory(old);
        let Ok(entries) = fs::read_dir(&from) else {
            return Ok(());
        };
        let mut copied = Ok(());
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(value) = self.get(old, &name) {
                copied = copied.and(self.set(new, &name, &value));
            }
        }
        copied
    }
}

/// Treats a missing file as removed.
fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
