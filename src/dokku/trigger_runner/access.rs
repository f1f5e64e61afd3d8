//! Hooks that decide on access: a hook that exists but cannot answer denies everything.
//!
//! Core searches for any directory entry of the hook's name (a glob), and plugn skips files that
//! are not executable. So with core, too, a hook `user-auth-app` without executable mode has
//! the effect that users may access no app.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Result, bail};
use rustix::fs::{Access, access};

use crate::dokku::trigger_runner::{EVENT_LOG, Hook, TriggerOutcome, TriggerRunner};
use crate::sys::process::ProcessBuilder;

/// The hooks of a trigger that decides on access.
pub(crate) enum AccessHooks {
    /// No plugin but the event log has such a hook: everything is allowed.
    Absent,
    /// All of the hooks can be executed.
    Executable(ExecutableHooks),
    /// This hook, or the directory that may contain one, cannot be used: nothing is allowed.
    Unusable(PathBuf),
}

/// Hooks that have been found. If one is removed before it runs, that is a failure.
pub(crate) struct ExecutableHooks(Vec<Hook>);

impl TriggerRunner {
    /// The hooks of this trigger, or why there are none to run.
    pub(crate) fn access_hooks(&self, trigger: &str) -> AccessHooks {
        match self.find_access_hooks(trigger) {
            Ok(hooks) if hooks.iter().all(|hook| hook.plugin == EVENT_LOG) => AccessHooks::Absent,
            Ok(hooks) => AccessHooks::Executable(ExecutableHooks(hooks)),
            Err(path) => AccessHooks::Unusable(path),
        }
    }

    /// The hooks in the order of plugn. The error is the path that cannot be used.
    fn find_access_hooks(&self, trigger: &str) -> Result<Vec<Hook>, PathBuf> {
        let enabled = self.plugins.join("enabled");
        let mut plugins = fs::read_dir(&enabled)
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.file_name()))
                    .collect::<io::Result<Vec<_>>>()
            })
            .map_err(|_| enabled.clone())?;
        plugins.sort();
        let mut hooks = Vec::new();
        for plugin in plugins {
            let path = enabled.join(&plugin).join(trigger);
            let is_event_log = plugin.as_bytes() == EVENT_LOG.as_bytes();
            let executable = match path.symlink_metadata() {
                Err(error) if is_not_found(&error) => continue,
                // It is unknown whether there is a hook.
                Err(_) => false,
                // plugn skips plugins whose name begins with a dot, core counts them.
                Ok(_) => !plugin.as_bytes().starts_with(b".") && can_answer(&path),
            };
            if executable {
                let plugin = plugin.to_string_lossy().into_owned();
                hooks.push(Hook {
                    plugin,
                    path,
                    executable,
                });
            } else if !is_event_log {
                return Err(path);
            }
        }
        Ok(hooks)
    }

    /// Runs these hooks as [`TriggerRunner::fire`] does, and returns what they print.
    ///
    /// # Errors
    /// As [`TriggerRunner::fire`]; a hook that fails is an error, too.
    pub(crate) fn ask_for_access(
        &self,
        hooks: &ExecutableHooks,
        trigger: &str,
        arguments: &[&OsStr],
        run: impl Fn(ProcessBuilder) -> io::Result<Output>,
    ) -> Result<Vec<u8>> {
        match self.fire_hooks(hooks.0.clone(), trigger, arguments, |_| {}, run)? {
            TriggerOutcome::Succeeded(stdout) => Ok(stdout),
            TriggerOutcome::Failed { description, code } => {
                bail!("{description} failed with exit code {code}")
            }
        }
    }
}

fn is_not_found(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether the path is a regular file that the kernel lets us execute (`access` takes `noexec`
/// mounts into account). An empty file does not count, since it may be about to be written: a
/// shell would find no command in it and report success.
fn can_answer(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
        && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests;
