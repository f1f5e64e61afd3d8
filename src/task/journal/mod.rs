//! What is known of a task while its container is there: a file of the container's
//! name, locked by whoever looks after the task.
//!
//! It is made before the container, and removed after it. Every line is appended by
//! one write: at first what the record of the task begins with, then what has become
//! of it, each about one container by its id. So whoever comes after a process that
//! was killed knows which step was the last, and nothing is done twice. No value of
//! the task's environment stands in it.

pub(crate) mod attendant;
pub(crate) mod file_lock;
pub(crate) mod identity;
pub(crate) mod state;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::host::Host;
use crate::settings::validate;
use crate::sys::regular_file;
use crate::task::journal::file_lock::FileLock;
pub(crate) use crate::task::journal::state::{JournalEvent, JournalState, TaskInfo};
use crate::ui::message;

/// A journal is no larger: its first line has the task's command, of which docker's
/// client takes two megabytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Lines of a journal that the disk had no space for: as long as somebody has them, they
/// count.
#[derive(Clone, Default)]
pub(crate) struct UnflushedLines(Arc<Mutex<Vec<u8>>>);

/// A journal that we have locked.
pub(crate) struct Journal {
    lock: FileLock,
    unflushed: UnflushedLines,
}

impl Journal {
    /// A new one; `None` when there is one of this name: the name is taken.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn create(host: &Host, head: &TaskInfo) -> Result<Option<Self>> {
        let Some(lease) = FileLock::create(&path(host, &head.name))? else {
            return Ok(None);
        };
        let journal = Self::of(lease);
        journal.write_head(head);
        Ok(Some(journal))
    }

    /// One that no other process can read and that goes with us: the disk takes none.
    ///
    /// # Errors
    /// The kernel gives no memory for it.
    pub(crate) fn in_memory(host: &Host, name: &str) -> Result<Self> {
        Ok(Self::of(FileLock::in_memory(&path(host, name))?))
    }

    /// Whether other processes can read it.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.lock.is_at_its_path()
    }

    /// Writes down what the record of its task begins with.
    pub(crate) fn write_head(&self, head: &TaskInfo) {
        self.write(head);
    }

    /// The journal of this container; `None` when a process that lives has it. One
    /// that was not there is empty.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub(crate) fn lock(host: &Host, name: &str) -> Result<Option<Self>> {
        Ok(FileLock::acquire(&path(host, name))?.map(Self::of))
    }

    /// The same; `None` when there is none, too.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub(crate) fn lock_existing(host: &Host, name: &str) -> Result<Option<Self>> {
        Ok(FileLock::acquire_existing(&path(host, name))?.map(Self::of))
    }

    /// The journal that came to us as [`Journal::into_raw_parts`] gives it.
    pub(crate) fn from_inherited(
        host: &Host,
        name: &str,
        file: fs::File,
        unwritten: &[u8],
    ) -> Self {
        let journal = Self::of(FileLock::from_inherited(path(host, name), file));
        if !unwritten.is_empty() || !journal.is_on_disk() {
            message::suppress_disk_warning();
        }
        journal.unflushed.extend(unwritten);
        journal
    }

    /// With what could not be written before. What cannot be from now on is added to it.
    pub(crate) fn with_unflushed(self, unwritten: &UnflushedLines) -> Self {
        let unwritten = unwritten.clone();
        Self {
            unflushed: unwritten,
            ..self
        }
    }

    /// For another process of ours: the lock as an open file, and the lines that could
    /// not be written.
    pub(crate) fn into_raw_parts(self) -> (fs::File, Vec<u8>) {
        (self.lock.file, self.unflushed.lines())
    }

    /// What it tells, and what is missing in it told by the container itself.
    pub(crate) fn recover_header(
        &self,
        facts: &ContainerInfo,
        stop_timeout: impl FnOnce() -> u64,
    ) -> JournalState {
        let mut story = self.story();
        if story.info.is_none() {
            let head = TaskInfo::from_container(facts, stop_timeout());
            self.write(&head);
            story.info = Some(head).filter(|head| head.is_of(facts.name()));
            story.header_rebuilt = true;
        }
        if story.id.as_ref() != Some(&facts.id) {
            self.mark(&facts.id, &JournalEvent::Created);
            story.add(facts.id.clone(), JournalEvent::Created);
        }
        story
    }

    pub(crate) fn story(&self) -> JournalState {
        let mut text = regular_file::content(&self.lock.file, MOST_BYTES).unwrap_or_default();
        text.extend(self.unflushed.lines());
        let name = self.lock.path().file_name().and_then(OsStr::to_str);
        told(name.unwrap_or_default(), &text)
    }

    /// Writes down what is about to become of the container. A disk that is full
    /// stops no task: it is said.
    pub(crate) fn mark(&self, id: &str, mark: &JournalEvent) {
        self.write(&(id, mark));
    }

    /// Leaves the task to whoever takes the journal next. One that tells nothing is
    /// none.
    pub(crate) fn release(self) {
        let file = self.lock.file.metadata();
        if file.is_ok_and(|file| file.len() == 0) && self.unflushed.lines().is_empty() {
            self.remove();
        }
    }

    /// Moves it to where nobody looks for tasks. Gives its new path.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn set_aside(self, host: &Host) -> Result<PathBuf> {
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

    /// It tells nothing that anybody has to know any more.
    pub(crate) fn remove(self) {
        self.lock.remove();
    }

    fn of(lease: FileLock) -> Self {
        Self {
            lock: lease,
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

impl UnflushedLines {
    fn lines(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn add(&self, line: &impl Serialize) {
        self.extend(text(line).unwrap_or_default().as_bytes());
    }

    fn extend(&self, lines: &[u8]) {
        let mut unwritten = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.extend(lines);
    }
}

/// Writes into the journal of a task that somebody else looks after. One that has
/// gone needs it no more.
pub(crate) fn mark(host: &Host, name: &str, id: &str, mark: &JournalEvent) {
    append_or_buffer(host, name, id, mark, &UnflushedLines::default());
}

/// The same; what the disk has no space for is added to these lines.
pub(crate) fn append_or_buffer(
    host: &Host,
    name: &str,
    id: &str,
    mark: &JournalEvent,
    lines: &UnflushedLines,
) {
    if let Ok(file) = regular_file::open(OpenOptions::new().append(true), &path(host, name))
        && append(&file, &(id, mark)).is_err()
    {
        lines.add(&(id, mark));
    }
}

/// What the journal of this container tells; `None` when there is none.
pub(crate) fn story(host: &Host, name: &str) -> Option<JournalState> {
    regular_file::read(&path(host, name), MOST_BYTES)
        .ok()
        .map(|text| told(name, &text))
}

/// The names of the containers that have a journal. What is no file, or no container's
/// name, is none of ours.
pub(crate) fn names(host: &Host) -> Vec<String> {
    fs::read_dir(directory(host))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| validate::container(name).is_ok())
        .collect()
}

/// What came of a lock on all journals.
pub(crate) enum AllLocked {
    /// We have it; the file is `None` where their directory cannot even be read.
    ByUs {
        _directory: Option<fs::File>,
    },
    ByAnother,
}

/// Locks the directory of journals: what needs no disk may be done without any of them.
/// It does not wait.
pub(crate) fn lock_all(host: &Host) -> AllLocked {
    match regular_file::directory(&directory(host)) {
        Ok(directory) if directory.try_lock().is_err() => AllLocked::ByAnother,
        directory => AllLocked::ByUs {
            _directory: directory.ok(),
        },
    }
}

/// Whether there is a journal of this name, and nobody looks after its task.
pub(crate) fn is_unlocked(host: &Host, name: &str) -> bool {
    file_lock::is_unlocked(&path(host, name))
}

fn directory(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("tasks")
}

fn path(host: &Host, name: &str) -> PathBuf {
    directory(host).join(name)
}

/// What the journal of this container's name tells. A head of another one is none.
fn told(name: &str, text: &[u8]) -> JournalState {
    let mut story = JournalState::read(text);
    story.info = story.info.filter(|head| head.is_of(name));
    story
}

fn append(mut file: &fs::File, line: &impl Serialize) -> std::io::Result<()> {
    file.write_all(text(line)?.as_bytes())
}

/// A line of its own, also after one that was torn.
fn text(line: &impl Serialize) -> serde_json::Result<String> {
    Ok(format!("\n{}\n", serde_json::to_string(line)?))
}
