//! The user's terminal, which docker's client puts into raw mode.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::dokku::host::GLOBAL_FLAGS;
use crate::sys::process;
use crate::sys::process::{ProcessBuilder, Stderr, Stdin, Stdout};

/// Restores the terminal's modes when the guard is dropped. If our process is killed, the terminal
/// watchdog restores them instead and ends docker's client.
pub(crate) struct TerminalGuard {
    modes: Termios,
    /// The socket that the watchdog reads: the process id of docker's client as one line, and a
    /// dot when the guard is dropped.
    watchdog: UnixStream,
}

/// The only argument of the terminal watchdog.
pub(crate) const WATCH_TERMINAL: &str = "--watch-terminal";

impl TerminalGuard {
    /// Saves the modes of the terminal on stdin and starts the watchdog; `None` if stdin is not a
    /// terminal: then there is nothing to restore.
    ///
    /// # Errors
    /// The watchdog could not be started.
    pub(crate) fn save() -> Result<Option<Self>> {
        let Ok(modes) = tcgetattr(io::stdin()) else {
            return Ok(None);
        };
        let (mut watcher, theirs) = UnixStream::pair().context("no socket can be made")?;
        let terminal = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .context("the terminal cannot be kept")?;
        let program = process::agent_path().context("our own program's path cannot be read")?;
        ProcessBuilder::new(&program, [WATCH_TERMINAL])
            .env_remove(GLOBAL_FLAGS)
            .stdin(Stdin::File(theirs.into()))
            .stdout(Stdout::File(terminal))
            .stderr(Stderr::Null)
            .spawn()
            .with_context(|| {
                format!(
                    "'{}' could not be started to watch the terminal",
                    program.display()
                )
            })?;
        // Docker's client must not change the modes before the watchdog has saved them.
        let _ = watcher.read(&mut [0]);
        Ok(Some(Self {
            modes,
            watchdog: watcher,
        }))
    }

    /// Sends the process id of docker's client to the watchdog.
    pub(crate) fn set_client(&mut self, pid: Option<u32>) {
        if let Some(pid) = pid {
            let _ = writeln!(self.watchdog, "{pid}");
        }
    }

    /// Restores the modes before the guard is dropped, for a docker client that has ended without
    /// restoring them.
    pub(crate) fn restore(&self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.modes);
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.restore();
        let _ = self.watchdog.write_all(b".");
    }
}
