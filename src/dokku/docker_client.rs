//! Which docker client Dokku uses.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::dokku::host::Host;
use crate::dokku::timeouts::DOCKER_TIMEOUT;
use crate::ui::exit::{self, Failure};

/// The program, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DockerClient {
    /// Its absolute path.
    pub(crate) program: PathBuf,
    /// How long docker may take to answer.
    pub(crate) timeout: Duration,
    /// Each call is printed on stderr.
    pub(crate) trace: bool,
}

impl Host {
    /// `DOCKER_BIN`, which may be a wrapper, or `docker`.
    ///
    /// # Errors
    /// There is none (exit code 125).
    pub(crate) fn docker_client(&self) -> Result<DockerClient> {
        let name = &self.docker_bin;
        let program = which::which(name).map_err(|_| {
            Failure::error(
                exit::DOCKER_FAILED,
                format!("'{name}' was not found: docker is needed to run a task"),
            )
        })?;
        Ok(DockerClient {
            program,
            timeout: self.timeout(DOCKER_TIMEOUT),
            trace: self.trace,
        })
    }
}
