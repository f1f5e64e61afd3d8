//! A file to which the hooks of a test write.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

/// Writable by the user that Dokku runs hooks as; removed when it is dropped.
pub struct Log(TempDir);

impl Log {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self(directory)
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// What has been written so far.
    pub fn read(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// What has been written so far; the file is removed.
    pub fn take(&self) -> String {
        let text = self.read();
        let _ = fs::remove_file(self.path());
        text
    }
}
