//! What the requesting user may see and do, by the answers of the access plugins.

use std::ffi::OsString;
use std::sync::Once;

use anyhow::{Result, bail};

use crate::dokku::host::Host;
use crate::dokku::trigger_runner::access::AccessHooks;
use crate::sys::process::Stdout;
use crate::ui::message;

/// The trigger whose hooks print the apps that a user may see.
const APP_HOOK: &str = "user-auth-app";

/// The access of the requesting user.
pub(crate) struct Access<'a> {
    pub(super) host: &'a Host,
}

impl Access<'_> {
    /// Asks the access plugins whether the user may use these words as a command, as Dokku does
    /// before it starts a plugin (`dokku_auth`). Dokku has queried them about the words that
    /// result from its own splitting, which can be different ones.
    ///
    /// # Errors
    /// The access plugins deny the command.
    pub(crate) fn authorize(&self, argv: &[OsString]) -> Result<()> {
        const HOOK: &str = "user-auth";
        let hooks = match self.host.triggers().access_hooks(HOOK) {
            AccessHooks::Absent => return Ok(()),
            AccessHooks::Executable(hooks) => Some(hooks),
            AccessHooks::Unusable(path) => {
                message::warn(&format!("'{}' cannot be executed", path.display()));
                None
            }
        };
        let words = argv.iter().filter_map(|word| word.to_str());
        let arguments: Vec<&str> = [self.host.user.as_str(), self.host.key_name.as_str()]
            .into_iter()
            .chain(words)
            .collect();
        let all_valid = arguments.len() == argv.len() + 2;
        let allowed = hooks.filter(|_| all_valid).is_some_and(|hooks| {
            self.host
                .triggers()
                .ask_for_access(&hooks, HOOK, &arguments, |call| {
                    call.stdout(Stdout::OurStderr)
                })
                .is_ok()
        });
        if !allowed {
            bail!("Access denied"); // Dokku's message
        }
        Ok(())
    }

    /// Whether there is no access plugin, so that every user may see every app.
    pub(crate) fn is_unrestricted(&self) -> bool {
        matches!(self.app_hooks(), AccessHooks::Absent)
    }

    /// Whether the user may see every existing app. `false` if there is an access plugin but no
    /// app, because then there is nothing to query.
    pub(crate) fn sees_every_app(&self) -> bool {
        let hooks = self.app_hooks();
        if matches!(hooks, AccessHooks::Absent) {
            return true;
        }
        let names = self.host.apps().all_names();
        let count = names.len();
        count > 0 && self.visible(&hooks, names).len() == count
    }

    /// As core does (`filterApps` in its plugin `common`), an answer of exactly one line means
    /// yes. Without an access plugin every user may see every app.
    pub(super) fn may_see(&self, hooks: &AccessHooks, name: &str) -> bool {
        match hooks {
            AccessHooks::Absent => true,
            // No message on a failure: it would appear only for an app that exists.
            _ => self
                .answer(hooks, &[name])
                .is_ok_and(|lines| lines.len() == 1),
        }
    }

    /// The names that the user may see. A name that occurs twice in the answer is left out, as it
    /// is when the plugins are asked about that app alone.
    pub(super) fn visible(&self, hooks: &AccessHooks, mut names: Vec<String>) -> Vec<String> {
        if matches!(hooks, AccessHooks::Absent) {
            return names;
        }
        let words: Vec<&str> = names.iter().map(String::as_str).collect();
        let answer = self.answer(hooks, &words).unwrap_or_else(|error| {
            message::warn(&format!("No app is shown: {error:#}"));
            Vec::new()
        });
        names.retain(|name| answer.iter().filter(|line| *line == name).count() == 1);
        names
    }

    /// The access plugins' answer about these apps: one line per visible app. Empty if a hook
    /// cannot be used; the warning about it is printed where the hooks are looked up.
    fn answer(&self, hooks: &AccessHooks, names: &[&str]) -> Result<Vec<String>> {
        let AccessHooks::Executable(hooks) = hooks else {
            return Ok(Vec::new());
        };
        let mut arguments = vec![self.host.user.as_str(), self.host.key_name.as_str()];
        arguments.extend(names);
        let answer = self
            .host
            .triggers()
            .ask_for_access(hooks, APP_HOOK, &arguments, |call| {
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
    pub(super) fn app_hooks(&self) -> AccessHooks {
        static WARNING: Once = Once::new();
        let hooks = self.host.triggers().access_hooks(APP_HOOK);
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
