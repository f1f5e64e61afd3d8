//! One-off tasks for Dokku.
//!
//! Each binary in `src/bin` is one subcommand of the plugin; this library is
//! what they are made of. Data flows one way: `command` → `task` → `docker`,
//! asking `dokku` on the way.

mod command;
mod docker;
mod dokku;
mod exit;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod grammar;
mod hook;
mod parallel;
mod process;
mod record;
mod regular_file;
mod task;
mod timestamp;

use std::process::ExitCode;

/// `dokku run`: the task's own exit status, see [`exit`] for the others.
#[must_use]
pub fn run() -> ExitCode {
    command::entry(command::run::main)
}

/// The plugin's `commands` file: `dokku help`, `run:help`, `oneoff:help`.
#[must_use]
pub fn help() -> ExitCode {
    exit::entry(command::help::main)
}

/// `dokku run:detached`: 0 once the task runs.
#[must_use]
pub fn detached() -> ExitCode {
    command::entry(command::detached::main)
}

/// What outlives a command; started by the other binaries only.
#[must_use]
pub fn keep() -> ExitCode {
    exit::entry(command::keep::main)
}

/// `plugn`, for the hooks that we start.
#[must_use]
pub fn plugn() -> ExitCode {
    exit::entry(command::plugn::main)
}

/// `dokku run:list`: the tasks that there are.
#[must_use]
pub fn list() -> ExitCode {
    command::entry(command::list::main)
}

/// `dokku run:stop`: 0 when nothing that is asked for runs any more.
#[must_use]
pub fn stop() -> ExitCode {
    command::entry(command::stop::main)
}

/// `dokku run:retire`: every scheduler's pass over its tasks.
#[must_use]
pub fn retire() -> ExitCode {
    command::entry(command::retire::main)
}

/// Hook `scheduler-run-retire`.
#[must_use]
pub fn scheduler_run_retire() -> ExitCode {
    hook::entry(hook::scheduler_run_retire::main)
}

/// `dokku run:logs`: what tasks have written.
#[must_use]
pub fn logs() -> ExitCode {
    command::entry(command::logs::main)
}

/// `dokku run:history`: the tasks that there were.
#[must_use]
pub fn history() -> ExitCode {
    command::entry(command::history::main)
}

/// `dokku run:wait`: the task's own exit status, when it has ended.
#[must_use]
pub fn wait() -> ExitCode {
    command::entry(command::wait::main)
}

/// `dokku run:attach`: the task's own exit status, or 0 when it was left.
#[must_use]
pub fn attach() -> ExitCode {
    command::entry(command::attach::main)
}

/// `dokku run:exec`: the exit status of another command in a task's container.
#[must_use]
pub fn exec() -> ExitCode {
    command::entry(command::exec::main)
}

/// `dokku run:set`: a property.
#[must_use]
pub fn set() -> ExitCode {
    command::entry(command::set::main)
}

/// `dokku run:report`: the properties.
#[must_use]
pub fn report() -> ExitCode {
    command::entry(command::report::main)
}

/// Hook `report`.
#[must_use]
pub fn report_hook() -> ExitCode {
    hook::entry(command::report::hook)
}

/// Hook `post-container-create`.
#[must_use]
pub fn post_container_create() -> ExitCode {
    hook::entry_beside(hook::cron::post_container_create)
}

/// Hook `scheduler-post-run`.
#[must_use]
pub fn scheduler_post_run() -> ExitCode {
    hook::entry_beside(hook::cron::scheduler_post_run)
}

/// Hook `post-delete`.
#[must_use]
pub fn post_delete() -> ExitCode {
    hook::entry_beside(hook::properties::post_delete)
}

/// Hook `post-create`.
#[must_use]
pub fn post_create() -> ExitCode {
    hook::entry_beside(hook::properties::post_create)
}

/// Hook `post-app-rename-setup`.
#[must_use]
pub fn post_app_rename_setup() -> ExitCode {
    hook::entry_beside(hook::properties::post_app_rename_setup)
}

/// Hook `post-app-clone-setup`.
#[must_use]
pub fn post_app_clone_setup() -> ExitCode {
    hook::entry_beside(hook::properties::post_app_clone_setup)
}
