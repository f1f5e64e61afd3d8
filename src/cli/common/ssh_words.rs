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
/// The access plugins do not allow the typed command.
pub(crate) fn as_typed(given: Vec<OsString>) -> Result<Vec<OsString>> {
    let typed = ssh::command()
        .and_then(|command| command.as_typed.as_ref())
        .filter(|typed| typed.argv != given);
    let Some(typed) = typed else {
        return Ok(given);
    };
    let host = Host::from_environment(&typed.argv)?;
    let chosen = host.properties(PLUGIN).get(GLOBAL, SSH_WORDS.name);
    if chosen.as_deref() == Some(SSH_WORDS_DOKKU) {
        return Ok(given);
    }
    host.access().authorize(&typed.argv)?;
    Ok(typed.argv.clone())
}
