//! The typed words of a command that came through SSH.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::argv::ssh;
use crate::dokku::host::Host;
use crate::dokku::properties::GLOBAL;
use crate::settings::properties::{PLUGIN, SSH_WORDS, SSH_WORDS_DOKKU};

/// Returns the words that the user of an SSH client has typed if they differ from those that Dokku
/// has `given` us, unless the property `ssh-words` is `dokku`; otherwise `given`.
///
/// # Errors
/// A quote in the typed command is not closed: Dokku has dropped the rest of the command. Or the
/// access plugins do not allow the typed command.
pub(crate) fn as_typed(given: Vec<OsString>) -> Result<Vec<OsString>> {
    let typed = match ssh::command().map(|command| &command.as_typed) {
        None | Some(Ok(None)) => return Ok(given),
        Some(Ok(Some(typed))) if typed.argv == given => return Ok(given),
        Some(Ok(Some(typed))) => Ok(&typed.argv),
        Some(Err(error)) => Err(*error),
    };
    let host = Host::from_environment(typed.unwrap_or(&given))?;
    let chosen = host.properties(PLUGIN).get(GLOBAL, SSH_WORDS.name);
    if chosen.as_deref() == Some(SSH_WORDS_DOKKU) {
        return Ok(given);
    }
    let typed = typed?;
    host.access().authorize(typed)?;
    Ok(typed.clone())
}
