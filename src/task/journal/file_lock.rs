//! File locks: only the process that holds a lock performs the work that the lock guards.
//!
//! The kernel releases a lock (flock(2)) when the process that holds it ends, however it ends.
//! The unfinished work of a process that has ended is therefore not locked, and any other process
//! can continue it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{io, thread};

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::sys::regular_file;

/// A file that is locked until this value is dropped.
pub(crate) struct FileLock {
    path: PathBuf,
    pub(crate) file: File,
}

/// A lock that several processes wait for; its file is removed when the guard is dropped.
pub(crate) struct ConcurrencyGuard(FileLock);

/// Whether a file is opened, created, or either.
#[derive(Clone, Copy)]
enum OpenMode {
    Existing,
    New,
    Any,
}

/// The number of attempts to lock a file, [`RETRY_INTERVAL`] apart: a process that only checks
/// whether a lock is free holds the lock briefly.
const MAX_ATTEMPTS: u32 = 5;
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

impl FileLock {
    /// Locks the file at this path, which is created if it does not exist. `None` if a live
    /// process holds the lock.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn acquire(path: &Path) -> Result<Option<Self>> {
        with_context(path, Self::open(path, OpenMode::Any, lock_with_retries))
    }

    /// Like [`FileLock::acquire`], but never creates the file: also `None` if there is no file.
    pub(crate) fn acquire_existing(path: &Path) -> Result<Option<Self>> {
        with_context(
            path,
            Self::open(path, OpenMode::Existing, lock_with_retries),
        )
    }

    /// Creates a file and locks it; `None` if the file exists already.
    pub(crate) fn create(path: &Path) -> Result<Option<Self>> {
        with_context(path, Self::open(path, OpenMode::New, lock_blocking))
    }

    /// A lock that was inherited together with its open file: flock(2) locks belong to the open
    /// file, not to a process.
    pub(crate) fn from_inherited(path: PathBuf, file: File) -> Self {
        Self { path, file }
    }

    /// The concurrency guard of this name; `None` while another process holds it.
    pub(crate) fn concurrency_guard(host: &Host, name: &str) -> Result<Option<ConcurrencyGuard>> {
        let path = data_directory(host).join("locks").join(name);
        let lock = with_context(&path, Self::open(&path, OpenMode::Any, try_lock))?;
        Ok(lock.map(ConcurrencyGuard))
    }

    /// A substitute for a lock whose file cannot be created: a file in memory, which no other
    /// process can see and which is not locked.
    ///
    /// # Errors
    /// The kernel provides no memory for the file.
    pub(crate) fn in_memory(path: &Path) -> Result<Self> {
        let file = regular_file::in_memory(false).context("no file in memory can be made")?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Whether the locked file is still the one at its path.
    pub(crate) fn is_at_its_path(&self) -> bool {
        still_linked_at(&self.file, &self.path).unwrap_or(false)
    }

    /// Checks that the file at this path can be opened, or created if it does not exist. The
    /// lock is not taken.
    ///
    /// # Errors
    /// The file can neither be opened nor created.
    pub(crate) fn check(path: &Path) -> Result<()> {
        with_context(path, Self::open(path, OpenMode::Any, |_| Ok(false))).map(|_| ())
    }

    fn open(
        path: &Path,
        open: OpenMode,
        lock: fn(&File) -> io::Result<bool>,
    ) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(0o600);
        match open {
            OpenMode::Existing => &mut options,
            OpenMode::New => options.create_new(true),
            OpenMode::Any => options.create(true),
        };
        if !matches!(open, OpenMode::Existing)
            && let Some(directory) = path.parent()
        {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
        }
        loop {
            let file = match (regular_file::open(&mut options, path), open) {
                (Err(error), OpenMode::Existing) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(None);
                }
                (Err(error), OpenMode::New) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Ok(None);
                }
                (file, _) => file?,
            };
            if !lock(&file)? {
                return Ok(None);
            }
            // The previous holder may have removed the file while this process waited for its
            // lock.
            if still_linked_at(&file, path)? {
                let path = path.to_owned();
                return Ok(Some(Self { path, file }));
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file while it is locked: a process that waits for the lock then detects that
    /// the file is no longer at its path.
    pub(crate) fn remove(self) {
        if self.is_at_its_path() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for ConcurrencyGuard {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0.path);
    }
}

/// The plugin's data directory.
pub(crate) fn data_directory(host: &Host) -> PathBuf {
    host.library.join("data/oneoff")
}

/// Whether the file exists and is not locked.
pub(crate) fn is_unlocked(path: &Path) -> bool {
    probe(path, |locked| locked.is_ok())
}

/// Whether the file exists and is locked.
pub(crate) fn is_held(path: &Path) -> bool {
    probe(path, |locked| {
        matches!(locked, Err(TryLockError::WouldBlock))
    })
}

/// Whether the file exists and the result of an attempt to lock it meets the condition.
fn probe(path: &Path, condition: fn(Result<(), TryLockError>) -> bool) -> bool {
    // A shared lock: processes that only check do not block each other.
    let file = regular_file::open(OpenOptions::new().read(true), path);
    file.is_ok_and(|file| condition(file.try_lock_shared()))
}

fn with_context<T>(path: &Path, result: io::Result<T>) -> Result<T> {
    result.with_context(|| format!("the lock '{}' cannot be taken", path.display()))
}

fn lock_blocking(file: &File) -> io::Result<bool> {
    file.lock().map(|()| true)
}

fn lock_with_retries(file: &File) -> io::Result<bool> {
    for _ in 0..MAX_ATTEMPTS {
        if try_lock(file)? {
            return Ok(true);
        }
        thread::sleep(RETRY_INTERVAL);
    }
    Ok(false)
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn still_linked_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) => {
            let open_file = file.metadata()?;
            Ok((found.dev(), found.ino()) == (open_file.dev(), open_file.ino()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
