//! The request for a task.

use crate::settings::choices::{OnHangup, Policy};

/// A task as its user requests it; what Dokku knows of the app is added later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Environment values that override those of every other source; a later one overrides an
    /// earlier one.
    pub(crate) environment: Vec<(String, String)>,
    /// Labels from Dokku's global flags. A program that reads these flags itself gets the labels
    /// from Dokku.
    pub(crate) global_labels: Vec<(String, String)>,
    /// Labels from the command's own options.
    pub(crate) labels: Vec<(String, String)>,
    /// Seconds from the task's start to its deadline; `None` for no deadline.
    pub(crate) time_to_live: Option<u64>,
    /// The command line explicitly asks for no deadline.
    pub(crate) no_deadline: bool,
    pub(crate) cron: Option<Cron>,
    pub(crate) lock: Option<Lock>,
    /// Replaces the app's memory limit.
    pub(crate) memory: Option<String>,
    pub(crate) cpus: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) workdir: Option<String>,
    pub(crate) stdin: bool,
    pub(crate) tty: Tty,
    /// `None` for the default: the hang-up of a terminal stops the task, a pipe without a
    /// reader does not.
    pub(crate) on_hangup: Option<OnHangup>,
    pub(crate) syntax: CommandSyntax,
    /// The command and its arguments; empty for the app's shell.
    pub(crate) command: Vec<String>,
}

/// What the words of a command are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CommandSyntax {
    /// The first word may name a Procfile entry.
    #[default]
    EntryOrProgram,
    /// A program and its arguments (`--`).
    Program,
    /// Parts of one line for a shell of the image (`--shell`).
    ShellLine,
}

/// Whether the task gets a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tty {
    /// The task gets a terminal if both its input and its output are terminals.
    #[default]
    Auto,
    Never,
    Always,
}

/// A task of the app's crontab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    pub(crate) id: String,
    pub(crate) policy: Policy,
}

/// A named lock within the app (`--lock`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) name: String,
    pub(crate) policy: Policy,
}

impl Request {
    /// Core's container type: `cron` for a task with a cron id, else `run`.
    pub(crate) fn process_type(&self) -> &'static str {
        if self.cron.is_some() { "cron" } else { "run" }
    }
}
