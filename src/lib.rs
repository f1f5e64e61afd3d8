//! One-off tasks for Dokku.
//!
//! Each binary in `src/bin` is one subcommand of the plugin, and calls one function of this
//! library. docs/architecture.md describes the rooms (directories) and their order, which
//! tests/rooms.rs checks.

mod agent;
mod cli;
mod docker;
mod dokku;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod logs;
mod record;
mod settings;
mod sys;
mod task;
mod trigger;
mod ui;

use std::process::ExitCode;

/// `dokku run`: returns the task's exit status; docs/commands.md lists the others.
#[must_use]
pub fn run() -> ExitCode {
    cli::entry(cli::run::main)
}

/// The plugin's `commands` file: `dokku help`, `run:help`, `oneoff:help`.
#[must_use]
pub fn help() -> ExitCode {
    ui::exit::entry(cli::help::main)
}

/// `dokku run:detached`: returns 0 once the task is running.
#[must_use]
pub fn detached() -> ExitCode {
    cli::entry(cli::detached::main)
}

/// The agent: processes that work next to a command or outlive it. Only other binaries start it.
#[must_use]
pub fn agent() -> ExitCode {
    ui::exit::entry(agent::main::main)
}

/// `plugn`, for the hooks that the plugin starts.
#[must_use]
pub fn plugn() -> ExitCode {
    ui::exit::entry(cli::plugn::main)
}

/// `dokku run:list`: lists the tasks that exist.
#[must_use]
pub fn list() -> ExitCode {
    cli::entry(cli::list::main)
}

/// `dokku run:stop`: returns 0 if none of the selected tasks runs any more.
#[must_use]
pub fn stop() -> ExitCode {
    cli::entry(cli::stop::main)
}

/// `dokku run:retire`: every scheduler's sweep over its tasks.
#[must_use]
pub fn retire() -> ExitCode {
    cli::entry(cli::retire::main)
}

/// Hook `scheduler-run-retire`.
#[must_use]
pub fn scheduler_run_retire() -> ExitCode {
    trigger::entry(trigger::scheduler_run_retire::main)
}

/// `dokku run:logs`: prints the output of tasks.
#[must_use]
pub fn logs() -> ExitCode {
    cli::entry(cli::logs::main)
}

/// `dokku run:history`: lists the tasks that have ended.
#[must_use]
pub fn history() -> ExitCode {
    cli::entry(cli::history::main)
}

/// `dokku run:wait`: waits for a task's end and returns its exit status.
#[must_use]
pub fn wait() -> ExitCode {
    cli::entry(cli::wait::main)
}

/// `dokku run:attach`: returns the task's exit status, or 0 if the user detaches.
#[must_use]
pub fn attach() -> ExitCode {
    cli::entry(cli::attach::main)
}

/// `dokku run:exec`: returns the exit status of another command in a task's container.
#[must_use]
pub fn exec() -> ExitCode {
    cli::entry(cli::exec::main)
}

/// `dokku run:set`: sets or unsets a property.
#[must_use]
pub fn set() -> ExitCode {
    cli::entry(cli::set::main)
}

/// `dokku run:report`: prints the properties.
#[must_use]
pub fn report() -> ExitCode {
    cli::entry(cli::report::main)
}

/// Hook `report`.
#[must_use]
pub fn report_hook() -> ExitCode {
    trigger::entry(trigger::report::main)
}

/// Hook `post-container-create`.
#[must_use]
pub fn post_container_create() -> ExitCode {
    trigger::entry_beside(trigger::post_container_create::main)
}

/// Hook `scheduler-post-run`.
#[must_use]
pub fn scheduler_post_run() -> ExitCode {
    trigger::entry_beside(trigger::scheduler_post_run::main)
}

/// Hook `post-delete`.
#[must_use]
pub fn post_delete() -> ExitCode {
    trigger::entry_beside(trigger::post_delete::main)
}

/// Hook `post-create`.
#[must_use]
pub fn post_create() -> ExitCode {
    trigger::entry_beside(trigger::post_create::main)
}

/// Hook `post-app-rename-setup`.
#[must_use]
pub fn post_app_rename_setup() -> ExitCode {
    trigger::entry_beside(trigger::post_app_rename_setup::main)
}

/// Hook `post-app-clone-setup`.
#[must_use]
pub fn post_app_clone_setup() -> ExitCode {
    trigger::entry_beside(trigger::post_app_clone_setup::main)
}
