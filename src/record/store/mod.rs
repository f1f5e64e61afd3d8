//! The files of one app: `tasks.jsonl`, one line per task that has ended, oldest first;
//! `output/<container id>`; and `missing` while the app does not exist.
//!
//! They are written under a lock (flock) on the app's directory, and read without one. A line is
//! appended by one write(2). Old lines are removed by replacing the file with a new one: a reader
//! sees either of the two.

pub(crate) mod lines;
pub(crate) mod missing;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::dokku::host::Host;
use crate::record::store::lines::Lines;
use crate::record::store::missing::Missing;
use crate::sys::regular_file;

/// Upper limit of the size of `tasks.jsonl`, with room above [`lines::MAX_FILE_BYTES`].
const MOST_BYTES: u64 = 2 * lines::MAX_FILE_BYTES;

/// The process that was saving an output for longer than this does not exist any more.
const STALE_OUTPUT_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The prefix of the name of a store that could not be removed. No app's name begins like this.
const SET_ASIDE: &str = ".removed-";

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    Added,
    /// There is a line about this container already.
    AlreadyThere,
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

    /// Removes the stores that [`Store::remove`] could only rename. Errors are ignored: `remove`
    /// has printed a warning.
    pub(crate) fn remove_set_aside(host: &Host) {
        let all = Self::root(host);
        for name in directories(&all).filter(|name| name.starts_with(SET_ASIDE)) {
            let _ = fs::remove_dir_all(all.join(name));
        }
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
    /// exist any more. If there are more than `most` lines, the oldest are removed.
    ///
    /// # Errors
    /// The line cannot be written; the file is unchanged.
    pub(crate) fn append(
        &self,
        id: &str,
        line: &[u8],
        most: usize,
        app_is_there: impl Fn() -> bool,
    ) -> io::Result<Appended> {
        if !app_is_there() {
            self.remove_orphan(id);
            return Ok(Appended::NotStored);
        }
        make_directory(&self.0)?;
        let Some(_lock) = self.lock()? else {
            return self.append(id, line, most, app_is_there); // the directory has just been removed
        };
        if !app_is_there() {
            self.remove_orphan(id);
            return Ok(Appended::NotStored);
        }
        let path = self.path();
        if most == 0 {
            return or_none(fs::remove_file(&path)).map(|()| Appended::NotStored);
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = regular_file::open_within(&mut options, &path, MOST_BYTES)?;
        let mut lines = Lines::read(&file, id)?;
        // No other process writes now: a last line without a line end is of a killed writer.
        if lines.torn {
            file.set_len(lines.length)?;
        }
        if lines.has_id {
            return Ok(Appended::AlreadyThere);
        }
        if let Err(error) = file.write_all(line) {
            file.set_len(lines.length)?;
            return Err(error);
        }
        lines.starts.push(lines.length);
        lines.length += line.len() as u64;
        if let Some(from) = lines.first_to_keep(most) {
            // On failure the next append tries again.
            let _ = self.drop_before(&file, from);
        }
        Ok(Appended::Added)
    }

    /// Removes the output of a task whose app does not exist any more, so that the next app of
    /// that name does not get it, and the store if it is empty. A store that is not empty is still
    /// to be removed with its app.
    fn remove_orphan(&self, id: &str) {
        let _ = fs::remove_file(self.output(id));
        let _ = fs::remove_dir(self.outputs());
        let _ = fs::remove_dir(&self.0);
    }

    /// Opens the file of records for reading.
    ///
    /// # Errors
    /// The file does not exist, is not a regular file, or is larger than we write it.
    pub(crate) fn lines(&self) -> io::Result<File> {
        regular_file::open_within(OpenOptions::new().read(true), &self.path(), MOST_BYTES)
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

    /// Removes all outputs but the `most` newest, and stale unfinished ones. Every task's teardown
    /// waits for this, so the ages of finished outputs are read only if there are more than `most`.
    pub(crate) fn prune_outputs(&self, most: usize) {
        if regular_file::directory(&self.outputs()).is_err() {
            return;
        }
        let files = fs::read_dir(self.outputs()).into_iter().flatten().flatten();
        let (left, kept): (Vec<_>, Vec<_>) = files
            .map(|file| file.path())
            .partition(|path| path.extension().is_some());
        let left = aged(left)
            .into_iter()
            .filter(|(age, _)| *age > STALE_OUTPUT_AGE);
        let mut old = Vec::new();
        if kept.len() > most {
            old = aged(kept);
            old.sort();
            old.drain(..most.min(old.len()));
        }
        for (_, path) in old.into_iter().chain(left) {
            let _ = fs::remove_file(path);
        }
    }

    /// Removes the store. If that fails (root has written into it), the store is renamed, so that
    /// the next app of this name does not find it.
    ///
    /// # Errors
    /// The store can be neither removed nor renamed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if fs::symlink_metadata(&self.0).is_ok_and(|found| !found.is_dir()) {
            return or_none(fs::remove_file(&self.0));
        }
        let removed = self.lock().and_then(|lock| match lock {
            Some(_lock) => fs::remove_dir_all(&self.0),
            None => Ok(()),
        });
        removed.or_else(|error| self.set_aside().map_err(|_| error))
    }

    fn set_aside(&self) -> io::Result<()> {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let now = missing::unix_seconds(SystemTime::now());
        let aside = format!("{SET_ASIDE}{name}-{now}-{}", std::process::id());
        fs::rename(&self.0, self.0.with_file_name(aside))
    }

    /// The app exists: resets the time for which it has been missing.
    ///
    /// # Errors
    /// The file `missing` cannot be removed.
    pub(crate) fn is_back(&self) -> io::Result<()> {
        or_none(fs::remove_file(Missing::path(&self.0)))
    }

    /// The app is missing: removes the store if every sweep for a day has found it missing.
    ///
    /// # Errors
    /// The file `missing` cannot be written, or the store cannot be removed.
    pub(crate) fn remove_when_long_missing(&self, now: SystemTime) -> io::Result<()> {
        let Some(_lock) = self.lock()? else {
            return Ok(());
        };
        let missing = Missing::read(&self.0).seen_again(now);
        if missing.is_long() {
            return fs::remove_dir_all(&self.0);
        }
        let path = Missing::path(&self.0);
        let new = path.with_extension("new");
        create_private(&new)?.write_all(missing.text().as_bytes())?;
        fs::rename(new, path)
    }

    /// Makes this the store of another app, replacing that app's store.
    ///
    /// # Errors
    /// The other store cannot be removed, or this one cannot be renamed.
    pub(crate) fn rename(&self, new: &Self) -> io::Result<()> {
        let Some(_lock) = self.lock()? else {
            return Ok(());
        };
        new.remove()?;
        fs::rename(&self.0, &new.0)
    }

    /// Takes the lock on the directory; `None` if the directory does not exist.
    fn lock(&self) -> io::Result<Option<File>> {
        loop {
            let Some(directory) = found(regular_file::directory(&self.0))? else {
                return Ok(None);
            };
            directory.lock()?;
            // The directory may have been removed or renamed during the wait.
            let now = found(fs::symlink_metadata(&self.0))?;
            if now.is_some_and(|now| {
                directory
                    .metadata()
                    .is_ok_and(|ours| ours.ino() == now.ino())
            }) {
                return Ok(Some(directory));
            }
        }
    }
}

/// The files that still exist, each with the time since it was last written.
fn aged(paths: Vec<PathBuf>) -> Vec<(Duration, PathBuf)> {
    let age = |path: &Path| {
        let modified = fs::symlink_metadata(path)?.modified()?;
        Ok::<_, io::Error>(
            SystemTime::now()
                .duration_since(modified)
                .unwrap_or_default(),
        )
    };
    paths
        .into_iter()
        .filter_map(|path| Some((age(&path).ok()?, path)))
        .collect()
}

/// Creates a file that only our user may read, replacing one that an earlier process left.
fn create_private(path: &Path) -> io::Result<File> {
    or_none(fs::remove_file(path))?;
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

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn or_none(result: io::Result<()>) -> io::Result<()> {
    found(result).map(|_| ())
}

#[cfg(test)]
mod tests;
