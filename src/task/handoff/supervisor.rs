//! Handing a task to the supervisor, and starting the supervisor.
//!
//! The container's name is written into the control FIFO as one line; the kernel does not split a
//! write of that length. If no process reads the FIFO, a supervisor is started with the name as an
//! argument.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::dokku::background;
use crate::dokku::host::Host;
use crate::sys::process;
use crate::sys::process::ProcessBuilder;
use crate::task::journal;
use crate::task::journal::file_lock::{self, FileLock};

/// The argument of the process that starts the supervisor. The container's name follows.
pub(crate) const START_SUPERVISOR: &str = "--start-supervisor";

/// The argument of the supervisor. The container's name follows.
pub(crate) const SUPERVISE: &str = "--supervise";

/// Notifies the supervisor of a task that no process supervises, and starts a supervisor if none is
/// running.
///
/// # Errors
/// The supervisor could not be started.
pub(crate) fn adopt(host: &Host, name: &str) -> Result<()> {
    if notify_running(host, name) {
        return Ok(());
    }
    // The supervisor has no output on which it could report the error.
    check(host)?;
    spawn(name)
}

/// Notifies the supervisor of an orphaned task if there is one: the process that supervised the
/// task was killed. One name is enough: the supervisor finds further orphaned tasks itself.
pub(crate) fn adopt_orphans(host: &Host) {
    let mut names = journal::names(host).into_iter();
    let is_orphaned = |name: &String| {
        journal::is_unlocked(host, name)
            && journal::state(host, name).is_some_and(|state| state.damage_reason().is_none())
    };
    if let Some(name) = names.find(is_orphaned) {
        // On failure the next sweep notifies it.
        let _ = adopt(host, &name);
    }
}

/// Notifies a running supervisor. Returns whether there is one.
pub(crate) fn notify_running(host: &Host, name: &str) -> bool {
    let fifo = open_fifo(OpenOptions::new().write(true), &fifo_path(host));
    match fifo.and_then(|mut fifo| fifo.write_all(format!("{name}\n").as_bytes())) {
        Ok(()) => true,
        // The FIFO is full: the supervisor has names to read, and searches for further tasks
        // itself.
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Whether a supervisor is running.
pub(crate) fn is_running(host: &Host) -> bool {
    file_lock::is_held(&lock_path(host))
}

/// Removes the FIFO of a killed supervisor, unless another supervisor is running.
pub(crate) fn remove_stale_fifo(host: &Host) {
    // A supervisor that is starting retries the lock until we release it, and creates its FIFO
    // after that.
    if let Ok(Some(_lock)) = FileLock::acquire_existing(&lock_path(host)) {
        let _ = std::fs::remove_file(fifo_path(host));
    }
}

/// Checks that a supervisor can be started.
///
/// # Errors
/// The file of the supervisor's lock cannot be created.
pub(crate) fn check(host: &Host) -> Result<()> {
    FileLock::check(&lock_path(host))
}

pub(crate) fn lock_path(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("supervisor.lock")
}

pub(crate) fn fifo_path(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("supervisor.wake")
}

/// Opens the control FIFO. Names are never written to another kind of file, or to a FIFO of another
/// user, at its path.
///
/// # Errors
/// The FIFO does not exist, or is opened for writing and no process reads it.
pub(crate) fn open_fifo(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if metadata.file_type().is_fifo() && metadata.uid() == geteuid().as_raw() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a FIFO of ours"))
}

fn spawn(name: &str) -> Result<()> {
    let program = process::agent_path().context("our own program's path cannot be read")?;
    ProcessBuilder::new(&program, [START_SUPERVISOR, name])
        .directory(Path::new("/"))
        .in_background()
        .spawn()
        .with_context(|| {
            format!(
                "'{}' could not be started to look after the task",
                program.display()
            )
        })
        .map(|_| ())
}

/// Starts the supervisor. The hooks that it runs for other users' tasks must not inherit anything
/// from the command that happens to start it: the environment is replaced here, and the supervisor
/// resets the other attributes that a process inherits itself ([`process::inherited`]).
/// An intermediate process of `bin/agent` calls this function, so that the binaries of the commands
/// do not contain the code.
///
/// # Errors
/// The process could not be started.
pub(crate) fn start_supervisor(host: &Host, name: &str) -> Result<()> {
    let program = process::agent_path().context("our own program's path cannot be read")?;
    ProcessBuilder::new(&program, [SUPERVISE, name])
        .only_env(&background::environment(host))
        .in_background()
        .spawn()
        .context("the supervisor could not be started")
        .map(|_| ())
}
