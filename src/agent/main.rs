//! What outlives a command: not for users, started by the other binaries.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::agent::{finalize, restore_terminal, supervise};
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::sys::process;
use crate::task::attach::terminal;
use crate::task::handoff::{finalizer, supervisor};
use crate::ui::output::print;

/// `agent --start-supervisor <container>`, `agent --supervise <container>`,
/// `agent --finalize <container> <open file> <end>…`, which prints an exit code, or
/// `agent --watch-terminal`.
///
/// # Errors
/// Other arguments, or there can be no supervisor.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words[..] {
        [terminal::WATCH_TERMINAL] => restore_terminal::run_watchdog(),
        [supervisor::START_SUPERVISOR, name] => {
            supervisor::start_supervisor(&Host::without_flags()?, name)?;
        }
        [supervisor::SUPERVISE, name] => {
            // Away from the caller's terminal; it fails only where we are that already.
            let _ = rustix::process::setsid();
            process::inherited::reset();
            let host = Host::without_flags()?.in_background();
            let docker = Docker::for_host(&host)?;
            supervise::run(host, docker, name)?;
        }
        [finalizer::FINALIZE, name, lines, ref end @ ..] => {
            let host = Host::without_flags()?;
            let docker = Docker::for_host(&host)?;
            let code = finalize::run(&host, &docker, name, lines, end)?;
            print(&format!("{code}\n"))?;
        }
        _ => bail!("this program is started by 'dokku run'"),
    }
    Ok(0)
}
