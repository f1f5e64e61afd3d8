//! Removal of a store, of its oldest outputs, and of what belongs to no app any more; renaming.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::dokku::host::Host;
use crate::record::store::missing::Missing;
use crate::record::store::{Store, create_private, directories, ignore_missing, missing};
use crate::sys::regular_file;

/// The process that was saving an output for longer than this does not exist any more.
const STALE_OUTPUT_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The prefix of the name of a store that could not be removed. No app's name begins like this.
const RENAMED_PREFIX: &str = ".removed-";

impl Store {
    /// Removes the stores that [`Store::remove`] could only rename. Errors are ignored: `remove`
    /// has printed a warning.
    pub(crate) fn remove_renamed(host: &Host) {
        let all = Self::root(host);
        for name in directories(&all).filter(|name| name.starts_with(RENAMED_PREFIX)) {
            let _ = fs::remove_dir_all(all.join(name));
        }
    }

    /// Removes the output of a task whose app does not exist any more, so that the next app of
    /// that name does not get it, and the store if it is empty. A store that is not empty is still
    /// to be removed with its app.
    pub(super) fn remove_orphan(&self, id: &str) {
        let _ = fs::remove_file(self.output(id));
        let _ = fs::remove_dir(self.outputs());
        let _ = fs::remove_dir(&self.0);
    }

    /// Removes all outputs but the `max_outputs` newest, and stale unfinished ones. Every task's
    /// teardown waits for this, so the ages of finished outputs are read only if there are more
    /// than `max_outputs`.
    pub(crate) fn prune_outputs(&self, max_outputs: usize) {
        if regular_file::directory(&self.outputs()).is_err() {
            return;
        }
        let files = fs::read_dir(self.outputs()).into_iter().flatten().flatten();
        let (unfinished, finished): (Vec<_>, Vec<_>) = files
            .map(|file| file.path())
            .partition(|path| path.extension().is_some());
        let unfinished = aged(unfinished)
            .into_iter()
            .filter(|(age, _)| *age > STALE_OUTPUT_AGE);
        let mut old = Vec::new();
        if finished.len() > max_outputs {
            old = aged(finished);
            old.sort();
            old.drain(..max_outputs.min(old.len()));
        }
        for (_, path) in old.into_iter().chain(unfinished) {
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
            return ignore_missing(fs::remove_file(&self.0));
        }
        let removed = self.lock().and_then(|lock| match lock {
            Some(_lock) => fs::remove_dir_all(&self.0),
            None => Ok(()),
        });
        removed.or_else(|error| self.rename_for_removal().map_err(|_| error))
    }

    fn rename_for_removal(&self) -> io::Result<()> {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let now = missing::unix_seconds(SystemTime::now());
        let new_name = format!("{RENAMED_PREFIX}{name}-{now}-{}", std::process::id());
        fs::rename(&self.0, self.0.with_file_name(new_name))
    }

    /// Resets the time for which the app has been missing, after the app was found.
    ///
    /// # Errors
    /// The file `missing` cannot be removed.
    pub(crate) fn reset_missing(&self) -> io::Result<()> {
        ignore_missing(fs::remove_file(Missing::path(&self.0)))
    }

    /// The app is missing: removes the store if every sweep for a day has found it missing.
    ///
    /// # Errors
    /// The file `missing` cannot be written, or the store cannot be removed.
    pub(crate) fn remove_when_long_missing(&self, now: SystemTime) -> io::Result<()> {
        let Some(_lock) = self.lock()? else {
            return Ok(());
        };
        let missing = Missing::read(&self.0).after_sweep(now);
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

#[cfg(test)]
mod tests;
