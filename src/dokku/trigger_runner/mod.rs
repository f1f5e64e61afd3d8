//! Fires triggers: runs the hook of a trigger in every enabled plugin.
//!
//! `plugn trigger` starts a shell, and itself again for every plugin; this module needs one
//! process per hook. The rules are plugn's (its `trigger` and `config-export`): plugins in byte
//! order of their names, an environment in which a plugin's configuration stays for the hooks
//! after it, and the first failure ends the chain. What cannot be decided with certainty without
//! plugn is delegated to plugn.

pub(crate) mod access;
pub(crate) mod configuration;
pub(crate) mod path;
pub(crate) mod toml;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::{fs, io};

use anyhow::{Context, Error, Result, anyhow};
use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::sys::process;
use crate::sys::process::ProcessBuilder;
use crate::ui::exit::{ExitStatus, Failure};

/// Core's event log implements nearly every hook and does nothing unless `DOKKU_EVENTS` is set;
/// Dokku does not count it as a plugin with that hook.
const EVENT_LOG: &str = "20_events";

/// Fires triggers at the plugins below one directory.
pub(crate) struct TriggerRunner {
    /// `PLUGIN_PATH`: `enabled`, `available` and `config.toml`.
    plugins: PathBuf,
    skips_own_hooks: bool,
}

/// The result of all hooks of a trigger.
pub(crate) enum TriggerOutcome {
    /// All hooks succeeded; their stdout, concatenated.
    Succeeded(Vec<u8>),
    /// The first hook that failed, described for a message, and its exit code.
    Failed { description: String, code: u8 },
}

/// A file of the trigger's name in an enabled plugin.
#[derive(Clone)]
struct Hook {
    plugin: String,
    path: PathBuf,
    executable: bool,
}

/// Variables and their values.
type Exports = Vec<(String, OsString)>;

impl TriggerRunner {
    pub(crate) fn new(plugins: &Path) -> Self {
        Self {
            plugins: plugins.to_owned(),
            skips_own_hooks: false,
        }
    }

    /// Skips hooks that are programs in our own directory.
    pub(crate) fn skip_own_hooks(self) -> Self {
        Self {
            skips_own_hooks: true,
            ..self
        }
    }

    /// Runs the hooks, each by `run`. A file that is not executable is skipped, and `warn` gets
    /// a message about it.
    ///
    /// # Errors
    /// A hook cannot be started (exit code 126 or 127, as in a shell), or was killed at its time
    /// limit.
    pub(crate) fn fire(
        &self,
        trigger: &str,
        arguments: &[&OsStr],
        warn: fn(&str),
        run: impl Fn(ProcessBuilder) -> io::Result<Output>,
    ) -> Result<TriggerOutcome> {
        let mut hooks = self.hooks(trigger);
        if self.skips_own_hooks {
            hooks.retain(|hook| !is_own_hook(&hook.path));
        }
        self.fire_hooks(hooks, trigger, arguments, warn, run)
    }

    fn fire_hooks(
        &self,
        mut hooks: Vec<Hook>,
        trigger: &str,
        arguments: &[&OsStr],
        warn: fn(&str),
        run: impl Fn(ProcessBuilder) -> io::Result<Output>,
    ) -> Result<TriggerOutcome> {
        if std::env::var_os("DOKKU_EVENTS").is_none_or(|value| value.is_empty()) {
            hooks.retain(|hook| hook.plugin != EVENT_LOG || !hook.executable);
        }
        let Some(configurations) = self.configurations(&hooks) else {
            return delegate_to_plugn(trigger, arguments, run);
        };
        let mut stdout = Vec::new();
        for (hook, exports) in hooks.iter().zip(&configurations) {
            let Hook { plugin, path, .. } = hook;
            if !hook.executable {
                warn(&format!(
                    "Trigger '{trigger}' is not executable, skipping plugin ({plugin})"
                ));
                continue;
            }
            let description = || format!("hook '{trigger}' of plugin '{plugin}'");
            let output = run_hook(path, arguments, exports, &run)
                .map_err(|error| not_started(&description(), path, &error))?;
            stdout.extend(output.stdout);
            if !output.status.success() {
                return Ok(TriggerOutcome::Failed {
                    description: description(),
                    code: process::exit_code(output.status),
                });
            }
        }
        Ok(TriggerOutcome::Succeeded(stdout))
    }

    /// Whether a plugin other than the event log and those in `excluded` has a hook for this
    /// trigger.
    pub(crate) fn has_hook_besides(&self, trigger: &str, excluded: &[&str]) -> bool {
        self.hooks(trigger).iter().any(|hook| {
            hook.executable && hook.plugin != EVENT_LOG && !excluded.contains(&hook.plugin.as_str())
        })
    }

    /// The hooks in the order of plugn: by the bytes of the plugins' names.
    fn hooks(&self, trigger: &str) -> Vec<Hook> {
        let enabled = self.plugins.join("enabled");
        let mut plugins: Vec<_> = fs::read_dir(&enabled)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .filter(|name| !name.as_bytes().starts_with(b"."))
            .collect();
        plugins.sort();
        plugins
            .into_iter()
            .filter_map(|plugin| {
                let path = enabled.join(&plugin).join(trigger);
                path.is_file().then(|| Hook {
                    plugin: plugin.to_string_lossy().into_owned(),
                    executable: access(&path, Access::EXEC_OK).is_ok(),
                    path,
                })
            })
            .collect()
    }

    /// The variables that each hook gets in addition to our environment; `None` if only plugn can
    /// determine them.
    fn configurations(&self, hooks: &[Hook]) -> Option<Vec<Exports>> {
        let mut exports = Exports::new();
        hooks
            .iter()
            .map(|hook| {
                if !is_plain_name(&hook.plugin) {
                    return None;
                }
                if hook.executable {
                    let own = configuration::exports(&self.plugins, &hook.plugin, |name| {
                        let previous = exports.iter().rev().find(|(set, _)| set == name);
                        previous.map_or_else(
                            || std::env::var_os(name),
                            |(_, value)| Some(value.clone()),
                        )
                    })?;
                    exports.extend(own);
                }
                Some(exports.clone())
            })
            .collect()
    }
}

fn is_own_hook(hook: &Path) -> bool {
    let directory = |path: &Path| fs::canonicalize(path).ok()?.parent().map(Path::to_owned);
    let own_directory = std::env::current_exe().ok();
    let own_directory = own_directory.and_then(|path| directory(&path));
    own_directory.is_some() && directory(hook) == own_directory
}

/// Whether plugn's shell neither splits nor expands the name.
fn is_plain_name(plugin: &str) -> bool {
    plugin
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn run_hook(
    path: &Path,
    arguments: &[&OsStr],
    exports: &Exports,
    run: impl Fn(ProcessBuilder) -> io::Result<Output>,
) -> io::Result<Output> {
    let call = |program: &Path, words: Vec<&OsStr>| {
        exports.iter().fold(
            with_our_plugn(ProcessBuilder::new(program, words)),
            |call, export| call.env(&export.0, &export.1),
        )
    };
    match run(call(path, arguments.to_vec())) {
        // A script without a `#!` line: bash interprets it, as a shell would.
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            let bash = which::which("bash").map_err(|_| error)?;
            let words = [&[path.as_os_str()], arguments].concat();
            run(call(&bash, words))
        }
        result => result,
    }
}

/// For what cannot be decided with certainty: plugn runs the whole chain.
fn delegate_to_plugn(
    trigger: &str,
    arguments: &[&OsStr],
    run: impl Fn(ProcessBuilder) -> io::Result<Output>,
) -> Result<TriggerOutcome> {
    let plugn = path::plugn().context("'plugn' was not found")?;
    let words = [&[OsStr::new("trigger"), OsStr::new(trigger)], arguments].concat();
    let output = run(with_our_plugn(ProcessBuilder::new(&plugn, words)))
        .map_err(|error| not_started("'plugn'", &plugn, &error))?;
    if output.status.success() {
        return Ok(TriggerOutcome::Succeeded(output.stdout));
    }
    Ok(TriggerOutcome::Failed {
        description: format!("hook '{trigger}'"),
        code: process::exit_code(output.status),
    })
}

/// Hooks call `plugn` themselves: our own one is first in their `PATH`.
fn with_our_plugn(call: ProcessBuilder) -> ProcessBuilder {
    match path::for_hooks() {
        Some(path) => call.env("PATH", path),
        None => call,
    }
}

fn not_started(description: &str, path: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::TimedOut {
        return anyhow!("{description} was killed: {error}");
    }
    // If the script exists, the missing file is the program of its `#!` line. The shell that
    // plugn uses (bash before 5.2) reports that as 126, not executable.
    let code = if error.kind() == io::ErrorKind::NotFound && !path.exists() {
        ExitStatus::NOT_FOUND
    } else {
        ExitStatus::NOT_EXECUTABLE
    };
    Failure::error(code, format!("{description} could not be started: {error}"))
}
