//! The hooks of the plugin, one file per trigger, and functions that several of them share.

pub(crate) mod app_data;
pub(crate) mod core_task;
pub(crate) mod post_app_clone_setup;
pub(crate) mod post_app_rename_setup;
pub(crate) mod post_container_create;
pub(crate) mod post_create;
pub(crate) mod post_delete;
pub(crate) mod report;
pub(crate) mod scheduler_post_run;
pub(crate) mod scheduler_run_retire;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::dokku::system_user;
use crate::ui::exit::ExitStatus;
use crate::ui::{exit, message};

/// Runs a hook with its arguments, as Dokku's system user.
pub(crate) fn entry(hook: fn(&[OsString]) -> anyhow::Result<ExitStatus>) -> ExitCode {
    exit::status(
        system_user::execute_as_system_user().and_then(|code| match code {
            Some(code) => Ok(ExitStatus::of(code)),
            None => hook(&exit::arguments()),
        }),
    )
}

/// As [`entry`], for a hook whose failure would end Dokku's command: if the hook cannot be run as
/// that user, this is only a warning.
pub(crate) fn entry_beside(hook: fn(&[OsString]) -> anyhow::Result<ExitStatus>) -> ExitCode {
    match system_user::execute_as_system_user() {
        Ok(Some(code)) => code.into(),
        Ok(None) => exit::status(hook(&exit::arguments())),
        Err(error) => {
            message::warn(&format!("{error:#}"));
            ExitCode::SUCCESS
        }
    }
}

/// A hook's arguments that are valid UTF-8.
pub(crate) fn words(arguments: &[OsString]) -> Vec<&str> {
    arguments.iter().filter_map(|word| word.to_str()).collect()
}
