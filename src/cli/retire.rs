//! `dokku run:retire [<app>]`

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser;

use crate::cli::common::args;
use crate::cli::usage;
use crate::dokku::host::Host;
use crate::sys::process::ProcessBuilder;
use crate::ui::exit::ExitStatus;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    #[arg(hide = true)]
    app: Option<String>,
}

/// Fires the trigger that Dokku fires for its own sweep; one of its hooks is the plugin's.
///
/// # Errors
/// Wrong usage, or the app does not exist.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::RETIRE, arguments, retire)
}

fn retire(host: &Host, options: &Options) -> Result<ExitStatus> {
    let apps = match options.app.as_ref().or(host.flags.app.as_ref()) {
        Some(name) => vec![host.apps().find(name)?],
        None if host.access().is_unrestricted() => return fire(host, &[]),
        // Messages about tasks of apps that the user has no access to must not be shown.
        None => host.apps().visible(),
    };
    let mut status = ExitStatus::SUCCESS;
    for app in &apps {
        let retired = fire(host, &[&host.settings_of(app).scheduler()?, app.name()])?;
        status = status.or(retired);
    }
    Ok(status)
}

fn fire(host: &Host, words: &[&str]) -> Result<ExitStatus> {
    host.triggers()
        .delegate("scheduler-run-retire", words, ProcessBuilder::run)
}
