//! The only place that starts processes, always through duct.

pub(crate) mod inherited;
pub(crate) mod input;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::time::{Duration, Instant};

use duct::{Expression, Handle, cmd};
use rustix::process::{Pid, Signal, kill_process_group};

pub(crate) use crate::sys::process::input::Eof;
use crate::ui::exit;

/// A process that is about to be started. Its standard input is `/dev/null` unless another one is
/// set.
pub(crate) struct ProcessBuilder {
    expression: Expression,
    input: Input,
    own_group: bool,
}

enum Input {
    Null,
    Bytes(Vec<u8>),
    Ours,
    ThroughUs(Eof),
}

/// Variables that contain the complete command line of the user, with the values of its options
/// `-e`. No program needs them: sudo sets the first one (Dokku runs itself through sudo), sshd the
/// second one, which a `dokku` that a hook starts would take for its own command.
const HIDDEN: [&str; 2] = ["SUDO_COMMAND", "SSH_ORIGINAL_COMMAND"];

impl ProcessBuilder {
    /// `program` is an absolute path, because duct would search `PATH` for a bare name at every
    /// start.
    pub(crate) fn new<I>(program: &Path, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let command = HIDDEN
            .iter()
            .fold(cmd(program, arguments), |command, variable| {
                command.env_remove(variable)
            });
        Self {
            expression: command.unchecked(),
            input: Input::Null,
            own_group: false,
        }
    }

    fn map(self, change: impl FnOnce(&Expression) -> Expression) -> Self {
        Self {
            expression: change(&self.expression),
            ..self
        }
    }

    pub(crate) fn input(self, bytes: Vec<u8>) -> Self {
        Self {
            input: Input::Bytes(bytes),
            ..self
        }
    }

    /// The process inherits our standard input.
    pub(crate) fn inherit_stdin(self) -> Self {
        Self {
            input: Input::Ours,
            ..self
        }
    }

    pub(crate) fn env(self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.map(|expression| expression.env(name, value))
    }

    pub(crate) fn env_remove(self, name: &str) -> Self {
        self.map(|expression| expression.env_remove(name))
    }

    /// Replaces our whole environment by these variables. Variables of [`ProcessBuilder::env`] are
    /// added.
    pub(crate) fn only_env(self, variables: &BTreeMap<OsString, OsString>) -> Self {
        self.map(|expression| expression.full_env(variables))
    }

    pub(crate) fn stderr_null(self) -> Self {
        self.map(Expression::stderr_null)
    }

    /// We read our standard input and forward it through a pipe.
    pub(crate) fn relay_stdin(self, end: Eof) -> Self {
        Self {
            input: Input::ThroughUs(end),
            ..self
        }
    }

    /// The process gets a process group of its own: a Ctrl-C on the terminal reaches only us, and
    /// we decide what happens to the process.
    pub(crate) fn own_group(self) -> Self {
        Self {
            own_group: true,
            ..self
        }
    }

    /// The process stays in our process group, the default.
    pub(crate) fn caller_group(self) -> Self {
        Self {
            own_group: false,
            ..self
        }
    }

    /// Runs the process until it exits. stdout is captured, stderr is inherited.
    pub(crate) fn run_captured(self) -> io::Result<Output> {
        self.build()?.stdout_capture().run()
    }

    /// As [`ProcessBuilder::run_captured`], with the limit of
    /// [`ProcessBuilder::run_captured_within`].
    pub(crate) fn stdout_within(self, limit: Duration) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        wait_within(self.build()?.stdout_capture().start()?, own_group, limit)
    }

    /// Runs the process until it exits and captures stdout and stderr. Returns `None` if the
    /// process has not exited within `limit`; it is killed in that case.
    pub(crate) fn run_captured_within(self, limit: Duration) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        let captured = self.build()?.stdout_capture().stderr_capture();
        wait_within(captured.start()?, own_group, limit)
    }

    /// Runs the process until it exits, with our stderr as its stdout and stderr: our stdout
    /// belongs to the task.
    pub(crate) fn run_with_output_to_stderr(self) -> io::Result<Output> {
        self.build()?.stdout_to_stderr().run()
    }

    /// As [`ProcessBuilder::run_with_output_to_stderr`], with the limit of
    /// [`ProcessBuilder::run_captured_within`].
    pub(crate) fn run_with_output_to_stderr_within(
        self,
        limit: Duration,
    ) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        wait_within(self.build()?.stdout_to_stderr().start()?, own_group, limit)
    }

    /// Starts the process with our stdout and stderr.
    pub(crate) fn spawn(self) -> io::Result<Handle> {
        self.build()?.start()
    }

    /// Starts the process without stdout.
    pub(crate) fn spawn_stdout_null(self) -> io::Result<Handle> {
        self.build()?.stdout_null().start()
    }

    /// Starts the process and captures its stdout; the handle returns it.
    pub(crate) fn spawn_captured(self) -> io::Result<Handle> {
        self.build()?.stdout_capture().start()
    }

    /// Runs the process until it exits, without stdout, with the limit of
    /// [`ProcessBuilder::run_captured_within`].
    pub(crate) fn run_stdout_null_within(self, limit: Duration) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        wait_within(self.build()?.stdout_null().start()?, own_group, limit)
    }

    /// Starts the process with these pipes as its stdout and stderr.
    pub(crate) fn spawn_into(
        self,
        stdout: io::PipeWriter,
        stderr: io::PipeWriter,
    ) -> io::Result<Handle> {
        self.build()?
            .stdout_file(stdout)
            .stderr_file(stderr)
            .start()
    }

    /// Starts the process with this file as its stdin and captures its stdout; the handle returns
    /// it.
    pub(crate) fn spawn_captured_with_stdin(self, input: File) -> io::Result<Handle> {
        self.expression.stdin_file(input).stdout_capture().start()
    }

    /// Starts the process and returns the reading end of a pipe from its stdout.
    pub(crate) fn spawn_piped(self) -> io::Result<(Handle, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        Ok((self.build()?.stdout_file(writer).start()?, reader))
    }

    /// Sets the working directory. A process that outlives us must not keep the caller's directory
    /// in use.
    pub(crate) fn directory(self, directory: &Path) -> Self {
        self.map(|expression| expression.dir(directory))
    }

    /// Starts a process that outlives us, without any of our streams and open files.
    pub(crate) fn spawn_in_background(self) -> io::Result<()> {
        // Files that our caller has left open for us, such as a lock or a pipe, are not inherited.
        close_fds::set_fds_cloexec(3, &[]);
        self.build()?
            .stdout_null()
            .stderr_null()
            .start()
            .map(|_| ())
    }

    /// Starts the process with these files as its stdin and stdout, and without stderr.
    pub(crate) fn spawn_with_stdio(self, input: OwnedFd, output: OwnedFd) -> io::Result<()> {
        self.expression
            .stdin_file(input)
            .stdout_file(output)
            .stderr_null()
            .start()
            .map(|_| ())
    }

    fn build(self) -> io::Result<Expression> {
        let expression = match self.input {
            Input::Null => self.expression.stdin_null(),
            Input::Bytes(bytes) => self.expression.stdin_bytes(bytes),
            Input::Ours => self.expression,
            Input::ThroughUs(end) => self.expression.stdin_file(input::through_us(end)?),
        };
        if !self.own_group {
            return Ok(expression);
        }
        Ok(expression.before_spawn(|command| {
            command.process_group(0);
            Ok(())
        }))
    }
}

/// Waits for the process and returns its output, or `None` if it was killed at its limit. Its
/// children may keep its pipes open; if it has a process group of its own, they are killed as well.
fn wait_within(handle: Handle, own_group: bool, limit: Duration) -> io::Result<Option<Output>> {
    let deadline = Instant::now().checked_add(limit);
    let ended = match deadline {
        Some(deadline) => handle.wait_deadline(deadline)?.is_some(),
        None => handle.wait().map(|_| true)?,
    };
    if ended {
        return handle.into_output().map(Some);
    }
    if own_group {
        kill_group(handle.pids().first().copied().unwrap_or(0));
    }
    handle.kill()?;
    Ok(None)
}

/// Kills all processes of a process group. `id` 0 means no group.
pub(crate) fn kill_group(id: u32) {
    let group = i32::try_from(id).ok().filter(|id| *id > 1);
    if let Some(group) = group.and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The path of the agent's binary, next to that of our own.
pub(crate) fn agent_path() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("agent"))
}

/// The exit code, or 128 + n for a process that signal n has ended.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(u8::MAX),
        (None, signal) => exit::from_signal(signal.unwrap_or(0)),
    }
}
