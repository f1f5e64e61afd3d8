//! One file per trigger that the plugin implements, and what some of them share.

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
use crate::ui::{exit, message};

/// Runs a hook on its arguments, as Dokku's user.
pub(crate) fn entry(hook: fn(&[OsString]) -> anyhow::Result<u8>) -> ExitCode {
    exit::status(
        system_user::execute_as_system_user().and_then(|code| match code {
            Some(code) => Ok(code),
            None => hook(&exit::arguments()),
        }),
    )
}

/// The same for a hook whose failure would end what Dokku is about to do: that it cannot run
/// is a warning.
pub(crate) fn entry_beside(hook: fn(&[OsString]) -> anyhow::Result<u8>) -> ExitCode {
    match system_user::execute_as_system_user() {
        Ok(Some(code)) => code.into(),
        Ok(None) => exit::status(hook(&exit::arguments())),
        Err(error) => {
            message::warn(&format!("{error:#}"));
            ExitCode::SUCCESS
        }
    }
}

/// A hook's arguments, as far as they are text.
pub(crate) fn words(arguments: &[OsString]) -> Vec<&str> {
    arguments.iter().filter_map(|word| word.to_str()).collect()
}
