//! `plugn` for the hooks that we start: `trigger` is handled by our own trigger runner, every other
//! command by the real plugn, the next one in `PATH`.
//!
//! A call that plugn might handle differently is delegated to plugn as well.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dokku::trigger_runner::{TriggerOutcome, TriggerRunner, path};
use crate::sys::process;
use crate::sys::process::{ProcessBuilder, Stdin};
use crate::ui::exit::{ExitStatus, Failure};
use crate::ui::message;

/// Handles one call and returns its exit code. Our streams are inherited.
///
/// # Errors
/// A hook or plugn cannot be started (exit code 126 or 127).
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let (Some(plugins), Some((trigger, rest))) = (plugins(), trigger(arguments)) else {
        return run_plugn(arguments);
    };
    let rest: Vec<&OsStr> = rest.iter().map(OsString::as_os_str).collect();
    let fired = TriggerRunner::new(&plugins).fire(trigger, &rest, message::raw, |call| {
        call.stdin(Stdin::Inherit).run()
    })?;
    Ok(match fired {
        TriggerOutcome::Succeeded(_) => ExitStatus::SUCCESS,
        TriggerOutcome::Failed { code, .. } => ExitStatus::of(code),
    })
}

fn trigger(arguments: &[OsString]) -> Option<(&str, &[OsString])> {
    match arguments {
        [word, trigger, rest @ ..] if word == "trigger" => Some((trigger.to_str()?, rest)),
        _ => None,
    }
}

/// `PLUGIN_PATH`. `None` if plugn would use another path (it reads a file `.plugn`), split the path
/// (its shell does at spaces), or trace its commands.
fn plugins() -> Option<PathBuf> {
    let plugins = PathBuf::from(env::var_os("PLUGIN_PATH")?);
    let is_plain = |c: char| c.is_alphanumeric() || "/_.-+,:@=~%".contains(c);
    let is_traced = env::var_os("TRACE").is_some_and(|value| !value.is_empty());
    (plugins.is_absolute()
        && plugins.to_str()?.chars().all(is_plain)
        && !is_traced
        && !Path::new(".plugn").exists())
    .then_some(plugins)
}

fn run_plugn(arguments: &[OsString]) -> Result<ExitStatus> {
    let plugn = path::plugn().ok_or_else(|| {
        Failure::error(
            ExitStatus::NOT_FOUND,
            "'plugn' was not found behind oneoff's own in PATH",
        )
    })?;
    let output = ProcessBuilder::new(&plugn, arguments)
        .stdin(Stdin::Inherit)
        .run()
        .context("'plugn' could not be started")?;
    Ok(ExitStatus::of(process::exit_code(output.status)))
}
