//! The docker commands, one file per verb. Arguments are built by pure functions; [`Docker::call`]
//! and its variants build every process of docker's client.

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
pub(crate) mod container_state;
pub(crate) mod container_stop;
pub(crate) mod container_wait;
pub(crate) mod entrypoint;
pub(crate) mod events;
pub(crate) mod image_inspect;
pub(crate) mod image_pull;
pub(crate) mod option;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::Result;

use crate::dokku::docker_client::DockerClient;
use crate::dokku::host::GLOBAL_FLAGS;
use crate::dokku::host::Host;
use crate::sys::process;
use crate::sys::process::{ProcessBuilder, Stderr, Stdout};
use crate::ui::exit::{ExitStatus, Failure};
use crate::ui::message;

/// The docker client.
#[derive(Clone)]
pub(crate) struct Docker {
    program: PathBuf,
    timeout: Duration,
    trace: bool,
}

/// The kind of program that the client is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An ELF executable (elf(5)), as docker's own client is.
    #[default]
    Executable,
    /// Any other program: a script in some language.
    Script,
}

impl Kind {
    /// The kind of the file at this path. A file that cannot be read counts as a script, the kind
    /// about which less is known.
    fn of(program: &Path) -> Self {
        let mut first = [0; 4];
        let read = File::open(program).and_then(|mut file| file.read_exact(&mut first));
        match read {
            Ok(()) if first == *b"\x7fELF" => Self::Executable,
            _ => Self::Script,
        }
    }
}

impl Docker {
    /// The docker client that Dokku uses. With `--trace` every call is printed on stderr, without
    /// its input and its environment.
    ///
    /// # Errors
    /// There is no docker client (exit code 125).
    pub(crate) fn for_host(host: &Host) -> Result<Self> {
        let DockerClient {
            program,
            timeout,
            trace,
        } = DockerClient::find(host)?;
        Ok(Self {
            program,
            timeout,
            trace,
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::of(&self.program)
    }

    /// How long a call may take to answer.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A call in a process group of its own. Otherwise Ctrl-C would also end docker's client, which
    /// would leave incomplete containers behind.
    fn call<S: AsRef<str>>(&self, arguments: &[S]) -> ProcessBuilder {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        if self.trace {
            message::raw(&format!("+ docker {}", shell_words::join(&arguments)));
        }
        ProcessBuilder::new(&self.program, arguments)
            .env_remove(GLOBAL_FLAGS)
            .own_group()
    }

    /// A call in a session of its own, by setsid(1): the kernel does not stop a process for writing
    /// to a terminal that is not the controlling terminal of its session. The same as
    /// [`Docker::call`] if setsid(1) is not installed.
    fn call_in_session<S: AsRef<str>>(&self, arguments: &[S]) -> ProcessBuilder {
        self.call_via("setsid", &[], arguments)
            .unwrap_or_else(|| self.call(arguments))
    }

    /// A call that the kernel kills when the calling thread ends, by setpriv(1). The same as
    /// [`Docker::call`] if setpriv(1) is not installed.
    fn call_with_pdeathsig<S: AsRef<str>>(&self, arguments: &[S]) -> ProcessBuilder {
        let call = self.call_via("setpriv", &["--pdeathsig", "KILL", "--"], arguments);
        call.map_or_else(|| self.call(arguments), ProcessBuilder::own_group)
    }

    /// A call through another program, which executes docker's client. Returns `None` if that
    /// program is not installed.
    fn call_via<S: AsRef<str>>(
        &self,
        wrapper: &str,
        words: &[&str],
        arguments: &[S],
    ) -> Option<ProcessBuilder> {
        let wrapper = which::which(wrapper).ok()?;
        let words = words.iter().map(OsString::from);
        let arguments = arguments
            .iter()
            .map(|argument| OsString::from(argument.as_ref()));
        let docker = std::iter::once(self.program.as_os_str().to_owned());
        let call = ProcessBuilder::new(&wrapper, words.chain(docker).chain(arguments));
        Some(call.env_remove(GLOBAL_FLAGS))
    }

    /// Runs a call and returns its output. A call that waits for something other than docker, such
    /// as a stop timeout, may exceed the usual limit by `extra_time`.
    fn capture_with_extra_time(
        &self,
        call: ProcessBuilder,
        extra_time: Duration,
    ) -> Result<Output> {
        let limit = self.timeout.saturating_add(extra_time);
        let call = call.stdout(Stdout::Capture).stderr(Stderr::Capture);
        self.output_or_timeout(call, limit)
    }

    fn capture(&self, call: ProcessBuilder) -> Result<Output> {
        self.capture_with_extra_time(call, Duration::ZERO)
    }

    fn output_or_timeout(&self, call: ProcessBuilder, limit: Duration) -> Result<Output> {
        let reason = match call.limit(limit).run() {
            Ok(output) => return Ok(output),
            Err(error) if process::is_over_limit(&error) => format!(
                "docker did not answer within {} seconds (change this with 'dokku run:set --global docker-timeout')",
                limit.as_secs()
            ),
            Err(error) => format!("'{}' could not be started: {error}", self.program.display()),
        };
        Err(Failure::error(ExitStatus::DOCKER_FAILED, reason))
    }
}

/// The reason for docker's failure, in one line, for the user.
fn error_line(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = || {
        stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let line = lines()
        .find(|line| !line.starts_with("WARNING"))
        .or_else(|| lines().next())
        .unwrap_or("it gave no reason")
        .trim_start_matches("docker: ")
        .trim_start_matches("Error response from daemon: ")
        .trim_start_matches("Error: ");
    line.to_owned()
}

/// Whether any line of docker's error output contains this text, which is in lower case. A client
/// that cannot read its configuration begins the output of every call with a warning.
fn stderr_contains(output: &Output, text: &str) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    stderr.to_lowercase().contains(text)
}

fn docker_error(action: &str, output: &Output) -> anyhow::Error {
    Failure::error(
        ExitStatus::DOCKER_FAILED,
        format!("docker could not {action}: {}", error_line(output)),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn a_warning_before_the_error_line_is_skipped() {
        const WARNING: &str = "WARNING: Error loading config file: /root/.docker/config.json";
        for (stderr, expected) in [
            ("", "it gave no reason"),
            ("Error: No such container: x\n", "No such container: x"),
            (
                &format!("{WARNING}\nError response from daemon: No such container: x\n"),
                "No such container: x",
            ),
            (WARNING, WARNING),
        ] {
            let output = Output {
                status: ExitStatus::from_raw(256),
                stdout: Vec::new(),
                stderr: stderr.as_bytes().to_vec(),
            };
            assert_eq!(error_line(&output), expected);
            assert_eq!(
                stderr_contains(&output, "no such container"),
                stderr.contains("No such container"),
                "{stderr}"
            );
        }
    }
}
