//! What becomes of an app's properties and records with the app.
//!
//! Dokku's order, `apps:destroy`: the tasks are stopped, `post-delete`, and only then
//! the app's directory goes; `apps:clone` and `apps:rename`: `post-create` for the new
//! app, then their own hooks, then the old app is destroyed.

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

use crate::dokku::host::Host;
use crate::record::Store;
use crate::task::settings::PLUGIN;

/// `post-delete <app>`
///
/// # Errors
/// They cannot be removed.
pub(crate) fn post_delete(arguments: &[OsString]) -> Result<u8> {
    let [app] = names(arguments)?;
    let host = Host::without_flags()?;
    host.remove_properties(PLUGIN, app)?;
    remove_records(&host, app)
}

/// `post-create <app>`: what another app of that name has left is not this one's.
/// Whoever looked after a task of it may have come after `post-delete`.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn post_create(arguments: &[OsString]) -> Result<u8> {
    let [app] = names(arguments)?;
    remove_records(&Host::without_flags()?, app)
}

fn remove_records(host: &Host, app: &str) -> Result<u8> {
    Store::of(host, app)
        .remove()
        .with_context(|| format!("the records of '{app}' cannot be removed"))?;
    Ok(0)
}

/// `post-app-rename-setup <old> <new>`
///
/// # Errors
/// They cannot be copied or removed.
pub(crate) fn post_app_rename_setup(arguments: &[OsString]) -> Result<u8> {
    let [old, new] = names(arguments)?;
    let host = Host::without_flags()?;
    host.copy_properties(PLUGIN, old, new)?;
    host.remove_properties(PLUGIN, old)?;
    Store::of(&host, old)
        .rename(&Store::of(&host, new))
        .with_context(|| format!("the records of '{old}' cannot become those of '{new}'"))?;
    Ok(0)
}

/// `post-app-clone-setup <old> <new>`: records are of the tasks that ran.
///
/// # Errors
/// They cannot be copied.
pub(crate) fn post_app_clone_setup(arguments: &[OsString]) -> Result<u8> {
    let [old, new] = names(arguments)?;
    Host::without_flags()?.copy_properties(PLUGIN, old, new)?;
    Ok(0)
}

/// The apps that the trigger names. An empty one would be the plugin's whole store.
fn names<const COUNT: usize>(arguments: &[OsString]) -> Result<[&str; COUNT]> {
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
