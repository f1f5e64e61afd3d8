//! The program behind the plugin's `commands` files: `dokku help` and `run:help`.
//!
//! Dokku calls it for `help` and for every command that has no subcommand file. If `install` has
//! taken `run` over, Dokku calls it by both names of the plugin, `run` and `oneoff`; each command
//! must be listed once.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::cli::usage::{ALL, Usage};
use crate::ui::exit::ExitStatus;
use crate::ui::output::print;

/// Dokku's exit code for a command that a plugin does not implement (`DOKKU_NOT_IMPLEMENTED_EXIT`).
const NOT_IMPLEMENTED: u8 = 10;

/// The name of core's plugin, which this plugin can take over.
const TAKEN_OVER: &str = "run";

/// Core's sentence: its tests and users' scripts search for it.
const DESCRIPTION: &str = "Run a one-off process inside a container";

/// `arguments` are the name by which the plugin was called, as `commands` and the launcher of the
/// take-over directory pass it, followed by Dokku's arguments.
///
/// # Errors
/// stdout cannot be written.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let mut words = arguments.iter().map(|word| word.to_str());
    let (Some(Some(name)), Some(Some(command))) = (words.next(), words.next()) else {
        return Ok(ExitStatus::of(NOT_IMPLEMENTED));
    };
    if command == "help" {
        if name == TAKEN_OVER || !is_taken_over() {
            print(&lines(name, has_all_flag()))?;
        }
        return Ok(ExitStatus::SUCCESS);
    }
    if command == format!("{name}:help") {
        print(&help_page(name))?;
        return Ok(ExitStatus::SUCCESS);
    }
    Ok(ExitStatus::of(NOT_IMPLEMENTED))
}

/// Whether `plugins/enabled/run` leads to the take-over directory that `install` has put in place
/// of core's plugin. Both paths are resolved, because the data directory can be behind a link (in
/// docker installations).
fn is_taken_over() -> bool {
    let resolved = |directory: &str, name: &str| {
        let path = PathBuf::from(std::env::var_os(directory)?).join(name);
        fs::canonicalize(path).ok()
    };
    let link = resolved("PLUGIN_ENABLED_PATH", TAKEN_OVER);
    link.is_some() && link == resolved("DOKKU_LIB_ROOT", "data/oneoff/run")
}

/// Whether the user has typed `dokku help --all`: Dokku does not pass `--all` on, it is only on the
/// command line of the parent process.
fn has_all_flag() -> bool {
    let parent = format!("/proc/{}/cmdline", std::os::unix::process::parent_id());
    fs::read(parent).is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"--all"))
}

/// The lines for `dokku help`. Dokku aligns the columns itself, at the comma.
fn lines(name: &str, all: bool) -> String {
    if !all {
        return format!("    {name}, {DESCRIPTION}\n");
    }
    ALL.map(|usage| {
        format!(
            "    {name}{} {}, {}\n",
            usage.word, usage.synopsis, usage.summary
        )
    })
    .concat()
}

fn help_page(name: &str) -> String {
    let column = |usage: &Usage| format!("{} {}", usage.word, usage.synopsis);
    let width = ALL.map(|usage| column(usage).len()).into_iter().max();
    let width = width.unwrap_or(0);
    let commands = ALL
        .map(|usage| {
            format!(
                "    {name}{:width$}  {}
",
                column(usage),
                usage.summary
            )
        })
        .concat();
    format!(
        "Usage: dokku {name}[:COMMAND]\n\n{DESCRIPTION}\n\nAdditional commands:\n{commands}\n\
         'dokku {name} --help' lists the options.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_line_has_exactly_one_comma() {
        for line in (lines("run", true) + &lines("run", false)).lines() {
            assert!(line.starts_with("    run"), "{line:?}");
            assert_eq!(line.matches(", ").count(), 1, "{line:?}");
        }
    }
}
