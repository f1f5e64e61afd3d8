//! `docker container start --attach`

use std::io::IsTerminal;

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, tcgetattr};

use crate::docker::{Docker, error_line};
use crate::sys::process::{Child, Eof, Stdin};

/// docker's default keys begin with Ctrl-P, which shells use themselves, and which docker would
/// hold back until the next key.
pub(crate) const DETACH_KEYS: &str = "--detach-keys=ctrl-],ctrl-q";

impl Docker {
    /// Starts the container. Returns a sentence with the reason if docker's client failed. If the
    /// client was killed, the container may have been started all the same.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_start(&self, id: &str) -> Result<Option<String>> {
        let output = self.capture(self.call(&["container", "start", "--", id]))?;
        if output.status.success() {
            return Ok(None);
        }
        Ok(Some(format!(
            "docker could not start the container: {}",
            error_line(&output)
        )))
    }

    /// Starts the container with a client that forwards our standard streams: stdin only when
    /// `stdin` is set. The client's exit code is not reliable; the container's state is.
    ///
    /// If both the container and the user have a terminal, the client stays in our process group:
    /// the terminal is in raw mode, so every key goes to the task, and a background process group
    /// could not read it.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_start_attached(
        &self,
        id: &str,
        stdin: bool,
        terminal: bool,
    ) -> Result<Child> {
        let mut arguments = vec!["container", "start", "--attach"];
        if stdin {
            arguments.push("--interactive");
        }
        if terminal {
            arguments.push(DETACH_KEYS);
        }
        arguments.extend(["--", id]);
        // A client in the background of such a terminal would be stopped by its first output.
        let mut call = if stops_background_writers() && !terminal {
            self.call_in_session(&arguments)
        } else {
            self.call(&arguments)
        };
        if stdin {
            call = match (terminal, std::io::stdin().is_terminal()) {
                (true, true) => call.stdin(Stdin::Inherit).caller_group(),
                // We read a terminal ourselves if the task has none, because a client in a
                // background process group could not read it.
                (false, true) => call.stdin(Stdin::Relay(Eof::Close)),
                // At the end of a client's stdin, docker also closes the output of a task with a
                // terminal (moby, container/stream/attach.go). Therefore Ctrl-D is sent instead of
                // the end.
                (true, false) => call.stdin(Stdin::Relay(Eof::TypeCtrlD)),
                (false, false) => call.stdin(Stdin::Inherit),
            };
        }
        call.checked_output()
            .spawn()
            .context("docker's client could not be started")
    }
}

/// Whether stdout or stderr is a terminal that stops background processes that write to it (`stty
/// tostop`).
fn stops_background_writers() -> bool {
    let modes = [tcgetattr(std::io::stdout()), tcgetattr(std::io::stderr())];
    modes
        .into_iter()
        .flatten()
        .any(|modes| modes.local_modes.contains(LocalModes::TOSTOP))
}
