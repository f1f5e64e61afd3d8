//! `docker container logs`

use std::io::{self, PipeReader};

use anyhow::{Context, Result};

use crate::docker::Docker;
use crate::sys::process::{Child, Stderr, Stdout};

/// Which part of the logs to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogSelection {
    /// A number of lines from the end, or `all`.
    pub(crate) tail: String,
    /// Whether to wait for further output.
    pub(crate) follow: bool,
    pub(crate) since: Option<String>,
}

/// A docker client that prints logs, and the pipes from it.
pub(crate) struct LogClient {
    pub(crate) client: Child,
    pub(crate) stdout: PipeReader,
    /// `None` if stderr is part of `stdout`, in the order in which the task has written both.
    pub(crate) stderr: Option<PipeReader>,
}

impl Docker {
    /// Starts to read a container's logs, each entry preceded by its time. With `follow` the client
    /// exits when the container does. The client is in our process group, so that Ctrl-C ends it as
    /// well. With `separate_stderr`, stderr has a pipe of its own.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_logs(
        &self,
        id: &str,
        selection: &LogSelection,
        separate_stderr: bool,
    ) -> Result<LogClient> {
        let mut arguments = ["container", "logs", "--timestamps"]
            .map(str::to_owned)
            .to_vec();
        arguments.push(format!("--tail={}", selection.tail));
        arguments.extend(selection.follow.then(|| "--follow".to_owned()));
        arguments.extend(
            selection
                .since
                .iter()
                .map(|since| format!("--since={since}")),
        );
        arguments.extend(["--".to_owned(), id.to_owned()]);
        let call = self.call(&arguments).caller_group();
        let start = || -> io::Result<LogClient> {
            let (stdout, to_stdout) = io::pipe()?;
            let (stderr, to_stderr) = if separate_stderr {
                let (stderr, to_stderr) = io::pipe()?;
                (Some(stderr), to_stderr)
            } else {
                (None, to_stdout.try_clone()?)
            };
            Ok(LogClient {
                client: call
                    .stdout(Stdout::File(to_stdout.into()))
                    .stderr(Stderr::File(to_stderr.into()))
                    .spawn()?,
                stdout,
                stderr,
            })
        };
        start().context("docker's client could not be started")
    }
}
