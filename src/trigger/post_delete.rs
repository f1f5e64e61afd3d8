//! Trigger `post-delete <app>`.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::settings::properties::PLUGIN;
use crate::trigger::app_data::{app_names, remove_records, warn_on_error};
use crate::ui::exit::ExitStatus;

/// Removes the app's properties and records.
///
/// # Errors
/// The arguments are not the trigger's.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let [app] = app_names(arguments)?;
    let host = Host::without_flags()?;
    warn_on_error(host.properties(PLUGIN).remove_all(app));
    warn_on_error(remove_records(&host, app));
    Ok(ExitStatus::SUCCESS)
}
