//! What becomes of an app's properties and records with the app.
//!
//! Dokku's order, `apps:destroy`: the tasks are stopped, `post-delete`, and only then
//! the app's directory goes; `apps:clone` and `apps:rename`: `post-create` for the new
//! app, then their own hooks, then the old app is destroyed.
//!
//! A hook that fails ends the command half-way, with two apps or a part of one. So what
//! cannot be removed or copied is a warning.

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

use crate::dokku::host::Host;
use crate::record::Store;
use crate::settings::properties::PLUGIN;
use crate::ui::message;

/// `post-delete <app>`
///
/// # Errors
/// Other arguments.
pub(crate) fn post_delete(arguments: &[OsString]) -> Result<u8> {
    let [app] = names(arguments)?;
    let host = Host::without_flags()?;
    warn_of(host.remove_properties(PLUGIN, app));
    warn_of(remove_records(&host, app));
    Ok(0)
}

/// `post-create <app>`: what another app of that name has left is not this one's.
/// Whoever looked after a task of it may have come after `post-delete`.
///
/// # Errors
/// Other arguments.
pub(crate) fn post_create(arguments: &[OsString]) -> Result<u8> {
    let [app] = names(arguments)?;
    warn_of(remove_records(&Host::without_flags()?, app));
    Ok(0)
}

fn remove_records(host: &Host, app: &str) -> Result<()> {
    let store = Store::for_app(host, app);
    store.remove().with_context(|| {
        let directory = store.directory().display();
        format!("The records of '{app}' cannot be removed, remove '{directory}' as root")
    })
}

/// `post-app-rename-setup <old> <new>`: what is left of the old app goes with it.
///
/// # Errors
/// Other arguments.
pub(crate) fn post_app_rename_setup(arguments: &[OsString]) -> Result<u8> {
    let [old, new] = names(arguments)?;
    let host = Host::without_flags()?;
    let copied = copy_properties(&host, old, new);
    warn_of(copied.and_then(|()| host.remove_properties(PLUGIN, old)));
    let renamed = Store::for_app(&host, old).rename(&Store::for_app(&host, new));
    warn_of(
        renamed.with_context(|| format!("The records of '{old}' cannot become those of '{new}'")),
    );
    Ok(0)
}

/// `post-app-clone-setup <old> <new>`: records are of the tasks that ran.
///
/// # Errors
/// Other arguments.
pub(crate) fn post_app_clone_setup(arguments: &[OsString]) -> Result<u8> {
    let [old, new] = names(arguments)?;
    warn_of(copy_properties(&Host::without_flags()?, old, new));
    Ok(0)
}

fn copy_properties(host: &Host, old: &str, new: &str) -> Result<()> {
    host.copy_properties(PLUGIN, old, new).with_context(|| {
        format!("Not all properties of '{old}' are copied, set them with 'dokku run:set {new}'")
    })
}

fn warn_of(done: Result<()>) {
    if let Err(error) = done {
        message::warn(&format!("{error:#}"));
    }
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
