//! Trigger `post-create <app>`.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::trigger::app_data::{app_names, remove_records, warn_on_error};
use crate::ui::exit::ExitStatus;

/// Removes records of an earlier app of this name: one of its tasks may have ended after
/// `post-delete`.
///
/// # Errors
/// The arguments are not the trigger's.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let [app] = app_names(arguments)?;
    warn_on_error(remove_records(&Host::without_flags()?, app));
    Ok(ExitStatus::SUCCESS)
}
