//! Functions that the hooks for core's own tasks share.

use anyhow::Result;

use crate::ui::message;

/// Warns that a task cannot be recorded. The task runs nevertheless.
pub(crate) fn warn_on_error(result: Result<()>) {
    if let Err(error) = result {
        message::warn(&format!("The task will not be recorded: {error:#}"));
    }
}

/// Whether core runs the task detached, according to the variable that core sets for its hooks
/// (core's plugin `cron`, subcommand `run`).
pub(crate) fn is_detached() -> bool {
    std::env::var_os("DOKKU_DETACH_CONTAINER").is_some_and(|value| value == "1")
}
