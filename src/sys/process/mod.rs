//! The one place where a process is started, always through duct.

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

/// A program that is about to be started. Its standard input is `/dev/null`
/// until something else is asked for.
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

/// Variables that hold the whole command line of the user's, with the values of its
/// options `-e`, and that no program needs: sudo's, which Dokku starts itself with, and
/// sshd's, which a `dokku` that a hook starts would take for its own command.
const HIDDEN: [&str; 2] = ["SUDO_COMMAND", "SSH_ORIGINAL_COMMAND"];

impl ProcessBuilder {
    /// `program` is an absolute path: duct would search a bare name in `PATH`
    /// for every start.
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

    /// Standard input as we got it.
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

    /// These variables in place of all of ours. Those of [`ProcessBuilder::env`] are added.
    pub(crate) fn only_env(self, variables: &BTreeMap<OsString, OsString>) -> Self {
        self.map(|expression| expression.full_env(variables))
    }

    pub(crate) fn stderr_null(self) -> Self {
        self.map(Expression::stderr_null)
    }

    /// Our standard input, read by us and handed on through a pipe.
    pub(crate) fn relay_stdin(self, end: Eof) -> Self {
        Self {
            input: Input::ThroughUs(end),
            ..self
        }
    }

    /// A process group of its own: a Ctrl-C on the terminal reaches us, and we
    /// decide what becomes of the program.
    pub(crate) fn own_group(self) -> Self {
        Self {
            own_group: true,
            ..self
        }
    }

    /// Our process group, as without [`ProcessBuilder::own_group`].
    pub(crate) fn caller_group(self) -> Self {
        Self {
            own_group: false,
            ..self
        }
    }

    /// Runs it to its end; stdout is captured, stderr is ours.
    pub(crate) fn run_captured(self) -> io::Result<Output> {
        self.build()?.stdout_capture().run()
    }

    /// The same, within a limit as [`ProcessBuilder::run_captured_within`] has it.
    pub(crate) fn stdout_within(self, limit: Duration) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        wait_within(self.build()?.stdout_capture().start()?, own_group, limit)
    }

    /// Runs it to its end; stdout and stderr are captured. `None` when it has not
    /// ended after `limit`: it is killed then.
    pub(crate) fn run_captured_within(self, limit: Duration) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        let captured = self.build()?.stdout_capture().stderr_capture();
        wait_within(captured.start()?, own_group, limit)
    }

    /// Runs it to its end with our stderr for both of its outputs: our stdout
    /// belongs to the task.
    pub(crate) fn run_with_output_to_stderr(self) -> io::Result<Output> {
        self.build()?.stdout_to_stderr().run()
    }

    /// The same, within a limit as [`ProcessBuilder::run_captured_within`] has it.
    pub(crate) fn run_with_output_to_stderr_within(
        self,
        limit: Duration,
    ) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        wait_within(self.build()?.stdout_to_stderr().start()?, own_group, limit)
    }

    /// Starts it with our stdout and stderr.
    pub(crate) fn spawn(self) -> io::Result<Handle> {
        self.build()?.start()
    }

    /// Starts it without any output.
    pub(crate) fn spawn_stdout_null(self) -> io::Result<Handle> {
        self.build()?.stdout_null().start()
    }

    /// Starts it; its handle gives what it prints.
    pub(crate) fn spawn_captured(self) -> io::Result<Handle> {
        self.build()?.stdout_capture().start()
    }

    /// Runs it to its end without any output, as [`ProcessBuilder::run_captured_within`].
    pub(crate) fn run_stdout_null_within(self, limit: Duration) -> io::Result<Option<Output>> {
        let own_group = self.own_group;
        wait_within(self.build()?.stdout_null().start()?, own_group, limit)
    }

    /// Starts it with these two as its outputs.
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

    /// Starts it with this file as its input; its handle gives what it prints.
    pub(crate) fn spawn_captured_with_stdin(self, input: File) -> io::Result<Handle> {
        self.expression.stdin_file(input).stdout_capture().start()
    }

    /// Starts it with its stdout going to us.
    pub(crate) fn spawn_piped(self) -> io::Result<(Handle, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        Ok((self.build()?.stdout_file(writer).start()?, reader))
    }

    /// Where it starts: what lives on without us holds no directory.
    pub(crate) fn directory(self, directory: &Path) -> Self {
        self.map(|expression| expression.dir(directory))
    }

    /// Starts it without any stream or open file of ours, to live on without us.
    pub(crate) fn spawn_in_background(self) -> io::Result<()> {
        // What our caller left open for us, a lock or a pipe, is not for it.
        close_fds::set_fds_cloexec(3, &[]);
        self.build()?
            .stdout_null()
            .stderr_null()
            .start()
            .map(|_| ())
    }

    /// Starts it with these two as its input and output.
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

/// Its output, or `None` when it was killed at its limit. What it has started may
/// hold its pipes on; with a group of its own that is killed, too.
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

/// Kills a process group by its id; 0 is none.
pub(crate) fn kill_group(id: u32) {
    let group = i32::try_from(id).ok().filter(|id| *id > 1);
    if let Some(group) = group.and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The program beside ours for what outlives a command.
pub(crate) fn agent_path() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("agent"))
}

/// The exit code, or 128 + n for what signal n ended.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(u8::MAX),
        (None, signal) => exit::from_signal(signal.unwrap_or(0)),
    }
}
