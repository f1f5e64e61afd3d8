//! The commands, one file per subcommand: its options, then its steps.

pub(crate) mod attach;
pub(crate) mod common;
pub(crate) mod detached;
pub(crate) mod exec;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod plugn;
pub(crate) mod report;
pub(crate) mod retire;
pub(crate) mod run;
pub(crate) mod set;
pub(crate) mod stop;
pub(crate) mod usage;
pub(crate) mod wait;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::dokku::system_user;
use crate::ui::exit;
use crate::ui::exit::ExitStatus;

/// Runs a command with its typed words.
pub(crate) fn entry(command: fn(&[OsString]) -> anyhow::Result<ExitStatus>) -> ExitCode {
    exit::status(
        system_user::refuse_root()
            .and_then(|()| crate::cli::common::ssh_words::as_typed(exit::arguments()))
            .and_then(|words| command(&words)),
    )
}
