//! Files that are locked: whoever holds the lock is the only one to act.
//!
//! The kernel gives a lock (flock(2)) up with the process that holds it, however
//! that ends. So what a dead process was about to do is nobody's, and anybody may
//! go on with it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{io, thread};

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::sys::regular_file;

/// A file that is locked as long as this lives.
pub(crate) struct FileLock {
    path: PathBuf,
    pub(crate) file: File,
}

/// A lock that many wait for; its file goes with it.
pub(crate) struct ConcurrencyGuard(FileLock);

/// How a file is opened.
#[derive(Clone, Copy)]
enum OpenMode {
    Existing,
    New,
    Any,
}

/// Somebody who only looks whether a lock is free holds it for a moment. So often
/// it is tried again, with [`RETRY_INTERVAL`] between.
const MAX_ATTEMPTS: u32 = 5;
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

impl FileLock {
    /// Makes the file, or takes the one that is there; `None` when a process that
    /// lives has it.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn acquire(path: &Path) -> Result<Option<Self>> {
        with_context(path, Self::open(path, OpenMode::Any, lock_with_retries))
    }

    /// The same for a file that is there; `None` when there is none, too.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub(crate) fn acquire_existing(path: &Path) -> Result<Option<Self>> {
        with_context(
            path,
            Self::open(path, OpenMode::Existing, lock_with_retries),
        )
    }

    /// The same for a file that is made by this; `None` when there is one.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub(crate) fn create(path: &Path) -> Result<Option<Self>> {
        with_context(path, Self::open(path, OpenMode::New, lock_blocking))
    }

    /// One that came to us with the file: a lock is the open file's, not a process's.
    pub(crate) fn from_inherited(path: PathBuf, file: File) -> Self {
        Self { path, file }
    }

    /// The lock of this name; `None` while another has it.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub(crate) fn concurrency_guard(host: &Host, name: &str) -> Result<Option<ConcurrencyGuard>> {
        let path = data_directory(host).join("locks").join(name);
        let lease = with_context(&path, Self::open(&path, OpenMode::Any, try_lock))?;
        Ok(lease.map(ConcurrencyGuard))
    }

    /// For what has no file at its path: nobody else can see it, and it holds no lock.
    ///
    /// # Errors
    /// The kernel gives no memory for it.
    pub(crate) fn in_memory(path: &Path) -> Result<Self> {
        let file = regular_file::in_memory(false).context("no file in memory can be made")?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Whether its file is at its path.
    pub(crate) fn is_at_its_path(&self) -> bool {
        still_linked_at(&self.file, &self.path).unwrap_or(false)
    }

    /// Whether a file at this path can be made and locked.
    ///
    /// # Errors
    /// It cannot.
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
            // The one before us may have removed the file that we waited for.
            if still_linked_at(&file, path)? {
                let path = path.to_owned();
                return Ok(Some(Self { path, file }));
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file while it is locked: whoever waits for it finds that.
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

/// The plugin's data.
pub(crate) fn data_directory(host: &Host) -> PathBuf {
    host.library.join("data/oneoff")
}

/// Whether there is such a file and nobody has locked it.
pub(crate) fn is_unlocked(path: &Path) -> bool {
    is_there(path, |locked| locked.is_ok())
}

/// Whether there is such a file and somebody has locked it.
pub(crate) fn is_held(path: &Path) -> bool {
    is_there(path, |locked| {
        matches!(locked, Err(TryLockError::WouldBlock))
    })
}

fn is_there(path: &Path, is_so: fn(Result<(), TryLockError>) -> bool) -> bool {
    // A shared lock: two who look do not disturb each other.
    let file = regular_file::open(OpenOptions::new().read(true), path);
    file.is_ok_and(|file| is_so(file.try_lock_shared()))
}

fn with_context<T>(path: &Path, taken: io::Result<T>) -> Result<T> {
    taken.with_context(|| format!("the lock '{}' cannot be taken", path.display()))
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
            let ours = file.metadata()?;
            Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
