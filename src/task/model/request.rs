//! What is asked of a task.

use crate::settings::choices::{OnHangup, Policy};

/// A task as its user wants it; what Dokku knows of the app is added later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Values that win over every other source, in order.
    pub(crate) environment: Vec<(String, String)>,
    /// Dokku's global flags; whoever reads those gets these from Dokku.
    pub(crate) global_labels: Vec<(String, String)>,
    /// Those of the task's own options.
    pub(crate) labels: Vec<(String, String)>,
    /// Seconds from its start to its deadline; `None` for no deadline.
    pub(crate) time_to_live: Option<u64>,
    /// The command itself says that there is to be none.
    pub(crate) no_deadline: bool,
    pub(crate) cron: Option<Cron>,
    pub(crate) lock: Option<Lock>,
    /// In place of the app's limits.
    pub(crate) memory: Option<String>,
    pub(crate) cpus: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) workdir: Option<String>,
    pub(crate) stdin: bool,
    pub(crate) tty: Tty,
    /// `None` for the usual: a terminal that hangs up stops the task, a pipe without
    /// a reader does not.
    pub(crate) on_hangup: Option<OnHangup>,
    /// The first word is no Procfile entry, whatever the Procfile says.
    pub(crate) skips_procfile: bool,
    /// Empty for the app's shell.
    pub(crate) command: Vec<String>,
}

/// Whether the task gets a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tty {
    /// When its input and its output both are one.
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

/// A lock by name, within the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) name: String,
    pub(crate) policy: Policy,
}

impl Request {
    /// Core's container type: `run`, or `cron` for what has a cron id.
    pub(crate) fn process_type(&self) -> &'static str {
        if self.cron.is_some() { "cron" } else { "run" }
    }
}
