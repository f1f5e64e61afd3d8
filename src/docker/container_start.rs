//! `docker container start --attach`

use std::io::IsTerminal;

use anyhow::{Context, Result};
use duct::Handle;
use rustix::termios::{LocalModes, tcgetattr};

use crate::docker::{Docker, error_line};
use crate::sys::process::Eof;

/// Docker's own begin with Ctrl-P, which every shell has a use for and which it
/// holds back until the next key.
pub(crate) const DETACH_KEYS: &str = "--detach-keys=ctrl-],ctrl-q";

impl Docker {
    /// Starts the container. Gives why docker's client could not, in a sentence: where
    /// it was killed, the container may have been started all the same.
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

    /// Starts the container and its client, which carries our standard streams:
    /// stdin only when `stdin` is set. The client's own exit code is docker's
    /// idea of it; the container has the truth.
    ///
    /// With a `terminal` the client of a user's terminal stays in our process
    /// group: in raw mode every key goes to the task, and a group in the background
    /// could not read it.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_start_attached(
        &self,
        id: &str,
        stdin: bool,
        terminal: bool,
    ) -> Result<Handle> {
        let mut arguments = vec!["container", "start", "--attach"];
        if stdin {
            arguments.push("--interactive");
        }
        if terminal {
            arguments.push(DETACH_KEYS);
        }
        arguments.extend(["--", id]);
        // In the background of a terminal it would be stopped by its first output.
        let mut call = if stops_background_writers() && !terminal {
            self.call_in_session(&arguments)
        } else {
            self.call(&arguments)
        };
        if stdin {
            call = match (terminal, std::io::stdin().is_terminal()) {
                (true, true) => call.inherit_stdin().caller_group(),
                // A terminal that is not handed on we read ourselves, for the same
                // reason.
                (false, true) => call.relay_stdin(Eof::Close),
                // Where the input of a terminal ends, docker closes its output
                // (moby, container/stream/attach.go): the end is typed instead.
                (true, false) => call.relay_stdin(Eof::TypeCtrlD),
                (false, false) => call.inherit_stdin(),
            };
        }
        call.spawn().context("docker's client could not be started")
    }
}

/// Whether one of our outputs is a terminal that stops whoever writes to it from the
/// background (`stty tostop`).
fn stops_background_writers() -> bool {
    let modes = [tcgetattr(std::io::stdout()), tcgetattr(std::io::stderr())];
    modes
        .into_iter()
        .flatten()
        .any(|modes| modes.local_modes.contains(LocalModes::TOSTOP))
}
