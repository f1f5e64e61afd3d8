//! That there is one supervisor a host: its lock.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal::file_lock::FileLock;

/// The lock; `None` when another one has it and was told of the task.
pub(crate) fn lock_or_notify(host: &Host, name: &str) -> Result<Option<FileLock>> {
    const PAUSE: Duration = Duration::from_millis(20);
    const TRIES: u32 = 1000;
    for _ in 0..TRIES {
        if let Some(lease) = FileLock::acquire(&supervisor::lock_path(host))? {
            return Ok(Some(lease));
        }
        if supervisor::notify_running(host, name) {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
    bail!("another supervisor has the lock and does not read what it is told")
}
