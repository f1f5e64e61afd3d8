//! Trigger `post-app-rename-setup <old> <new>`.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::record::Store;
use crate::settings::properties::PLUGIN;
use crate::trigger::app_data::{app_names, copy_properties, warn_on_error};
use crate::ui::exit::ExitStatus;

/// Moves the properties and the records. Anything that cannot be moved is removed with the old app.
///
/// # Errors
/// The arguments are not the trigger's.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let [old, new] = app_names(arguments)?;
    let host = Host::without_flags()?;
    let copied = copy_properties(&host, old, new);
    warn_on_error(copied.and_then(|()| host.properties(PLUGIN).remove_all(old)));
    let renamed = Store::for_app(&host, old).rename(&Store::for_app(&host, new));
    warn_on_error(
        renamed.with_context(|| format!("Cannot move the records of '{old}' to '{new}'")),
    );
    Ok(ExitStatus::SUCCESS)
}
