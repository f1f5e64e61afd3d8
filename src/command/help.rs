//! The plugin's `commands` file: `dokku help` and `run:help`.
//!
//! Dokku executes it for `help` and for every word that no subcommand file
//! answers. The plugin can be reached by two names, `run` and `oneoff`, and each
//! command is to be listed once.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::print;

/// Dokku's "not mine" (`DOKKU_NOT_IMPLEMENTED_EXIT`).
const NOT_MINE: u8 = 10;

/// The name that Dokku users know, where this plugin has taken it over.
const TAKEN_OVER: &str = "run";

const DESCRIPTION: &str = "Run one-off tasks in new containers of an app";

/// What stands after the plugin's name, and what it does.
const COMMANDS: [(&str, &str); 8] = [
    (
        " [options] <app> [<cmd>...]",
        "Run a command in a new container using the current app image",
    ),
    (
        ":detached [options] <app> [<cmd>...]",
        "Run a command in a new detached container using the current app image",
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
];

/// # Errors
/// stdout cannot be written.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let program = std::env::args_os()
        .next()
        .map(PathBuf::from)
        .unwrap_or_default();
    let name = plugin_name(&program);
    let asked = arguments
        .first()
        .and_then(|word| word.to_str())
        .unwrap_or_default();
    if asked == "help" {
        if !is_listed_elsewhere(&program, name) {
            print(&lines(name, is_all_asked_for()))?;
        }
        return Ok(0);
    }
    if asked == format!("{name}:help") {
        print(&page(name))?;
        return Ok(0);
    }
    Ok(NOT_MINE)
}

/// The directory below `plugins/enabled` that we were reached by.
fn plugin_name(program: &Path) -> &str {
    program
        .parent()
        .and_then(Path::file_name)
        .and_then(OsStr::to_str)
        .unwrap_or("oneoff")
}

/// Whether the same file answers as `run`, too.
fn is_listed_elsewhere(program: &Path, name: &str) -> bool {
    let resolved = |path: &Path| fs::canonicalize(path).ok();
    let (Some(plugin), Some(file)) = (program.parent(), program.file_name()) else {
        return false;
    };
    let other = plugin.with_file_name(TAKEN_OVER).join(file);
    name != TAKEN_OVER && resolved(&other).is_some_and(|other| Some(other) == resolved(program))
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

fn page(name: &str) -> String {
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
    fn the_name_is_the_directory_that_dokku_went_through() {
        assert_eq!(
            plugin_name(Path::new("/var/lib/dokku/plugins/enabled/run/commands")),
            "run"
        );
        assert_eq!(plugin_name(Path::new("commands")), "oneoff");
    }

    #[test]
    fn a_line_has_one_comma_before_its_description() {
        for line in (lines("run", true) + &lines("run", false)).lines() {
            assert!(line.starts_with("    run"), "{line:?}");
            assert_eq!(line.matches(", ").count(), 1, "{line:?}");
        }
    }
}
