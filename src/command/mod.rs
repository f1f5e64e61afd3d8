//! One file a subcommand: its options, then its steps.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

pub(crate) mod attach;
mod chosen;
pub(crate) mod detached;
mod ending;
pub(crate) mod exec;
pub(crate) mod help;
pub(crate) mod history;
mod json;
pub(crate) mod keep;
pub(crate) mod list;
mod list_entry;
pub(crate) mod logs;
mod options;
pub(crate) mod plugn;
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
mod words;

use crate::dokku::system_user;
use crate::exit;

/// Runs a command on its words as they were typed.
pub(crate) fn entry(command: fn(&[OsString]) -> anyhow::Result<u8>) -> ExitCode {
    exit::status(
        system_user::refuse_root()
            .and_then(|()| words::as_typed(exit::arguments()))
            .and_then(|words| command(&words)),
    )
}

/// To stdout, where a command of ours has something to say there. A reader that
/// has gone is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
