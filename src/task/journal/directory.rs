//! The directory of all journals.

use std::fs;
use std::path::PathBuf;

use crate::dokku::host::Host;
use crate::settings::validate;
use crate::sys::regular_file;
use crate::task::journal::file_lock;

/// The names of all containers that have a journal. Directory entries that are not files, or
/// whose name is not a container's, are skipped.
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

/// The result of an attempt to lock all journals.
pub(crate) enum AllLocked {
    /// The current process holds the lock; the file is `None` if the directory of journals
    /// cannot even be read.
    ByUs {
        _directory: Option<fs::File>,
    },
    ByAnother,
}

/// Locks the directory of journals, without waiting. The holder of this lock may act on tasks
/// whose journals cannot be written, as long as the work needs no disk.
pub(crate) fn lock_all(host: &Host) -> AllLocked {
    match regular_file::directory(&directory(host)) {
        Ok(directory) if directory.try_lock().is_err() => AllLocked::ByAnother,
        directory => AllLocked::ByUs {
            _directory: directory.ok(),
        },
    }
}

pub(super) fn directory(host: &Host) -> PathBuf {
    file_lock::data_directory(host).join("tasks")
}
