//! A directory that a test shares with its tasks, for waiting for each other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{App, wait_until};

/// A directory that is mounted at `/gate` in every task of the app.
pub struct Gate(TempDir);

impl Gate {
    /// A command that creates the file `ready` and waits until the gate is opened.
    pub const WAIT: [&str; 3] = [
        "sh",
        "-c",
        "touch /gate/ready; while [ ! -e /gate/go ]; do sleep 0.05; done",
    ];

    pub fn new(app: &App<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        app.dokku_ok(
            "docker-options:add",
            &["run", &format!("-v {}:/gate", directory.path().display())],
        );
        Self(directory)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Waits until a task has created `ready`, and removes the file for the next task.
    pub fn wait(&self) {
        wait_until("the task runs", || {
            self.path("ready").exists().then_some(())
        });
        fs::remove_file(self.path("ready")).unwrap();
    }

    /// Lets the waiting tasks continue.
    pub fn open(&self) {
        fs::write(self.path("go"), "").unwrap();
    }

    pub fn close(&self) {
        let _ = fs::remove_file(self.path("go"));
    }
}
