//! The user's terminal, which docker's client puts into raw mode.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::dokku::host::GLOBAL_FLAGS;
use crate::sys::process;
use crate::sys::process::ProcessBuilder;

/// Gives the terminal back as it was: when this goes out of scope, and also when
/// our process is killed. Then a watcher does it, and ends docker's client.
pub(crate) struct TerminalGuard {
    modes: Termios,
    /// What the watcher reads: the client's process id on a line, and at our good
    /// end a dot.
    watchdog: UnixStream,
}

/// The watcher's one argument.
pub(crate) const WATCH_TERMINAL: &str = "--watch-terminal";

impl TerminalGuard {
    /// Notes the modes of the terminal on stdin; `None` without one: then there is
    /// nothing to give back.
    ///
    /// # Errors
    /// The watcher could not be started.
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
            .spawn_with_stdio(theirs.into(), terminal)
            .with_context(|| {
                format!(
                    "'{}' could not be started to watch the terminal",
                    program.display()
                )
            })?;
        // Docker's client must not change the modes before the watcher has them.
        let _ = watcher.read(&mut [0]);
        Ok(Some(Self {
            modes,
            watchdog: watcher,
        }))
    }

    /// Tells the watcher which process is docker's client.
    pub(crate) fn set_client(&mut self, pid: Option<u32>) {
        if let Some(pid) = pid {
            let _ = writeln!(self.watchdog, "{pid}");
        }
    }

    /// Gives the terminal back already: docker's client has gone and did not.
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
