//! Trigger `post-app-clone-setup <old> <new>`.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::trigger::app_data::{app_names, copy_properties, warn_on_error};
use crate::ui::exit::ExitStatus;

/// Copies the properties, but not the records: they describe tasks of the old app.
///
/// # Errors
/// The arguments are not the trigger's.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let [old, new] = app_names(arguments)?;
    warn_on_error(copy_properties(&Host::without_flags()?, old, new));
    Ok(ExitStatus::SUCCESS)
}
