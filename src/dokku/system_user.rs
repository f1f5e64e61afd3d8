//! The user that Dokku and all of this plugin run as: nothing of ours is written by root.
//!
//! Dokku becomes `DOKKU_SYSTEM_USER` before it does anything else, but for `plugin:*`: with
//! `dokku plugin:trigger`, or `plugn trigger` by hand, root executes our hooks. What they
//! write would be root's, and then nobody else could write a journal or remove an app's
//! records.
//!
//! So such a hook executes itself again as that user, by setpriv (util-linux, which Debian
//! and Ubuntu always have). Our own process cannot become another user without unsafe code,
//! and what the standard library starts as another user is in none of its groups, of which
//! `docker` is one. To give the files away afterwards would have to be thought of wherever
//! something is written, and the supervisor that a hook starts would still be root's.

use std::env;
use std::ffi::OsString;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::geteuid;

use crate::sys::process;
use crate::sys::process::ProcessBuilder;
use crate::ui::exit;

/// Dokku's own names (its `/etc/default/dokku` may set others).
const USER: &str = "DOKKU_SYSTEM_USER";
const GROUP: &str = "DOKKU_SYSTEM_GROUP";
const DEFAULT_USER: &str = "dokku";

/// Who is to run what root has started.
struct Account {
    user: String,
    /// Its number.
    id: String,
    /// By name or number.
    group: String,
}

/// Executes this program again, with its arguments and streams, when root has started it and
/// is not the system user. Gives its exit code then; `None` when it is to go on.
///
/// # Errors
/// There is no such user, or no way to become it.
pub(crate) fn execute_as_system_user() -> Result<Option<u8>> {
    let Some(account) = other_than_root()? else {
        return Ok(None);
    };
    let user = &account.user;
    let why = || format!("root must not run this, and cannot become user '{user}'");
    let setpriv = which::which("setpriv").with_context(why)?;
    let mut words: Vec<OsString> = vec![
        format!("--reuid={}", account.id).into(),
        format!("--regid={}", account.group).into(),
        "--init-groups".into(),
        "--".into(),
        env::current_exe().with_context(why)?.into(),
    ];
    words.extend(exit::arguments());
    // The home directory of Dokku's user, where docker's client looks for its settings.
    let home = env::var_os("DOKKU_ROOT").unwrap_or_else(|| "/".into());
    let output = ProcessBuilder::new(&setpriv, words)
        .env("HOME", home)
        .env("USER", user)
        .env("LOGNAME", user)
        .inherit_stdin()
        .spawn()
        .and_then(duct::Handle::into_output)
        .with_context(why)?;
    Ok(Some(process::exit_code(output.status)))
}

/// For a command, which Dokku never starts as root.
///
/// # Errors
/// Root has started it, and is not the system user.
pub(crate) fn refuse_root() -> Result<()> {
    match other_than_root()? {
        Some(Account { user, .. }) => bail!(
            "this command is for user '{user}', and root has started it: start it as 'dokku run …'"
        ),
        None => Ok(()),
    }
}

/// The system user where we are root and it is not.
fn other_than_root() -> Result<Option<Account>> {
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

/// What coreutils' `id` says: without unsafe code nobody else reads the system's users.
fn id_of(option: &str, user: &str) -> Result<String> {
    let none = || anyhow!("root must not run this, and there is no user '{user}' ({USER})");
    let program = which::which("id").map_err(|_| none())?;
    let output = ProcessBuilder::new(&program, [option, "--", user])
        .stderr_null()
        .run_captured();
    let output = output.map_err(|_| none())?;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !id.is_empty() {
        Ok(id)
    } else {
        Err(none())
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
