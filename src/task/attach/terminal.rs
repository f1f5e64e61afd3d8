//! The user's terminal, which docker's client puts into raw mode.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, setsid};
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
pub(crate) const WATCH_TERMINAL: &str = "--terminal";

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

/// The watcher: its stdin is a socket to the one it watches, its stdout the
/// terminal.
///
/// In a session of its own no key and no hang-up ends it, and it may set the
/// terminal's modes when the user's shell has taken the terminal back: a process
/// of the shell's session in the background may not (tcsetattr(3), `SIGTTOU`).
pub(crate) fn run_watchdog() {
    let Ok(modes) = tcgetattr(io::stdout()) else {
        return;
    };
    let _ = setsid();
    let Ok(mut watched) = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
    else {
        return;
    };
    let _ = watched.write_all(b".");
    let mut watched = BufReader::new(watched);
    let mut pid = String::new();
    // An id alone could be somebody else's by the time it is used.
    let client = match watched.read_line(&mut pid) {
        Ok(_) => pid.trim_end().parse().ok().and_then(Pid::from_raw),
        Err(_) => return,
    };
    let client = client.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut rest = Vec::new();
    if watched.read_to_end(&mut rest).is_err() || pid.ends_with('.') || rest.ends_with(b".") {
        return;
    }
    // It has nothing to tidy up but the modes, and must not change them again. For
    // a task with a terminal it passes no signal on (docker/cli,
    // cli/command/container/start.go).
    if let Some(client) = client {
        let _ = pidfd_send_signal(client, Signal::KILL);
    }
    let _ = tcsetattr(io::stdout(), OptionalActions::Now, &modes);
}
