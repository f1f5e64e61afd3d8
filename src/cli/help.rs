//! What the plugin's `commands` files execute: `dokku help` and `run:help`.
//!
//! Dokku asks for `help` and for every word that no subcommand file answers, and
//! does so by both names of the plugin, `run` and `oneoff`, where `install` has
//! taken `run` over. Each command is to be listed once.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::ui::output::print;

/// Dokku's "not mine" (`DOKKU_NOT_IMPLEMENTED_EXIT`).
const NOT_MINE: u8 = 10;

/// The name that Dokku users know, where this plugin has taken it over.
const TAKEN_OVER: &str = "run";

const DESCRIPTION: &str = "Run one-off tasks in new containers of an app";

/// What stands after the plugin's name, and what it does.
const COMMANDS: [(&str, &str); 12] = [
    (
        " [options] <app> [<cmd>...]",
        "Run a command in a new container using the current app image",
    ),
    (":attach --container NAME", "Join a one-off task that runs"),
    (
        ":detached [options] <app> [<cmd>...]",
        "Run a command in a new detached container using the current app image",
    ),
    (
        ":exec [--no-tty|--force-tty] --container NAME <cmd>...",
        "Run another command in the container of a one-off task",
    ),
    (
        ":history [--format json|stdout] [-n N] [--failed] [--since TIME] [--type TYPE] [<app>]",
        "Show the one-off tasks that have ended",
    ),
    (
        ":list [--format json|stdout] [--all] [<app>]",
        "List the one-off tasks of an app or of every app",
    ),
    (
        ":logs [-n N] [-t] [-q] [--since TIME] [--stderr] <app>|--container NAME",
        "Show what one-off tasks have written",
    ),
    (
        ":report [<app>] [<flag>]",
        "Show the properties of one-off tasks",
    ),
    (
        ":retire [<app>]",
        "Stop tasks past their deadline and sweep what was left behind",
    ),
    (
        ":set <app>|--global <property> [<value>]",
        "Set or unset a property of one-off tasks",
    ),
    (
        ":stop [--all] <app>|--container NAME",
        "Stop the tasks of an app or one of them",
    ),
    (
        ":wait [--timeout TIME] --container NAME",
        "Wait for the end of a one-off task and exit as it did",
    ),
];

/// `arguments` are the name and then what Dokku gave: `commands` and the
/// launcher of the take-over directory each say which of the two names they are.
///
/// # Errors
/// stdout cannot be written.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let mut words = arguments.iter().map(|word| word.to_str());
    let (Some(Some(name)), Some(Some(asked))) = (words.next(), words.next()) else {
        return Ok(NOT_MINE);
    };
    if asked == "help" {
        if name == TAKEN_OVER || !is_taken_over() {
            print(&lines(name, is_all_asked_for()))?;
        }
        return Ok(0);
    }
    if asked == format!("{name}:help") {
        print(&help_page(name))?;
        return Ok(0);
    }
    Ok(NOT_MINE)
}

/// Whether `plugins/enabled/run` leads to the directory that `install` puts in
/// place of core's. Data can lie behind a link (in docker installations).
fn is_taken_over() -> bool {
    let real = |directory: &str, name: &str| {
        let path = PathBuf::from(std::env::var_os(directory)?).join(name);
        fs::canonicalize(path).ok()
    };
    let link = real("PLUGIN_ENABLED_PATH", TAKEN_OVER);
    link.is_some() && link == real("DOKKU_LIB_ROOT", "data/oneoff/run")
}

/// `dokku help --all` says so on its command line only.
fn is_all_asked_for() -> bool {
    let parent = format!("/proc/{}/cmdline", std::os::unix::process::parent_id());
    fs::read(parent).is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"--all"))
}

/// Dokku puts the columns in order itself, at the comma.
fn lines(name: &str, all: bool) -> String {
    if !all {
        return format!("    {name}, {DESCRIPTION}\n");
    }
    COMMANDS
        .map(|(usage, does)| format!("    {name}{usage}, {does}\n"))
        .concat()
}

fn help_page(name: &str) -> String {
    let width = COMMANDS
        .iter()
        .map(|(usage, _)| usage.len())
        .max()
        .unwrap_or(0);
    let commands = COMMANDS
        .map(|(usage, does)| format!("    {name}{usage:width$}  {does}\n"))
        .concat();
    format!(
        "Usage: dokku {name}[:COMMAND]\n\n{DESCRIPTION}\n\nCommands:\n{commands}\n\
         'dokku {name} --help' lists the options.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_comma_before_its_description() {
        for line in (lines("run", true) + &lines("run", false)).lines() {
            assert!(line.starts_with("    run"), "{line:?}");
            assert_eq!(line.matches(", ").count(), 1, "{line:?}");
        }
    }
}
