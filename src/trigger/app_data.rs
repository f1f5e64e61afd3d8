//! Functions that the hooks for an app's properties and records share.
//!
//! Dokku's order: `apps:destroy` stops the tasks, fires `post-delete`, and only then removes the
//! app's directory. `apps:clone` and `apps:rename` fire `post-create` for the new app, then their
//! own triggers; `apps:rename` then destroys the old app.
//!
//! A hook that fails would end the command before its last step, with two apps or with parts of
//! one. Therefore a failure to remove or copy something is only a warning.

use anyhow::{Context, Result, bail};

use std::ffi::OsString;

use crate::dokku::host::Host;
use crate::record::Store;
use crate::settings::properties::PLUGIN;
use crate::ui::message;

pub(crate) fn remove_records(host: &Host, app: &str) -> Result<()> {
    let store = Store::for_app(host, app);
    store.remove().with_context(|| {
        let directory = store.directory().display();
        format!("The records of '{app}' cannot be removed, remove '{directory}' as root")
    })
}

pub(crate) fn copy_properties(host: &Host, old: &str, new: &str) -> Result<()> {
    host.properties(PLUGIN).copy_all(old, new).with_context(|| {
        format!("Not all properties of '{old}' are copied, set them with 'dokku run:set {new}'")
    })
}

pub(crate) fn warn_on_error(result: Result<()>) {
    if let Err(error) = result {
        message::warn(&format!("{error:#}"));
    }
}

/// The names of apps in the trigger's arguments. An empty name is refused: its directory would be
/// that of all apps.
pub(crate) fn app_names<const COUNT: usize>(arguments: &[OsString]) -> Result<[&str; COUNT]> {
    let words: Vec<&str> = arguments
        .iter()
        .take(COUNT)
        .filter_map(|word| word.to_str())
        .collect();
    let is_plain =
        |word: &&str| !word.is_empty() && !word.contains('/') && !word.starts_with(['.', '-']);
    match <[&str; COUNT]>::try_from(words) {
        Ok(names) if names.iter().all(is_plain) => Ok(names),
        _ => bail!("this hook takes {COUNT} names of apps"),
    }
}
