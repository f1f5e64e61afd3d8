//! The journal of a task: a file with the container's name, locked by the process that
//! supervises the task.
//!
//! The journal is created before the container and removed after it. Each line is appended by
//! one write. The first line is the beginning of the task's record; every other line is an
//! event of one container, which is identified by its id. So a process that continues the work of
//! a killed one knows which step was the last, and no step is performed twice. The journal
//! contains no value of the task's environment.

pub(crate) mod attendant;
mod directory;
pub(crate) mod file_lock;
pub(crate) mod header;
pub(crate) mod identity;
pub(crate) mod state;
mod unflushed;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::host::Host;
use crate::sys::regular_file;
use crate::task::journal::directory::directory;
pub(crate) use crate::task::journal::directory::{AllLocked, lock_all, names};
use crate::task::journal::file_lock::FileLock;
pub(crate) use crate::task::journal::header::{HeaderOrigin, JournalHeader, SupervisionInfo};
pub(crate) use crate::task::journal::state::{JournalEvent, JournalState};
pub(crate) use crate::task::journal::unflushed::UnflushedLines;
use crate::ui::message;

/// The maximum size of a journal in bytes: its first line has the task's command, of which
/// docker's client accepts two megabytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A journal that the current process has locked.
pub(crate) struct Journal {
    lock: FileLock,
    unflushed: UnflushedLines,
}

impl Journal {
    /// Creates the journal of this task; `None` if a journal of that name exists, so that another
    /// name is needed.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn create(host: &Host, header: &JournalHeader) -> Result<Option<Self>> {
        let Some(lock) = FileLock::create(&path(host, &header.task.name))? else {
            return Ok(None);
        };
        let journal = Self::from_lock(lock);
        journal.write_header(header);
        Ok(Some(journal))
    }

    /// A journal in memory, for a disk that cannot be written. No other process can read it,
    /// and it ends with the current process unless it is handed on.
    ///
    /// # Errors
    /// The kernel provides no memory for the file.
    pub(crate) fn in_memory(host: &Host, name: &str) -> Result<Self> {
        Ok(Self::from_lock(FileLock::in_memory(&path(host, name))?))
    }

    /// Whether the journal is a file that other processes can read.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.lock.is_at_its_path()
    }

    /// Writes the first line: the beginning of the task's record.
    pub(crate) fn write_header(&self, header: &JournalHeader) {
        self.write(header);
    }

    /// Locks the journal of this container; `None` if a live process holds the lock. A journal
    /// that does not exist is created empty.
    pub(crate) fn lock(host: &Host, name: &str) -> Result<Option<Self>> {
        Ok(FileLock::acquire(&path(host, name))?.map(Self::from_lock))
    }

    /// Like [`Journal::lock`], but never creates the journal: also `None` if there is none.
    pub(crate) fn lock_existing(host: &Host, name: &str) -> Result<Option<Self>> {
        Ok(FileLock::acquire_existing(&path(host, name))?.map(Self::from_lock))
    }

    /// The journal that another process of the plugin has handed on, from the parts that
    /// [`Journal::into_raw_parts`] returns.
    pub(crate) fn from_inherited(
        host: &Host,
        name: &str,
        file: fs::File,
        unflushed: &[u8],
    ) -> Self {
        let journal = Self::from_lock(FileLock::from_inherited(path(host, name), file));
        if !unflushed.is_empty() || !journal.is_on_disk() {
            message::suppress_disk_warning();
        }
        journal.unflushed.extend(unflushed);
        journal
    }

    /// Gives the journal the lines that could not be written before, in place of its own. Lines
    /// that cannot be written from now on are appended to `unflushed` as well.
    pub(crate) fn with_unflushed(self, unflushed: &UnflushedLines) -> Self {
        Self {
            unflushed: unflushed.clone(),
            ..self
        }
    }

    /// The parts for handing the journal on to another process of the plugin: the open, locked
    /// file and the lines that could not be written.
    pub(crate) fn into_raw_parts(self) -> (fs::File, Vec<u8>) {
        (self.lock.file, self.unflushed.lines())
    }

    /// The journal's state. A missing first line or container id is restored from the
    /// container, and written to the journal.
    pub(crate) fn recover_header(
        &self,
        info: &ContainerInfo,
        stop_timeout: impl FnOnce() -> u64,
    ) -> JournalState {
        let mut state = self.state();
        if state.header.is_none() {
            let header = JournalHeader::from_container(info, stop_timeout());
            self.write(&header);
            state.header = Some(header).filter(|header| header.describes(info.name()));
            state.header_origin = HeaderOrigin::Rebuilt;
        }
        if state.id.as_ref() != Some(&info.id) {
            self.mark(&info.id, &JournalEvent::Created);
            state.add(info.id.clone(), JournalEvent::Created);
        }
        state
    }

    /// The state that the lines of the journal add up to.
    pub(crate) fn state(&self) -> JournalState {
        let mut text = regular_file::content(&self.lock.file, MAX_BYTES).unwrap_or_default();
        text.extend(self.unflushed.lines());
        let name = self.lock.path().file_name().and_then(OsStr::to_str);
        JournalState::read(name.unwrap_or_default(), &text)
    }

    /// Appends an event of the container with this id. If the disk is full, a warning is
    /// printed and the line is kept in memory: the task continues.
    pub(crate) fn mark(&self, id: &str, event: &JournalEvent) {
        self.write(&(id, event));
    }

    /// Unlocks the journal, so that another process can take over the task. An empty journal is
    /// removed.
    pub(crate) fn release(self) {
        let file = self.lock.file.metadata();
        if file.is_ok_and(|file| file.len() == 0) && self.unflushed.lines().is_empty() {
            self.remove();
        }
    }

    /// Moves the journal to the directory `damaged`, where no process searches for tasks. Returns
    /// its new path.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn move_to_damaged(self, host: &Host) -> Result<PathBuf> {
        let directory = file_lock::data_directory(host).join("damaged");
        let old = self.lock.path();
        let new = directory.join(old.file_name().unwrap_or_default());
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .and_then(|()| fs::rename(old, &new))
            .with_context(|| format!("'{}' cannot be moved", old.display()))?;
        Ok(new)
    }

    /// Removes the journal: no process needs its contents any more.
    pub(crate) fn remove(self) {
        self.lock.remove();
    }

    fn from_lock(lock: FileLock) -> Self {
        Self {
            lock,
            unflushed: UnflushedLines::default(),
        }
    }

    fn write(&self, line: &impl Serialize) {
        if let Err(error) = append(&self.lock.file, line) {
            let path = self.lock.path().display();
            message::warn_disk_once(&format!("'{path}' cannot be written: {error}"));
            self.unflushed.add(line);
        }
    }
}

/// Appends an event to the journal of a task that another process supervises. Nothing is
/// written if the journal has been removed.
pub(crate) fn mark(host: &Host, name: &str, id: &str, event: &JournalEvent) {
    append_or_buffer(host, name, id, event, &UnflushedLines::default());
}

/// Like [`mark`], but an event that the disk has no space for is added to `lines`.
pub(crate) fn append_or_buffer(
    host: &Host,
    name: &str,
    id: &str,
    event: &JournalEvent,
    lines: &UnflushedLines,
) {
    if let Ok(file) = regular_file::open(OpenOptions::new().append(true), &path(host, name))
        && append(&file, &(id, event)).is_err()
    {
        lines.add(&(id, event));
    }
}

/// The state of this container's journal; `None` if there is no journal.
pub(crate) fn state(host: &Host, name: &str) -> Option<JournalState> {
    regular_file::read(&path(host, name), MAX_BYTES)
        .ok()
        .map(|text| JournalState::read(name, &text))
}

/// Whether a journal of this name exists and no process supervises its task.
pub(crate) fn is_unlocked(host: &Host, name: &str) -> bool {
    file_lock::is_unlocked(&path(host, name))
}

fn path(host: &Host, name: &str) -> PathBuf {
    directory(host).join(name)
}

fn append(mut file: &fs::File, line: &impl Serialize) -> std::io::Result<()> {
    file.write_all(text(line)?.as_bytes())
}

/// The line, with a line break before it as well: the previous line may be incomplete.
fn text(line: &impl Serialize) -> serde_json::Result<String> {
    Ok(format!("\n{}\n", serde_json::to_string(line)?))
}
