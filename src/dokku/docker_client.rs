//! The docker client that Dokku uses.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::dokku::timeouts::DOCKER_TIMEOUT;
use crate::ui::exit::{ExitStatus, Failure};

/// The client's program, its timeout, and whether its calls are printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DockerClient {
    /// The absolute path of the program.
    pub(crate) program: PathBuf,
    /// How long docker may take to answer (property `docker-timeout`).
    pub(crate) timeout: Duration,
    /// Whether each call is printed on stderr.
    pub(crate) trace: bool,
}

impl DockerClient {
    /// The program of `DOCKER_BIN`, which may be a wrapper, or else `docker`.
    ///
    /// # Errors
    /// The program is not found (exit code 125).
    pub(crate) fn find(host: &Host) -> Result<Self> {
        let name = &host.docker_bin;
        let program = which::which(name).map_err(|_| {
            Failure::error(
                ExitStatus::DOCKER_FAILED,
                format!("'{name}' was not found: docker is needed to run a task"),
            )
        })?;
        Ok(Self {
            program,
            timeout: DOCKER_TIMEOUT.in_effect(host),
            trace: host.trace,
        })
    }
}
