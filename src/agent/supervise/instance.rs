//! That there is one supervisor a host: its lock.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal::file_lock;
use crate::task::journal::file_lock::FileLock;

/// Whether a supervisor is there.
pub(crate) fn is_running(host: &Host) -> bool {
    file_lock::is_held(&lock_path(host))
}

/// Removes what a supervisor that was killed has left, when there is no other.
pub(crate) fn remove_stale_fifo(host: &Host) {
    // Who is about to take the lock waits for us, and makes its FIFO after that.
    if let Ok(Some(_lock)) = FileLock::acquire_existing(&lock_path(host)) {
        let _ = std::fs::remove_file(supervisor::fifo_path(host));
    }
}

/// Whether one can come to be.
///
/// # Errors
/// Its lock cannot be made.
pub(crate) fn check(host: &Host) -> Result<()> {
    FileLock::check(&lock_path(host))
}

fn lock_path(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("supervisor.lock")
}

/// The lock; `None` when another one has it and was told of the task.
pub(crate) fn lock_or_notify(host: &Host, name: &str) -> Result<Option<FileLock>> {
    const PAUSE: Duration = Duration::from_millis(20);
    const TRIES: u32 = 1000;
    for _ in 0..TRIES {
        if let Some(lease) = FileLock::acquire(&lock_path(host))? {
            return Ok(Some(lease));
        }
        if supervisor::notify_running(host, name) {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
    bail!("another supervisor has the lock and does not read what it is told")
}
