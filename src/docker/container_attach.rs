//! `docker container attach`

use std::io::IsTerminal;

use anyhow::{Context, Result};

use crate::docker::Docker;
use crate::docker::container_start::DETACH_KEYS;
use crate::sys::process::{Child, Stdin};

impl Docker {
    /// Starts a docker client that attaches our streams to a running container, stdin only when
    /// `stdin` is set. The client forwards no signal (`--sig-proxy=false`): for a user who has only
    /// attached, a signal ends the client and not the task. If the task has a terminal and we have
    /// one, every key goes to the task.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_attach(&self, id: &str, stdin: bool) -> Result<Child> {
        let mut arguments = vec!["container", "attach", "--sig-proxy=false", DETACH_KEYS];
        if !stdin {
            arguments.push("--no-stdin");
        }
        arguments.extend(["--", id]);
        let mut call = self.call(&arguments);
        if stdin {
            call = call.stdin(Stdin::Inherit);
            // A background process group cannot read from the terminal.
            if std::io::stdin().is_terminal() {
                call = call.caller_group();
            }
        }
        call.checked_output()
            .spawn()
            .context("docker's client could not be started")
    }
}
