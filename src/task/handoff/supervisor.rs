//! How a task comes to the supervisor, and how that comes to be.
//!
//! A name is written into a FIFO as one line, which the kernel keeps whole. Nobody
//! reads there: a supervisor is started, and told the name.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::dokku::host::Host;
use crate::sys::process;
use crate::sys::process::ProcessBuilder;
use crate::task::journal;
use crate::task::journal::file_lock::{self, FileLock};

/// The argument of the process that starts the supervisor, before a task's name.
pub(crate) const START_SUPERVISOR: &str = "--start-supervisor";

/// The supervisor's one argument, before a task's name.
pub(crate) const SUPERVISE: &str = "--supervise";

/// Tells the supervisor of a task that nobody looks after.
///
/// # Errors
/// There is none, and it could not be started.
pub(crate) fn adopt(host: &Host, name: &str) -> Result<()> {
    if notify_running(host, name) {
        return Ok(());
    }
    // It has no output to say so itself.
    check(host)?;
    spawn(name)
}

/// The same where there is such a task, and somebody was killed.
pub(crate) fn adopt_orphans(host: &Host) {
    let mut names = journal::names(host).into_iter();
    let is_lost = |name: &String| {
        journal::is_unlocked(host, name)
            && journal::story(host, name).is_some_and(|story| story.damage_reason(name).is_none())
    };
    if let Some(name) = names.find(is_lost) {
        // `run:retire` comes back to it.
        let _ = adopt(host, &name);
    }
}

/// Whether a supervisor was there and was told.
pub(crate) fn notify_running(host: &Host, name: &str) -> bool {
    let fifo = open_fifo(OpenOptions::new().write(true), &fifo_path(host));
    match fifo.and_then(|mut fifo| fifo.write_all(format!("{name}\n").as_bytes())) {
        Ok(()) => true,
        // It has more than it can read, and will look for itself.
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Whether a supervisor is there.
pub(crate) fn is_running(host: &Host) -> bool {
    file_lock::is_held(&lock_path(host))
}

/// Removes what a supervisor that was killed has left, when there is no other.
pub(crate) fn remove_stale_fifo(host: &Host) {
    // Who is about to take the lock waits for us, and makes its FIFO after that.
    if let Ok(Some(_lock)) = FileLock::acquire_existing(&lock_path(host)) {
        let _ = std::fs::remove_file(fifo_path(host));
    }
}

/// Whether one can come to be.
///
/// # Errors
/// Its lock cannot be made.
pub(crate) fn check(host: &Host) -> Result<()> {
    FileLock::check(&lock_path(host))
}

pub(crate) fn lock_path(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("supervisor.lock")
}

pub(crate) fn fifo_path(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("supervisor.wake")
}

/// Opens a FIFO that is ours: whatever else is at its path reads no names.
///
/// # Errors
/// There is none, or nobody reads it.
pub(crate) fn open_fifo(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let found = file.metadata()?;
    if found.file_type().is_fifo() && found.uid() == geteuid().as_raw() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a FIFO of ours"))
}

fn spawn(name: &str) -> Result<()> {
    let program = process::agent_path().context("our own program's path cannot be read")?;
    ProcessBuilder::new(&program, [START_SUPERVISOR, name])
        .directory(Path::new("/"))
        .spawn_in_background()
        .with_context(|| {
            format!(
                "'{}' could not be started to look after the task",
                program.display()
            )
        })
}

/// Starts the supervisor itself. Nothing of the command that happens to start it reaches
/// the hooks of other users' tasks: neither its environment nor what else a process
/// inherits, which the supervisor resets itself ([`process::inherited`]). A process between
/// the two does this, since it is no part of every command's program.
///
/// # Errors
/// It could not be started.
pub(crate) fn start_supervisor(host: &Host, name: &str) -> Result<()> {
    let program = process::agent_path().context("our own program's path cannot be read")?;
    ProcessBuilder::new(&program, [SUPERVISE, name])
        .only_env(&host.background_environment())
        .spawn_in_background()
        .context("the supervisor could not be started")
}
