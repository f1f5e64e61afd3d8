//! Who looks after a task: a lock on a file of the container's name.
//!
//! The kernel gives it up with the process that holds it, however that ends. So
//! a task whose lease is free has nobody, and `run:retire` may take it over.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dokku::host::Host;

/// Held as long as this lives; the file goes with it.
pub(crate) struct Lease {
    path: PathBuf,
    file: File,
}

/// Below the plugin's data directory.
const TASKS: &str = "tasks";
const LOCKS: &str = "locks";

impl Lease {
    /// The lease of the task in this container; `None` when a process that lives
    /// has it.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn of_task(host: &Host, container: &str) -> Result<Option<Self>> {
        Self::try_take(host, TASKS, container)
    }

    /// The same, waiting for the process that has it.
    ///
    /// # Errors
    /// As [`Lease::of_task`].
    pub(crate) fn of_task_after(host: &Host, container: &str) -> Result<Self> {
        Self::wait(host, TASKS, container)
    }

    /// The lease of a lock, after whoever has it.
    ///
    /// # Errors
    /// As [`Lease::of_task`].
    pub(crate) fn of_lock_after(host: &Host, name: &str) -> Result<Self> {
        Self::wait(host, LOCKS, name)
    }

    /// Writes down when the task was started (RFC 3339), for lists.
    pub(crate) fn note_start(&self, started: &str) {
        // Lists do without it.
        let _ = (&self.file).write_all(started.as_bytes());
    }

    fn try_take(host: &Host, kind: &str, name: &str) -> Result<Option<Self>> {
        Self::take(host, kind, name, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        })
    }

    fn wait(host: &Host, kind: &str, name: &str) -> Result<Self> {
        let lease = Self::take(host, kind, name, |file| file.lock().map(|()| true))?;
        lease.context("a lock that was waited for was not given")
    }

    fn take(
        host: &Host,
        kind: &str,
        name: &str,
        lock: impl Fn(&File) -> std::io::Result<bool>,
    ) -> Result<Option<Self>> {
        let path = path(host, kind, name);
        let directory = path.parent().unwrap_or(&path);
        let locked = || -> std::io::Result<Option<File>> {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
            loop {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .mode(0o600)
                    .open(&path)?;
                if !lock(&file)? {
                    return Ok(None);
                }
                // The one before us may have removed the file that we waited for.
                if is_at(&file, &path)? {
                    return Ok(Some(file));
                }
            }
        };
        let file =
            locked().with_context(|| format!("the lock '{}' cannot be taken", path.display()))?;
        Ok(file.map(|file| Self { path, file }))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Before the lock goes: whoever waits finds the file gone and makes a new one.
        let _ = fs::remove_file(&self.path);
    }
}

/// When the task in this container was started, as the process that looks after it
/// has noted; `None` when there is none.
pub(crate) fn started(host: &Host, container: &str) -> Option<String> {
    let noted = fs::read_to_string(path(host, TASKS, container)).ok()?;
    humantime::parse_rfc3339(&noted).ok().map(|_| noted)
}

/// Whether somebody looks after the task in this container, or did until a moment ago.
pub(crate) fn is_there(host: &Host, container: &str) -> bool {
    path(host, TASKS, container).exists()
}

fn path(host: &Host, kind: &str, name: &str) -> PathBuf {
    host.library.join("data/oneoff").join(kind).join(name)
}

fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.ino() == file.metadata()?.ino()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
