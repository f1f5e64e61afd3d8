//! The files of one app: `tasks.jsonl`, one line per task that has ended, oldest first;
//! `output/<container id>`; and `missing` while the app does not exist.
//!
//! They are written under a lock (flock) on the app's directory, and read without one. A line is
//! appended by one write(2). Old lines are removed by replacing the file with a new one: a reader
//! sees either of the two.

pub(crate) mod lines;
pub(crate) mod missing;
pub(crate) mod removal;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::dokku::host::Host;
use crate::record::store::lines::Lines;
use crate::sys::regular_file;

/// Upper limit of the size of `tasks.jsonl`, with room above [`lines::MAX_FILE_BYTES`].
const MAX_BYTES: u64 = 2 * lines::MAX_FILE_BYTES;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    Added,
    /// There is a line about this container already.
    AlreadyRecorded,
    /// The app does not exist any more, or keeps no records.
    NotStored,
}

/// The directory of one app's records and saved outputs.
#[derive(Debug, Clone)]
pub(crate) struct Store(PathBuf);

impl Store {
    pub(crate) fn for_app(host: &Host, app: &str) -> Self {
        Self(Self::root(host).join(app))
    }

    /// The directory that contains the stores, each named after its app.
    fn root(host: &Host) -> PathBuf {
        host.library.join("data/oneoff/records")
    }

    /// The apps that have a store.
    pub(crate) fn names(host: &Host) -> Vec<String> {
        directories(&Self::root(host))
            .filter(|name| !name.starts_with('.'))
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn open_dir(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The store's directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    /// The file of records, one per line.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.join("tasks.jsonl")
    }

    /// The file of one task's output.
    pub(crate) fn output(&self, id: &str) -> PathBuf {
        self.outputs().join(id)
    }

    fn outputs(&self) -> PathBuf {
        self.0.join("output")
    }

    /// Creates a file for an output that is being saved; it is renamed to [`Store::output`] later.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn new_output(&self, id: &str, part: u8) -> io::Result<(PathBuf, File)> {
        make_directory(&self.outputs())?;
        regular_file::directory(&self.outputs())?;
        let path = self.outputs().join(format!("{id}.{part}.new"));
        Ok((path.clone(), create_private(&path)?))
    }

    /// Appends a line about the container `id`, unless there is one already or the app does not
    /// exist any more. If there are more than `max_records` lines, the oldest are removed.
    ///
    /// # Errors
    /// The line cannot be written; the file is unchanged.
    pub(crate) fn append(
        &self,
        id: &str,
        line: &[u8],
        max_records: usize,
        app_exists: impl Fn() -> bool,
    ) -> io::Result<Appended> {
        if !app_exists() {
            self.remove_orphan(id);
            return Ok(Appended::NotStored);
        }
        make_directory(&self.0)?;
        let Some(_lock) = self.lock()? else {
            return self.append(id, line, max_records, app_exists); // the directory has just been removed
        };
        if !app_exists() {
            self.remove_orphan(id);
            return Ok(Appended::NotStored);
        }
        let path = self.path();
        if max_records == 0 {
            return ignore_missing(fs::remove_file(&path)).map(|()| Appended::NotStored);
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = regular_file::open_within(&mut options, &path, MAX_BYTES)?;
        let mut lines = Lines::read(&file, id)?;
        // No other process writes now: a last line without a line end is of a killed writer.
        if lines.has_incomplete_line {
            file.set_len(lines.length)?;
        }
        if lines.has_id {
            return Ok(Appended::AlreadyRecorded);
        }
        if let Err(error) = file.write_all(line) {
            file.set_len(lines.length)?;
            return Err(error);
        }
        lines.starts.push(lines.length);
        lines.length += line.len() as u64;
        if let Some(from) = lines.first_to_keep(max_records) {
            // On failure the next append tries again.
            let _ = self.drop_before(&file, from);
        }
        Ok(Appended::Added)
    }

    /// Opens the file of records for reading.
    ///
    /// # Errors
    /// The file does not exist, is not a regular file, or is larger than we write it.
    pub(crate) fn lines(&self) -> io::Result<File> {
        regular_file::open_within(OpenOptions::new().read(true), &self.path(), MAX_BYTES)
    }

    /// Whether there is a record of this container.
    pub(crate) fn has(&self, id: &str) -> bool {
        let lines = self.lines().and_then(|file| Lines::read(&file, id));
        lines.is_ok_and(|lines| lines.has_id)
    }

    fn drop_before(&self, mut file: &File, from: u64) -> io::Result<()> {
        let path = self.0.join("tasks.jsonl.new");
        let mut new = create_private(&path)?;
        file.seek(SeekFrom::Start(from))?;
        let copied = io::copy(&mut file, &mut new)
            // Without the sync a crash could leave the new name with an empty file.
            .and_then(|_| new.sync_data())
            .and_then(|()| fs::rename(&path, self.path()));
        if copied.is_err() {
            let _ = fs::remove_file(&path);
        }
        copied
    }

    /// Takes the lock on the directory; `None` if the directory does not exist.
    fn lock(&self) -> io::Result<Option<File>> {
        loop {
            let Some(directory) = none_if_missing(regular_file::directory(&self.0))? else {
                return Ok(None);
            };
            directory.lock()?;
            // The directory may have been removed or renamed during the wait.
            let current = none_if_missing(fs::symlink_metadata(&self.0))?;
            if current.is_some_and(|current| {
                directory
                    .metadata()
                    .is_ok_and(|opened| opened.ino() == current.ino())
            }) {
                return Ok(Some(directory));
            }
        }
    }
}

/// Creates a file that only our user may read, replacing one that an earlier process left.
fn create_private(path: &Path) -> io::Result<File> {
    ignore_missing(fs::remove_file(path))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The names of the directories in a directory.
fn directories(path: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
}

/// `None` if the file does not exist.
fn none_if_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    none_if_missing(result).map(|_| ())
}

#[cfg(test)]
mod tests;
