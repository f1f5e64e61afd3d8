//! The apps: whether one exists, and whether the requesting user may see it.

use std::fs;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::dokku::task_name::TaskName;
use crate::ui::exit::{ExitStatus, Failure};

/// The name of an app that exists and that the user may see.
#[derive(Debug, Clone)]
pub(crate) struct App(String);

impl App {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

/// The apps of the installation.
pub(crate) struct Apps<'a> {
    pub(super) host: &'a Host,
}

impl Apps<'_> {
    /// Core's `verify_app_name`, with core's message and exit code.
    ///
    /// # Errors
    /// The name is not valid, the app does not exist, or the user may not see it: nothing in the
    /// error distinguishes the three.
    pub(crate) fn find(&self, name: &str) -> Result<App> {
        let access = self.host.access();
        // Looked up before the app: a warning about the hooks must not depend on whether it exists.
        let hooks = access.app_hooks();
        if self.exists(name) && access.may_see(&hooks, name) {
            return Ok(App(name.to_owned()));
        }
        Err(Failure::error(
            ExitStatus::NO_SUCH_APP,
            format!("App {name} does not exist"),
        ))
    }

    /// The app in the name of a task's container; `None` if the user may not see it.
    pub(crate) fn of_task(&self, container: &str) -> Option<App> {
        self.find(TaskName::read(container)?.app).ok()
    }

    /// The apps that the user may see, sorted by name.
    pub(crate) fn visible(&self) -> Vec<App> {
        let names = self.all_names();
        let access = self.host.access();
        let visible = access.visible(&access.app_hooks(), names);
        visible.into_iter().map(App).collect()
    }

    /// Whether the app exists, independent of who may see it.
    pub(crate) fn exists(&self, name: &str) -> bool {
        is_valid_name(name) && self.host.root.join(name).is_dir()
    }

    /// Whether the app has been destroyed, as far as can be known: `false` while there is no app
    /// at all, because the apps' directory may not be mounted.
    pub(crate) fn is_destroyed(&self, name: &str) -> bool {
        !self.exists(name) && !self.all_names().is_empty()
    }

    /// The names of all apps, independent of who may see them, sorted.
    pub(crate) fn all_names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.host.root)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| self.exists(name))
            .collect();
        names.sort();
        names
    }
}

/// `^[a-z0-9][a-z0-9._-]*$`
pub(crate) fn is_valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.first().is_some_and(alphanumeric)
        && bytes
            .iter()
            .all(|byte| alphanumeric(byte) || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use crate::dokku::apps::is_valid_name;

    #[test]
    fn app_names_are_limited_to_the_characters_of_dokku() {
        for good in ["a", "0", "node-js-app", "my.app_2"] {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in [
            "", ".", "..", "-a", "_a", "A", "a b", "a/b", "../a", "a\n", "é",
        ] {
            assert!(!is_valid_name(bad), "{bad:?}");
        }
    }
}
