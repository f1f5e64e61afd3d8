//! The lock that ensures that there is only one supervisor per host.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal::file_lock::FileLock;

/// Locks the supervisor's lock file; `None` if another supervisor holds the lock and was
/// notified of the task.
///
/// # Errors
/// The lock file cannot be created, or the other supervisor holds the lock but does not read
/// its FIFO.
pub(crate) fn lock_or_notify(host: &Host, name: &str) -> Result<Option<FileLock>> {
    const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(20);
    const MAX_LOCK_ATTEMPTS: u32 = 1000;
    for _ in 0..MAX_LOCK_ATTEMPTS {
        if let Some(lock) = FileLock::acquire(&supervisor::lock_path(host))? {
            return Ok(Some(lock));
        }
        if supervisor::notify_running(host, name) {
            return Ok(None);
        }
        thread::sleep(LOCK_RETRY_INTERVAL);
    }
    bail!("another supervisor has the lock and does not read what it is told")
}
