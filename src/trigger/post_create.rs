//! Trigger `post-create <app>`.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::trigger::app_data::{app_names, remove_records, warn_on_error};

/// What another app of this name has left is not this one's: a task of it may have ended
/// after `post-delete`.
///
/// # Errors
/// Other arguments.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let [app] = app_names(arguments)?;
    warn_on_error(remove_records(&Host::without_flags()?, app));
    Ok(0)
}
