//! The user's terminal, which docker's client puts into raw mode.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::background::{PROGRAM, own_program};
use crate::process::Call;

/// Gives the terminal back as it was: when this goes out of scope, and also when
/// our process is killed. Then a watcher does it, and ends docker's client, which
/// passes its signal on to the task.
pub(crate) struct Terminal(Option<Guarded>);

struct Guarded {
    modes: Termios,
    /// What the watcher reads: the client's process id, and at our good end a dot.
    watcher: io::PipeWriter,
}

/// The watcher's one argument.
pub(crate) const WATCH: &str = "--terminal";

impl Terminal {
    /// Notes the modes of the terminal on stdin; without one there is nothing to
    /// give back.
    ///
    /// # Errors
    /// The watcher could not be started.
    pub(crate) fn guard() -> Result<Self> {
        let Ok(modes) = tcgetattr(io::stdin()) else {
            return Ok(Self(None));
        };
        let (reader, watcher) = io::pipe().context("no pipe can be made")?;
        let terminal = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .context("the terminal cannot be kept")?;
        let program = own_program(PROGRAM)?;
        Call::new(&program, [WATCH])
            .start_between(reader, terminal)
            .with_context(|| {
                format!(
                    "'{}' could not be started to watch the terminal",
                    program.display()
                )
            })?;
        Ok(Self(Some(Guarded { modes, watcher })))
    }

    /// Tells the watcher which process is docker's client.
    pub(crate) fn client_is(&mut self, pid: Option<u32>) {
        if let (Some(guarded), Some(pid)) = (&mut self.0, pid) {
            let _ = write!(guarded.watcher, "{pid}");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(mut guarded) = self.0.take() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &guarded.modes);
            let _ = guarded.watcher.write_all(b".");
        }
    }
}

/// The watcher: its stdin is a pipe from the one it watches, its stdout the
/// terminal.
pub(crate) fn watch() {
    let Ok(modes) = tcgetattr(io::stdout()) else {
        return;
    };
    let mut said = String::new();
    if io::stdin().read_to_string(&mut said).is_err() || said.ends_with('.') {
        return;
    }
    if let Some(client) = said.parse().ok().and_then(Pid::from_raw) {
        let _ = kill_process(client, Signal::TERM);
    }
    let _ = tcsetattr(io::stdout(), OptionalActions::Now, &modes);
}
