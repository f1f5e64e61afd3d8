//! Trigger `scheduler-run-retire [<scheduler> <app>]`, which Dokku fires every five minutes.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::docker::Docker;
use crate::dokku::background;
use crate::dokku::host::Host;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::record;
use crate::sys::process;
use crate::sys::process::ProcessBuilder;
use crate::task::control::retire;
use crate::ui::exit::ExitStatus;

/// The first argument of the process that performs the sweep.
const SWEEP: &str = "--pass";

/// Variables of the caller that the sweep needs: the user, for access hooks, and variables that
/// determine the messages and the exit code of the plugin itself.
const CALLER_VARIABLES: [&str; 6] = [
    "DOKKU_FAIL_EXIT_CODE",
    "DOKKU_QUIET_OUTPUT",
    "DOKKU_TRACE",
    "NAME",
    "SSH_NAME",
    "SSH_USER",
];

/// Starts a separate process for the sweep, with the environment of a supervisor, so that hooks for
/// the tasks of other users get none of the caller's variables.
///
/// # Errors
/// docker does not answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words[..] {
        [SWEEP, ref words @ ..] => sweep(words),
        [] | ["" | DOCKER_LOCAL] | [DOCKER_LOCAL, _] => start_sweep(&words),
        _ => Ok(ExitStatus::SUCCESS), // a task of another scheduler
    }
}

fn start_sweep(words: &[&str]) -> Result<ExitStatus> {
    let mut environment = background::environment(&Host::without_flags()?);
    environment.extend(
        CALLER_VARIABLES
            .into_iter()
            .filter_map(|name| Some((name.into(), std::env::var_os(name)?))),
    );
    let start = || {
        let call = ProcessBuilder::new(&std::env::current_exe()?, [&[SWEEP], words].concat());
        call.only_env(&environment).run()
    };
    let output = start().context("our own program could not be started")?;
    Ok(ExitStatus::of(process::exit_code(output.status)))
}

fn sweep(words: &[&str]) -> Result<ExitStatus> {
    process::inherited::reset();
    let host = Host::without_flags()?;
    let app = match words {
        [DOCKER_LOCAL, app] if !app.is_empty() => Some(host.apps().find(app)?),
        _ => None,
    };
    if app.is_none() {
        record::sweep(&host);
    }
    let docker = Docker::for_host(&host)?;
    Ok(ExitStatus::failure_if(!retire::retire(
        &host,
        &docker,
        app.as_ref(),
    )?))
}
