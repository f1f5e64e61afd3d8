//! One file a subcommand: its options, then its steps.

use std::io::Write;

pub(crate) mod attach;
mod chosen;
pub(crate) mod detached;
mod ending;
pub(crate) mod exec;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod keep;
pub(crate) mod list;
mod list_entry;
pub(crate) mod logs;
mod options;
pub(crate) mod report;
pub(crate) mod retire;
pub(crate) mod run;
pub(crate) mod set;
mod start;
pub(crate) mod stop;
mod table;
mod task_options;
pub(crate) mod wait;
mod when;

/// To stdout, where a command of ours has something to say there. A reader that
/// has gone is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
