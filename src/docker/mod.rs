//! What docker does, one file a verb. Arguments are built purely; only
//! [`Docker::call`] starts anything.

pub(crate) mod container_attach;
pub(crate) mod container_config;
pub(crate) mod container_cp;
pub(crate) mod container_create;
pub(crate) mod container_exec;
pub(crate) mod container_inspect;
pub(crate) mod container_kill;
pub(crate) mod container_logs;
pub(crate) mod container_ls;
pub(crate) mod container_remove;
pub(crate) mod container_start;
pub(crate) mod container_stop;
pub(crate) mod container_wait;
pub(crate) mod image_inspect;
pub(crate) mod image_pull;
pub(crate) mod option;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Output;

use anyhow::Result;

use crate::dokku::message;
use crate::exit::{self, Failure};
use crate::process::Call;

/// The docker client.
pub(crate) struct Docker {
    program: PathBuf,
    trace: bool,
}

impl Docker {
    /// `program` is its absolute path; with `trace` every call is shown on
    /// stderr, without its input and its environment.
    pub(crate) fn new(program: PathBuf, trace: bool) -> Self {
        Self { program, trace }
    }

    /// A call in a process group of its own. Without that a Ctrl-C would also
    /// end docker's client, which then leaves half-made containers behind.
    fn call<S: AsRef<str>>(&self, arguments: &[S]) -> Call {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        if self.trace {
            message::plain(&format!("+ docker {}", shell_words::join(&arguments)));
        }
        Call::new(&self.program, arguments).own_group()
    }

    /// A call in a session of its own, by setsid(1): what it writes to a terminal
    /// that is not its own's is not held up. The same as [`Docker::call`] where there
    /// is no such program.
    fn call_in_session<S: AsRef<str>>(&self, arguments: &[S]) -> Call {
        let Ok(setsid) = which::which("setsid") else {
            return self.call(arguments);
        };
        let docker = self.program.as_os_str().to_owned();
        let arguments = arguments
            .iter()
            .map(|argument| OsString::from(argument.as_ref()));
        Call::new(&setsid, std::iter::once(docker).chain(arguments))
    }

    fn capture(&self, call: Call) -> Result<Output> {
        call.capture().map_err(|error| {
            Failure::error(
                exit::DOCKER,
                format!("'{}' could not be started: {error}", self.program.display()),
            )
        })
    }
}

/// What docker says went wrong, in one line.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("it gave no reason")
        .trim_start_matches("docker: ")
        .trim_start_matches("Error response from daemon: ")
        .trim_start_matches("Error: ");
    line.to_owned()
}

fn failure(what: &str, output: &Output) -> anyhow::Error {
    Failure::error(
        exit::DOCKER,
        format!("docker could not {what}: {}", complaint(output)),
    )
}
