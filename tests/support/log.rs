//! A file to which the hooks of a test write.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{App, Host};

/// Writable by the user that Dokku runs hooks as; removed when it is dropped.
pub struct Log(TempDir);

impl Log {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self(directory)
    }

    /// A log of the exit codes of the app's tasks, one per line, in the order in which hooks were
    /// notified.
    pub fn of_exit_codes(host: &Host, app: &App<'_>) -> Self {
        let log = Self::new();
        let file = log.path();
        let hook = format!("[ \"$2\" != {} ] || echo $4 >>{}", app.name, file.display());
        host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
        log
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
