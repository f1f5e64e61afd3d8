//! The files of an app: `tasks.jsonl`, a line a task that has ended, oldest first,
//! `output/<container id>`, and `missing` while there is no such app.
//!
//! They are written under a lock (flock) on the app's directory, and read without
//! one. A line is added by one write(2). Old lines go by a new file in the place of
//! the old: a reader sees the one or the other.

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

/// The file of lines is no larger: see [`lines::MAX_FILE_BYTES`].
const MOST_BYTES: u64 = 2 * lines::MAX_FILE_BYTES;

/// An output that is being taken for longer has nobody any more.
const STALE_OUTPUT_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// With this begins the name of what could not be removed. It is no app's name.
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

/// What is kept of one app's tasks.
#[derive(Debug, Clone)]
pub(crate) struct Store(PathBuf);

impl Store {
    pub(crate) fn for_app(host: &Host, app: &str) -> Self {
        Self(Self::root(host).join(app))
    }

    /// Where the store of each app is, by its name.
    fn root(host: &Host) -> PathBuf {
        host.library.join("data/oneoff/records")
    }

    /// The apps that have a store.
    pub(crate) fn names(host: &Host) -> Vec<String> {
        directories(&Self::root(host))
            .filter(|name| !name.starts_with('.'))
            .collect()
    }

    /// Tries again to remove what [`Store::remove`] could not: there was a warning then.
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

    /// What it is in.
    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    /// The file of lines.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.join("tasks.jsonl")
    }

    /// The output of one task.
    pub(crate) fn output(&self, id: &str) -> PathBuf {
        self.outputs().join(id)
    }

    fn outputs(&self) -> PathBuf {
        self.0.join("output")
    }

    /// A file for output that is still being taken; it becomes [`Store::output`].
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new_output(&self, id: &str, part: u8) -> io::Result<(PathBuf, File)> {
        make_directory(&self.outputs())?;
        regular_file::directory(&self.outputs())?;
        let path = self.outputs().join(format!("{id}.{part}.new"));
        Ok((path.clone(), create_private(&path)?))
    }

    /// Adds a line about the container `id`. Of more than `most` lines the oldest are removed.
    ///
    /// # Errors
    /// It cannot be written: the file is as it was.
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
            return self.append(id, line, most, app_is_there); // it has just been removed
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
        // Nobody else writes now: what ends in no newline is of one who died.
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
            // The next one tries again.
            let _ = self.drop_before(&file, from);
        }
        Ok(Appended::Added)
    }

    /// With its app an app's store goes; nobody is to find it under the next app of
    /// that name. What is not empty is yet to be removed.
    fn remove_orphan(&self, id: &str) {
        let _ = fs::remove_file(self.output(id));
        let _ = fs::remove_dir(self.outputs());
        let _ = fs::remove_dir(&self.0);
    }

    /// The file of lines, for reading.
    ///
    /// # Errors
    /// There is none, or it is none that we have written.
    pub(crate) fn lines(&self) -> io::Result<File> {
        regular_file::open_within(OpenOptions::new().read(true), &self.path(), MOST_BYTES)
    }

    /// Whether there is a line about this container.
    pub(crate) fn has(&self, id: &str) -> bool {
        let lines = self.lines().and_then(|file| Lines::read(&file, id));
        lines.is_ok_and(|lines| lines.has_id)
    }

    fn drop_before(&self, mut file: &File, from: u64) -> io::Result<()> {
        let path = self.0.join("tasks.jsonl.new");
        let mut new = create_private(&path)?;
        file.seek(SeekFrom::Start(from))?;
        let copied = io::copy(&mut file, &mut new)
            // A name that leads to nothing yet would be an empty file after a crash.
            .and_then(|_| new.sync_data())
            .and_then(|()| fs::rename(&path, self.path()));
        if copied.is_err() {
            let _ = fs::remove_file(&path);
        }
        copied
    }

    /// Removes all outputs but the `most` newest. Every task's end waits for it: where
    /// there are no more, none is looked at.
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

    /// Removes it. What cannot be removed (root has written into it) gets another name, so
    /// that the next app of this name does not find it.
    ///
    /// # Errors
    /// It can neither be removed nor renamed.
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

    /// Its app is there.
    ///
    /// # Errors
    /// It cannot be written down.
    pub(crate) fn is_back(&self) -> io::Result<()> {
        or_none(fs::remove_file(Missing::path(&self.0)))
    }

    /// Its app is missing: removes it when that has been so at every sweep for a day.
    ///
    /// # Errors
    /// It cannot be written down, or removed.
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

    /// Makes it another app's, in the place of what that has.
    ///
    /// # Errors
    /// It cannot be moved.
    pub(crate) fn rename(&self, new: &Self) -> io::Result<()> {
        let Some(_lock) = self.lock()? else {
            return Ok(());
        };
        new.remove()?;
        fs::rename(&self.0, &new.0)
    }

    /// The directory's lock; `None` when there is no directory.
    fn lock(&self) -> io::Result<Option<File>> {
        loop {
            let Some(directory) = found(regular_file::directory(&self.0))? else {
                return Ok(None);
            };
            directory.lock()?;
            // It may have been removed or renamed while we waited.
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

/// The files that are still there, and how long ago each was written.
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

/// A new file that only we may read, in place of one that was left.
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

/// The names of the directories in one.
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
