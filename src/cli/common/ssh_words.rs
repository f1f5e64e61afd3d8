//! The words of a command, as its user typed them.

use std::ffi::OsString;

use anyhow::Result;

use crate::dokku::argv::ssh;
use crate::dokku::host::Host;
use crate::dokku::property::GLOBAL;
use crate::settings::properties::{PLUGIN, SSH_WORDS, SSH_WORDS_DOKKU};

/// The words that Dokku `given` us, or those that an SSH client sent, where Dokku has
/// lost some of them on the way and the property leaves it to us.
///
/// # Errors
/// The access plugins do not allow the command that was typed.
pub(crate) fn as_typed(given: Vec<OsString>) -> Result<Vec<OsString>> {
    let typed = ssh::command()
        .and_then(|command| command.as_typed.as_ref())
        .filter(|typed| typed.argv != given);
    let Some(typed) = typed else {
        return Ok(given);
    };
    let host = Host::from_environment(&typed.argv)?;
    let chosen = host.property(PLUGIN, GLOBAL, SSH_WORDS.name);
    if chosen.as_deref() == Some(SSH_WORDS_DOKKU) {
        return Ok(given);
    }
    host.authorize(&typed.argv)?;
    Ok(typed.argv.clone())
}
