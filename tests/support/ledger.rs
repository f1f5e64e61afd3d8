//! What tasks and hooks write down themselves. Tests trust it more than docker and the plugin.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{App, Host};

/// A directory that is mounted at `/ledger` in every task of an app. A container is identified by
/// its host name, which is the beginning of its id.
pub struct Ledger {
    directory: TempDir,
    app: String,
}

/// The lines of one container.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Account {
    /// The notes of the container's starts.
    pub started: Vec<String>,
    pub ended: usize,
    /// The exit codes with which `scheduler-post-run` was fired.
    pub told: Vec<i32>,
}

impl Ledger {
    /// A ledger without a hook; [`Ledger::end`] is the script of one.
    pub fn new(app: &App<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let mount = format!("-v {}:/ledger", directory.path().display());
        app.dokku_ok("docker-options:add", &["run", &mount]);
        Self {
            directory,
            app: app.name.clone(),
        }
    }

    /// A ledger with a hook that writes down each end.
    pub fn with_hook(host: &Host, app: &App<'_>) -> Self {
        let ledger = Self::new(app);
        host.add_hook("oneoff-test-ledger", "scheduler-post-run", &ledger.end());
        ledger
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A command that writes down its start with the note, runs `script`, writes down its end, and
    /// exits with `code`.
    pub fn task(note: &str, script: &str, code: i32) -> [String; 3] {
        let line = |file: &str, text: &str| format!("echo \"$(hostname) {text}\" >>/ledger/{file}");
        let script = format!(
            "{}; {script}; {}; exit {code}",
            line("started", note),
            line("ended", "")
        );
        ["sh".to_owned(), "-c".to_owned(), script]
    }

    /// The script of a hook `scheduler-post-run` that writes down the ends of this app's tasks.
    pub fn end(&self) -> String {
        format!(
            "[ \"$2\" != {} ] || echo \"$3 $4\" >>{}",
            self.app,
            self.file("told").display()
        )
    }

    /// What has been written so far, by container.
    pub fn accounts(&self) -> BTreeMap<String, Account> {
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        for (container, note) in self.lines("started") {
            accounts.entry(container).or_default().started.push(note);
        }
        for (container, _) in self.lines("ended") {
            accounts.entry(container).or_default().ended += 1;
        }
        for (container, code) in self.lines("told") {
            let code = code.parse().expect("an exit code");
            accounts.entry(container).or_default().told.push(code);
        }
        accounts
    }

    /// Removes all lines.
    pub fn clear(&self) {
        for name in ["started", "ended", "told"] {
            let _ = fs::remove_file(self.file(name));
        }
    }

    fn lines(&self, name: &str) -> Vec<(String, String)> {
        const HOST_NAME: usize = 12;
        let text = fs::read_to_string(self.file(name)).unwrap_or_default();
        let words = text
            .lines()
            .map(|line| line.split_once(' ').expect("two words"));
        words
            .map(|(container, rest)| (container[..HOST_NAME].to_owned(), rest.to_owned()))
            .collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}
