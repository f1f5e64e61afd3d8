//! Whether an app exists, and whether the requesting user may see it.

use std::ffi::OsString;
use std::fs;
use std::sync::Once;

use anyhow::{Result, bail};

use crate::dokku::host::Host;
use crate::dokku::triggers::access::AccessHooks;
use crate::sys::process::Stdout;
use crate::ui::exit::{Failure, NO_SUCH_APP};
use crate::ui::message;

/// The name of an app that exists and that the user may see.
#[derive(Debug, Clone)]
pub(crate) struct App(String);

impl App {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl Host {
    /// Core's `verify_app_name`, with core's message and exit code.
    ///
    /// # Errors
    /// The name is not valid, the app does not exist, or the user may not see it: nothing in the
    /// error distinguishes the three.
    pub(crate) fn app(&self, name: &str) -> Result<App> {
        // Looked up before the app: a warning about the hooks must not depend on whether it exists.
        let hooks = self.app_access_hooks();
        if self.has_app(name) && self.may_see(&hooks, name) {
            return Ok(App(name.to_owned()));
        }
        Err(Failure::error(
            NO_SUCH_APP,
            format!("App {name} does not exist"),
        ))
    }

    /// Whether the app exists, independent of who may see it.
    pub(crate) fn has_app(&self, name: &str) -> bool {
        is_valid_name(name) && self.root.join(name).is_dir()
    }

    /// Whether the app has been destroyed, as far as can be known: `false` while there is no app
    /// at all, because the apps' directory may not be mounted.
    pub(crate) fn lacks_app(&self, name: &str) -> bool {
        !self.has_app(name) && !self.all_apps().is_empty()
    }

    /// The names of all apps, independent of who may see them, sorted.
    pub(crate) fn all_apps(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| self.has_app(name))
            .collect();
        names.sort();
        names
    }

    /// The apps that the user may see, sorted by name.
    pub(crate) fn apps(&self) -> Vec<App> {
        let names = self.all_apps();
        let seen = self.visible_apps(&self.app_access_hooks(), names);
        seen.into_iter().map(App).collect()
    }

    /// Asks the access plugins whether the user may use these words as a command, as Dokku does
    /// before it starts a plugin (`dokku_auth`). Dokku has asked about its own words, which can
    /// be different ones.
    ///
    /// # Errors
    /// The access plugins deny the command.
    pub(crate) fn authorize(&self, argv: &[OsString]) -> Result<()> {
        const HOOK: &str = "user-auth";
        let hooks = match self.access_hooks(HOOK) {
            AccessHooks::Absent => return Ok(()),
            AccessHooks::Executable(hooks) => Some(hooks),
            AccessHooks::Unusable(path) => {
                message::warn(&format!("'{}' cannot be executed", path.display()));
                None
            }
        };
        let words = argv.iter().filter_map(|word| word.to_str());
        let arguments: Vec<&str> = [self.user.as_str(), self.key_name.as_str()]
            .into_iter()
            .chain(words)
            .collect();
        let is_whole = arguments.len() == argv.len() + 2;
        let allowed = hooks.filter(|_| is_whole).is_some_and(|hooks| {
            self.ask_for_access(&hooks, HOOK, &arguments, |call| {
                call.stdout(Stdout::OurStderr)
            })
            .is_ok()
        });
        if !allowed {
            bail!("Access denied"); // Dokku's message
        }
        Ok(())
    }

    /// As core does (`filterApps` in its plugin `common`), takes an answer of exactly one line as
    /// a yes. Without an access plugin every user may see every app.
    fn may_see(&self, hooks: &AccessHooks, name: &str) -> bool {
        match hooks {
            AccessHooks::Absent => true,
            // No message on a failure: it would appear only for an app that exists.
            _ => self
                .access_answer(hooks, &[name])
                .is_ok_and(|seen| seen.len() == 1),
        }
    }

    /// Whether there is no access plugin, so that every user may see every app.
    pub(crate) fn shows_every_app(&self) -> bool {
        matches!(self.app_access_hooks(), AccessHooks::Absent)
    }

    /// Whether the user may see every existing app. `false` if there is an access plugin but no
    /// app, because then nothing can be asked.
    pub(crate) fn sees_every_app(&self) -> bool {
        let hooks = self.app_access_hooks();
        if matches!(hooks, AccessHooks::Absent) {
            return true;
        }
        let names = self.all_apps();
        let count = names.len();
        count > 0 && self.visible_apps(&hooks, names).len() == count
    }

    /// The names that the user may see. A name that occurs twice in the answer is left out, as it
    /// is when the plugins are asked about that app alone.
    fn visible_apps(&self, hooks: &AccessHooks, mut names: Vec<String>) -> Vec<String> {
        if matches!(hooks, AccessHooks::Absent) {
            return names;
        }
        let words: Vec<&str> = names.iter().map(String::as_str).collect();
        let answer = self.access_answer(hooks, &words).unwrap_or_else(|error| {
            message::warn(&format!("No app is shown: {error:#}"));
            Vec::new()
        });
        names.retain(|name| answer.iter().filter(|line| *line == name).count() == 1);
        names
    }

    /// The access plugins' answer about these apps: one line per visible app. Empty if a hook
    /// cannot be used; the warning about it is printed where the hooks are looked up.
    fn access_answer(&self, hooks: &AccessHooks, names: &[&str]) -> Result<Vec<String>> {
        let AccessHooks::Executable(hooks) = hooks else {
            return Ok(Vec::new());
        };
        let mut arguments = vec![self.user.as_str(), self.key_name.as_str()];
        arguments.extend(names);
        let answer = self.ask_for_access(hooks, APP_HOOK, &arguments, |call| {
            call.stdout(Stdout::Capture)
        })?;
        Ok(answer
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// The hooks that decide which apps the user may see. Prints a warning if one of them cannot
    /// be used, once per process.
    fn app_access_hooks(&self) -> AccessHooks {
        static WARNING: Once = Once::new();
        let hooks = self.access_hooks(APP_HOOK);
        if let AccessHooks::Unusable(path) = &hooks {
            WARNING.call_once(|| {
                message::warn(&format!(
                    "No app is shown: '{}' cannot be executed. Repair the access plugin, or disable it",
                    path.display()
                ));
            });
        }
        hooks
    }
}

/// The trigger whose hooks print the apps that a user may see.
const APP_HOOK: &str = "user-auth-app";

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
    use crate::dokku::app::is_valid_name;

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
