//! `dokku run:retire [<app>]`

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser;

use super::options::{self, Parsed};
use super::print;
use crate::dokku::host::Host;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true, args_override_self = true)]
struct Options {
    #[arg(hide = true)]
    app: Option<String>,
}

/// Fires the trigger that Dokku's own pass fires: ours is among its hooks.
///
/// # Errors
/// Wrong usage, an app that is not there.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let options: Options = match options::parse("run:retire [<app>]", arguments)? {
        Parsed::Options(options) => options,
        Parsed::Help(text) => return print(&text).map(|()| 0),
    };
    let host = Host::from_environment(arguments)?;
    let scheduler;
    let app;
    let words = match options.app.as_ref().or(host.flags.app.as_ref()) {
        Some(name) => {
            app = host.app(name)?;
            scheduler = host.scheduler(&app)?;
            vec![scheduler.as_str(), app.name()]
        }
        None => Vec::new(),
    };
    host.hand_over("scheduler-run-retire", &words, |call| {
        call.start()?.into_output()
    })
}
