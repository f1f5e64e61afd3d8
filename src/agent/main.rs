//! The entry point of `bin/agent`, whose processes work next to a command or outlive it. Only
//! the plugin's binaries start it; users do not.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::agent::{finalize, restore_terminal, supervise};
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::sys::process;
use crate::task::attach::terminal;
use crate::task::handoff::{finalizer, supervisor};
use crate::ui::exit::ExitStatus;
use crate::ui::output::print;

/// Runs `agent --start-supervisor <container>`, `agent --supervise <container>`, `agent
/// --finalize <container> <open file> <task exit>…`, which prints an exit code, or `agent
/// --watch-terminal`.
///
/// # Errors
/// The arguments are not valid, or the mode fails; e.g. no supervisor can be started.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words[..] {
        [terminal::WATCH_TERMINAL] => restore_terminal::run_watchdog(),
        [supervisor::START_SUPERVISOR, name] => {
            supervisor::start_supervisor(&Host::without_flags()?, name)?;
        }
        [supervisor::SUPERVISE, name] => {
            // A session of its own, without the caller's terminal. This fails only for the
            // leader of a process group, e.g. if the process has a session of its own already
            // (setsid(2)).
            let _ = rustix::process::setsid();
            process::inherited::reset();
            let host = Host::without_flags()?.in_background();
            let docker = Docker::for_host(&host)?;
            supervise::run(host, docker, name)?;
        }
        [finalizer::FINALIZE, name, unflushed_fd, ref exit @ ..] => {
            let host = Host::without_flags()?;
            let docker = Docker::for_host(&host)?;
            let code = finalize::run(&host, &docker, name, unflushed_fd, exit)?;
            print(&format!("{code}\n"))?;
        }
        _ => bail!("this program is started by 'dokku run'"),
    }
    Ok(ExitStatus::SUCCESS)
}
