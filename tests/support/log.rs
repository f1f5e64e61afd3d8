//! A file that the hooks of a test write to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

/// Whoever Dokku runs hooks as may write it; gone at the end.
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

    /// What was written so far.
    pub fn read(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// The same, and nothing of it is there any more.
    pub fn take(&self) -> String {
        let text = self.read();
        let _ = fs::remove_file(self.path());
        text
    }
}
