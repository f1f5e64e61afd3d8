//! `docker container attach`

use std::io::IsTerminal;

use anyhow::{Context, Result};
use duct::Handle;

use crate::docker::Docker;
use crate::docker::container_start::DETACH_KEYS;

impl Docker {
    /// Starts a client that joins a running container with our streams, stdin only
    /// when `stdin` is set. It passes no signal on: whoever only joined leaves by it.
    /// With the container's `terminal` and our own every key goes to the task.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_attach(&self, id: &str, stdin: bool) -> Result<Handle> {
        let mut arguments = vec!["container", "attach", "--sig-proxy=false", DETACH_KEYS];
        if !stdin {
            arguments.push("--no-stdin");
        }
        arguments.extend(["--", id]);
        let mut call = self.call(&arguments);
        if stdin {
            call = call.inherit_stdin();
            // A group in the background could not read a terminal.
            if std::io::stdin().is_terminal() {
                call = call.caller_group();
            }
        }
        call.spawn().context("docker's client could not be started")
    }
}
