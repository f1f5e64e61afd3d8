//! The user that Dokku and the whole plugin run as. The plugin writes no file as root.
//!
//! Dokku switches to `DOKKU_SYSTEM_USER` before it does anything else, except for `plugin:*`:
//! with `dokku plugin:trigger`, or `plugn trigger` by hand, root executes our hooks. Files that
//! such a hook wrote would belong to root, and no other user could write a journal or remove an
//! app's records.
//!
//! So a hook that root has started executes itself again as the system user, with setpriv
//! (util-linux, always present on Debian and Ubuntu). A process cannot switch its user without
//! unsafe code, and the standard library starts a process of another user without that user's
//! supplementary groups, of which `docker` is one. Changing the owner of files afterwards would
//! have to be done at every place that writes, and a supervisor that a hook starts would still
//! run as root.

use std::env;
use std::ffi::OsString;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::geteuid;

use crate::sys::process;
use crate::sys::process::{ProcessBuilder, Stderr, Stdin, Stdout};
use crate::ui::exit;

/// Dokku's variables for its user and group, which `/etc/default/dokku` may set.
const USER: &str = "DOKKU_SYSTEM_USER";
const GROUP: &str = "DOKKU_SYSTEM_GROUP";
const DEFAULT_USER: &str = "dokku";

/// The user and group to switch to.
struct Account {
    user: String,
    /// The user id, a number.
    id: String,
    /// A name or a number.
    group: String,
}

/// If root has started this process and is not the system user, executes the program again as
/// the system user, with the same arguments and streams. Returns the exit code of that process;
/// `None` if the current process is to continue.
///
/// # Errors
/// The user does not exist, or the switch fails.
pub(crate) fn execute_as_system_user() -> Result<Option<u8>> {
    let Some(account) = account_to_switch_to()? else {
        return Ok(None);
    };
    let user = &account.user;
    let context = || format!("root must not run this, and cannot become user '{user}'");
    let setpriv = which::which("setpriv").with_context(context)?;
    let mut words: Vec<OsString> = vec![
        format!("--reuid={}", account.id).into(),
        format!("--regid={}", account.group).into(),
        "--init-groups".into(),
        "--".into(),
        env::current_exe().with_context(context)?.into(),
    ];
    words.extend(exit::arguments());
    // The home directory of Dokku's user, where docker's client looks for its settings.
    let home = env::var_os("DOKKU_ROOT").unwrap_or_else(|| "/".into());
    let output = ProcessBuilder::new(&setpriv, words)
        .env("HOME", home)
        .env("USER", user)
        .env("LOGNAME", user)
        .stdin(Stdin::Inherit)
        .run()
        .with_context(context)?;
    Ok(Some(process::exit_code(output.status)))
}

/// For commands, which Dokku never starts as root.
///
/// # Errors
/// Root has started the command and is not the system user.
pub(crate) fn refuse_root() -> Result<()> {
    match account_to_switch_to()? {
        Some(Account { user, .. }) => bail!(
            "this command is for user '{user}', and root has started it: start it as 'dokku run …'"
        ),
        None => Ok(()),
    }
}

/// The system user if this process runs as root and the system user is not root.
fn account_to_switch_to() -> Result<Option<Account>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = variable(USER).unwrap_or_else(|| DEFAULT_USER.to_owned());
    if user == "root" {
        return Ok(None);
    }
    let id = id_of("--user", &user)?;
    if id == "0" {
        return Ok(None);
    }
    let group = match variable(GROUP) {
        Some(group) => group,
        None => id_of("--group", &user)?,
    };
    Ok(Some(Account { user, id, group }))
}

/// The answer of coreutils' `id`: the user database cannot be read without unsafe code.
fn id_of(option: &str, user: &str) -> Result<String> {
    let error = || anyhow!("root must not run this, and there is no user '{user}' ({USER})");
    let program = which::which("id").map_err(|_| error())?;
    let output = ProcessBuilder::new(&program, [option, "--", user])
        .stdout(Stdout::Capture)
        .stderr(Stderr::Null)
        .run();
    let output = output.map_err(|_| error())?;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !id.is_empty() {
        Ok(id)
    } else {
        Err(error())
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
