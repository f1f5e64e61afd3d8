//! `dokku run:set <app>|--global <property> [<value>]`

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Parser;

use crate::cli::common::args;
use crate::cli::usage;
use crate::dokku::host::Host;
use crate::dokku::properties::GLOBAL;
use crate::settings::properties::{PLUGIN, Property};
use crate::ui::exit::ExitStatus;
use crate::ui::message::on_stdout;
use crate::ui::output::print;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// Set the property for every app
    #[arg(long)]
    global: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Sets a property, or unsets it if no value is given.
///
/// # Errors
/// Wrong usage, the app does not exist, the value is not valid for the property, or a user who does
/// not have access to every app has given `--global`.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::SET, arguments, set)
}

fn set(host: &Host, options: &Options) -> Result<ExitStatus> {
    let mut words = options.words.iter().cloned();
    let owner = if options.global {
        // A global property affects the tasks of every app: a user with access to one app must not
        // change it for others.
        if !host.access().sees_every_app() {
            bail!(
                "'run:set --global' is for users to whom the access plugin shows every app, and there must be one: 'dokku run:set <app> <property>' sets one app's"
            );
        }
        GLOBAL.to_owned()
    } else {
        let name = host
            .flags
            .app
            .clone()
            .or_else(|| words.next())
            .unwrap_or_default();
        host.apps().find(&name)?.name().to_owned()
    };
    let Some(name) = words.next() else {
        bail!("No property specified\nUsage: {}", usage::SET.line())
    };
    let key = Property::named(&name)?;
    if key.global && !options.global {
        bail!("property '{name}' is global; use 'dokku run:set --global {name}'");
    }
    let value = words.next().unwrap_or_default();
    if let Some(word) = words.next() {
        bail!("unexpected argument '{word}'\nUsage: {}", usage::SET.line());
    }
    let text = if value.is_empty() {
        host.properties(PLUGIN).unset(&owner, key.name)?;
        format!("-----> Unsetting {}\n", key.name)
    } else {
        key.check(&value)?;
        host.properties(PLUGIN).set(&owner, key.name, &value)?;
        format!("-----> Setting {} to {}\n", key.name, on_stdout(&value))
    };
    if !host.quiet {
        print(&text)?;
    }
    Ok(ExitStatus::SUCCESS)
}
