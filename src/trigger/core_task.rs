//! What the hooks of core's own tasks share.

use anyhow::Result;

use crate::ui::message;

/// A task that cannot be recorded runs all the same.
pub(crate) fn warn_on_error(recorded: Result<()>) {
    if let Err(error) = recorded {
        message::warn(&format!("The task will not be recorded: {error:#}"));
    }
}

/// Whether core runs the task detached, as it says itself (its plugin `cron`, subcommand
/// `run`).
pub(crate) fn is_detached() -> bool {
    std::env::var_os("DOKKU_DETACH_CONTAINER").is_some_and(|value| value == "1")
}
