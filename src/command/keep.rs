//! What outlives a command: not for users, started by the other binaries.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::task::background::{self, Running};
use crate::task::terminal;

/// `keep <app> <container id> <its name> <stop timeout> <seconds left or nothing>`, or
/// `keep --terminal`.
///
/// # Errors
/// Other arguments, or docker gives no answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words[..] {
        [terminal::WATCH] => terminal::watch(),
        [app, id, name, stop_timeout, time_left] => {
            // Away from the caller's terminal; it fails only where we are that already.
            let _ = rustix::process::setsid();
            let host = Host::without_flags()?;
            let docker = Docker::new(host.docker()?, host.trace);
            let (stop_timeout, time_left) = (stop_timeout.parse()?, time_left.parse().ok());
            background::run(
                &host,
                &docker,
                &Running {
                    app,
                    id,
                    name,
                    stop_timeout,
                    time_left,
                },
            )?;
        }
        _ => bail!("this program is started by 'dokku run'"),
    }
    Ok(0)
}
