//! Whether an app exists, and whether the one who asks may see it.

use anyhow::Result;

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
        if is_valid_name(name) && self.root.join(name).is_dir() && self.may_see(name) {
            return Ok(App(name.to_owned()));
        }
        Err(Failure::error(
            NO_SUCH_APP,
            format!("App {name} does not exist"),
        ))
    }

    /// The access plugins' answer: for one app exactly one line, in all, means
    /// yes (`filterApps` in core's plugin `common`). Without one everybody may.
    fn may_see(&self, name: &str) -> bool {
        const HOOK: &str = "user-auth-app";
        if !self.is_answered(HOOK, &[]) {
            return true;
        }
        self.ask(HOOK, &[&self.user, &self.key_name, name])
            .is_ok_and(|answer| {
                answer
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .count()
                    == 1
            })
    }
}

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
