//! Firing a trigger: every enabled plugin's hook of that name, in order.
//!
//! `plugn trigger` does the same, but starts itself and a shell again for every
//! plugin. Going through the hooks directly costs one process a hook.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, Result};

use super::host::Host;
use super::limits::HOOK_TIMEOUT;
use super::message;
use crate::exit::Failure;
use crate::process::{self, Call};

/// Core's event log implements nearly every hook and does nothing unless
/// `DOKKU_EVENTS` is set; Dokku counts it as nobody.
const EVENT_LOG: &str = "20_events";

struct Hook {
    plugin: String,
    path: PathBuf,
}

/// What the hooks of a trigger came to.
enum Fired {
    /// All of them did well; what they printed.
    All(Vec<u8>),
    /// The first one that failed: who, and with which exit code.
    Failed { who: String, code: u8 },
}

impl Host {
    /// What the hooks print, one after the other.
    ///
    /// # Errors
    /// A hook that cannot be started or fails; the hooks after it are not asked.
    pub(crate) fn ask(&self, trigger: &str, arguments: &[&str]) -> Result<String> {
        said(trigger, self.fire(trigger, arguments, Call::stdout)?)
    }

    /// As [`Host::ask`] for a question whose failure means "nothing to say":
    /// what the hooks say on stderr is left out, too.
    pub(crate) fn ask_softly(&self, trigger: &str, arguments: &[&str]) -> String {
        self.fire(trigger, arguments, |call| call.silent().stdout())
            .and_then(|fired| said(trigger, fired))
            .unwrap_or_default()
    }

    /// Tells the hooks of something. What they print goes to our stderr. One that
    /// does not end is killed at its limit.
    ///
    /// # Errors
    /// As [`Host::ask`]; the hook's exit status is ours.
    pub(crate) fn tell(&self, trigger: &str, arguments: &[&str]) -> Result<()> {
        let limit = self.limit(HOOK_TIMEOUT);
        let relay = |call: Call| {
            let call = if self.in_background {
                call.own_group()
            } else {
                call
            };
            call.relay_within(limit)?.ok_or_else(|| {
                let seconds = limit.as_secs();
                let why = format!(
                    "it has not ended within {seconds} seconds ('dokku run:set --global hook-timeout' sets how long it may take)"
                );
                io::Error::new(io::ErrorKind::TimedOut, why)
            })
        };
        said(trigger, self.fire(trigger, arguments, relay)?).map(|_| ())
    }

    /// Lets the hooks do the work: `run` starts each and waits for it. Gives the
    /// exit status of the first that fails, or 0.
    ///
    /// # Errors
    /// A hook cannot be started.
    pub(crate) fn hand_over(
        &self,
        trigger: &str,
        arguments: &[&str],
        run: impl Fn(Call) -> io::Result<Output>,
    ) -> Result<u8> {
        match self.fire(trigger, arguments, run)? {
            Fired::All(_) => Ok(0),
            Fired::Failed { code, .. } => Ok(code),
        }
    }

    /// Whether a plugin other than the event log and these has a hook of this name.
    pub(crate) fn is_answered(&self, trigger: &str, but_by: &[&str]) -> bool {
        let hooks = self.implementing(trigger, |_| {});
        hooks
            .iter()
            .any(|hook| hook.plugin != EVENT_LOG && !but_by.contains(&hook.plugin.as_str()))
    }

    fn fire(
        &self,
        trigger: &str,
        arguments: &[&str],
        run: impl Fn(Call) -> io::Result<Output>,
    ) -> Result<Fired> {
        let mut hooks = self.implementing(trigger, message::plain);
        if std::env::var_os("DOKKU_EVENTS").is_none_or(|value| value.is_empty()) {
            hooks.retain(|hook| hook.plugin != EVENT_LOG);
        }
        if hooks
            .iter()
            .any(|hook| has_configuration(&self.enabled.join(&hook.plugin)))
        {
            return self.fire_through_plugn(trigger, arguments, run);
        }
        let mut said = Vec::new();
        for Hook { plugin, path } in &hooks {
            let output = run(self.call(path, arguments)).map_err(|error| {
                let what = match error.kind() {
                    io::ErrorKind::TimedOut => "was killed",
                    _ => "could not be started",
                };
                anyhow::Error::new(error)
                    .context(format!("hook '{trigger}' of plugin '{plugin}' {what}"))
            })?;
            said.extend(output.stdout);
            if !output.status.success() {
                let who = format!("hook '{trigger}' of plugin '{plugin}'");
                return Ok(Fired::Failed {
                    who,
                    code: process::code(output.status),
                });
            }
        }
        Ok(Fired::All(said))
    }

    /// For the rare plugin whose `plugin.toml` names configuration: plugn knows
    /// where its values stand.
    fn fire_through_plugn(
        &self,
        trigger: &str,
        arguments: &[&str],
        run: impl Fn(Call) -> io::Result<Output>,
    ) -> Result<Fired> {
        let plugn = which::which("plugn").context("'plugn' was not found")?;
        let words: Vec<&str> = ["trigger", trigger]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let output = run(self.call(&plugn, &words)).context("'plugn' could not be started")?;
        if output.status.success() {
            return Ok(Fired::All(output.stdout));
        }
        Ok(Fired::Failed {
            who: format!("hook '{trigger}'"),
            code: process::code(output.status),
        })
    }

    fn call(&self, program: &Path, arguments: &[&str]) -> Call {
        self.told_truly(Call::new(program, arguments))
    }

    /// The hooks in the order in which plugn runs them: plugin names by bytes.
    fn implementing(&self, trigger: &str, complain: fn(&str)) -> Vec<Hook> {
        let mut plugins: Vec<_> = fs::read_dir(&self.enabled)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .filter(|name| !name.as_bytes().starts_with(b"."))
            .collect();
        plugins.sort();
        plugins
            .into_iter()
            .filter_map(|plugin| {
                let path = self.enabled.join(&plugin).join(trigger);
                let file = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
                let plugin = plugin.to_string_lossy().into_owned();
                if file.permissions().mode() & 0o111 == 0 {
                    complain(&format!(
                        "Trigger '{trigger}' is not executable, skipping plugin ({plugin})"
                    ));
                    return None;
                }
                Some(Hook { plugin, path })
            })
            .collect()
    }
}

/// What was printed, as text; a failure becomes an error with its exit code.
fn said(trigger: &str, fired: Fired) -> Result<String> {
    match fired {
        Fired::All(said) => String::from_utf8(said)
            .with_context(|| format!("the answer of hook '{trigger}' is no UTF-8")),
        Fired::Failed { who, code } => Err(Failure::error(
            code,
            format!("{who} failed with exit code {code}"),
        )),
    }
}

/// Whether the plugin's `[plugin.config]` table names a key. In doubt, yes: then
/// plugn decides.
fn has_configuration(plugin: &Path) -> bool {
    fs::read_to_string(plugin.join("plugin.toml")).is_ok_and(|text| names_configuration(&text))
}

fn names_configuration(toml: &str) -> bool {
    let mut in_table = false;
    for line in toml.lines().map(str::trim) {
        match line {
            "" => {}
            _ if line.starts_with('#') => {}
            "[plugin.config]" => in_table = true,
            _ if in_table => return true,
            // Another spelling of the table: `config = { … }`, `[plugin . config]`.
            _ if line.starts_with("config")
                || (line.starts_with('[') && line.contains("config")) =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::names_configuration;

    #[test]
    fn a_key_in_the_table_is_configuration() {
        let none = "[plugin]\ndescription = \"the config of x\"\n[plugin.config]\n\n# none\n";
        assert!(!names_configuration(none));
        assert!(!names_configuration("[plugin]\nversion = \"1\"\n"));
        for some in [
            "[plugin.config]\nkey = \"\"\n",
            "[plugin]\nconfig = { key = \"\" }\n",
            "[plugin . config]\nkey = \"\"\n",
            "[plugin]\nconfig.key = \"\"\n",
        ] {
            assert!(names_configuration(some), "{some}");
        }
    }
}
