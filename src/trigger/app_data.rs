//! What the hooks about an app's properties and records share.
//!
//! Dokku's order, `apps:destroy`: the tasks are stopped, `post-delete`, and only then
//! the app's directory goes; `apps:clone` and `apps:rename`: `post-create` for the new
//! app, then their own hooks, then the old app is destroyed.
//!
//! A hook that fails ends the command half-way, with two apps or a part of one. So what
//! cannot be removed or copied is a warning.

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
    host.copy_properties(PLUGIN, old, new).with_context(|| {
        format!("Not all properties of '{old}' are copied, set them with 'dokku run:set {new}'")
    })
}

pub(crate) fn warn_on_error(done: Result<()>) {
    if let Err(error) = done {
        message::warn(&format!("{error:#}"));
    }
}

/// The apps that the trigger names. An empty one would be the plugin's whole store.
pub(crate) fn app_names<const COUNT: usize>(arguments: &[OsString]) -> Result<[&str; COUNT]> {
    let words: Vec<&str> = arguments
        .iter()
        .take(COUNT)
        .filter_map(|word| word.to_str())
        .collect();
    let harmless =
        |word: &&str| !word.is_empty() && !word.contains('/') && !word.starts_with(['.', '-']);
    match <[&str; COUNT]>::try_from(words) {
        Ok(names) if names.iter().all(harmless) => Ok(names),
        _ => bail!("this hook takes {COUNT} names of apps"),
    }
}
