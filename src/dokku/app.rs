//! Whether an app exists, and whether the one who asks may see it.

use std::ffi::OsString;
use std::fs;

use anyhow::{Result, bail};

use super::host::Host;
use crate::exit::{Failure, NO_SUCH_APP};

/// The name of an app that exists and that the user may see.
#[derive(Debug, Clone)]
pub(crate) struct App(String);

impl App {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl Host {
    /// Core's `verify_app_name`, with core's message and exit code. A name that
    /// is none, an app that is not there and one that another user owns are told
    /// apart by nothing.
    pub(crate) fn app(&self, name: &str) -> Result<App> {
        if self.has_app(name) && self.may_see(name) {
            return Ok(App(name.to_owned()));
        }
        Err(Failure::error(
            NO_SUCH_APP,
            format!("App {name} does not exist"),
        ))
    }

    /// Whether the app is there, whoever may see it.
    pub(crate) fn has_app(&self, name: &str) -> bool {
        is_valid_name(name) && self.root.join(name).is_dir()
    }

    /// Every app that the user may see, by name.
    pub(crate) fn apps(&self) -> Vec<App> {
        let mut names: Vec<String> = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| self.has_app(name))
            .collect();
        names.sort();
        if !self.shows_every_app() {
            let seen = self.seen_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
            names.retain(|name| seen.iter().any(|seen| seen == name));
        }
        names.into_iter().map(App).collect()
    }

    /// Asks the access plugins whether the user may say these words, as Dokku does
    /// before it starts a plugin (`dokku_auth`): it has asked about other ones.
    ///
    /// # Errors
    /// They do not allow it.
    pub(crate) fn authorize(&self, argv: &[OsString]) -> Result<()> {
        const HOOK: &str = "user-auth";
        if !self.is_answered(HOOK, &[]) {
            return Ok(());
        }
        let words = argv.iter().filter_map(|word| word.to_str());
        let arguments: Vec<&str> = [self.user.as_str(), self.key_name.as_str()]
            .into_iter()
            .chain(words)
            .collect();
        if arguments.len() != argv.len() + 2 || self.tell(HOOK, &arguments).is_err() {
            bail!("Access denied"); // Dokku's sentence
        }
        Ok(())
    }

    /// For one app exactly one line, in all, means yes (`filterApps` in core's
    /// plugin `common`). Without an access plugin everybody may.
    fn may_see(&self, name: &str) -> bool {
        self.shows_every_app() || self.seen_of(&[name]).len() == 1
    }

    /// Whether there is no access plugin: every user sees every app then.
    pub(crate) fn shows_every_app(&self) -> bool {
        !self.is_answered(ACCESS_HOOK, &[])
    }

    /// The access plugins' answer about these apps: a line each that may be seen.
    fn seen_of(&self, names: &[&str]) -> Vec<String> {
        let mut arguments = vec![self.user.as_str(), self.key_name.as_str()];
        arguments.extend(names);
        let answer = self.ask(ACCESS_HOOK, &arguments).unwrap_or_default();
        answer
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// Says which apps a user may see. Not asked where only the event log has it.
const ACCESS_HOOK: &str = "user-auth-app";

/// `^[a-z0-9][a-z0-9._-]*$`
fn is_valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.first().is_some_and(alphanumeric)
        && bytes
            .iter()
            .all(|byte| alphanumeric(byte) || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::is_valid_name;

    #[test]
    fn names_of_apps() {
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
