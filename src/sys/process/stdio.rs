//! What the standard streams of a process are connected to.

use std::io;
use std::os::fd::OwnedFd;

use duct::Expression;

use crate::sys::process::input::{Eof, relay_stdin};

/// The standard input of a process.
#[derive(Debug, Default)]
pub(crate) enum Stdin {
    /// `/dev/null`
    #[default]
    Null,
    /// Our standard input.
    Inherit,
    /// A pipe from which the process reads these bytes.
    Bytes(Vec<u8>),
    File(OwnedFd),
    /// A pipe through which we forward our standard input.
    Relay(Eof),
}

/// The standard output of a process.
#[derive(Debug, Default)]
pub(crate) enum Stdout {
    /// Our standard output.
    #[default]
    Inherit,
    /// `/dev/null`
    Null,
    /// The process's output contains it ([`std::process::Output`]).
    Capture,
    /// Our standard error, whatever that of the process is.
    OurStderr,
    /// A file, or the writing end of a pipe, which we close when the process has been started.
    File(OwnedFd),
}

/// The standard error of a process.
#[derive(Debug, Default)]
pub(crate) enum Stderr {
    /// Our standard error.
    #[default]
    Inherit,
    /// `/dev/null`
    Null,
    /// The process's output contains it ([`std::process::Output`]).
    Capture,
    /// As [`Stdout::File`].
    File(OwnedFd),
}

impl Stdin {
    /// # Errors
    /// There is no pipe for [`Stdin::Relay`].
    pub(super) fn apply(self, expression: &Expression) -> io::Result<Expression> {
        Ok(match self {
            Self::Null => expression.stdin_null(),
            Self::Inherit => expression.clone(),
            Self::Bytes(bytes) => expression.stdin_bytes(bytes),
            Self::File(file) => expression.stdin_file(file),
            Self::Relay(end) => expression.stdin_file(OwnedFd::from(relay_stdin(end)?)),
        })
    }
}

impl Stdout {
    pub(super) fn apply(self, expression: &Expression) -> Expression {
        match self {
            Self::Inherit => expression.clone(),
            Self::Null => expression.stdout_null(),
            Self::Capture => expression.stdout_capture(),
            Self::OurStderr => expression.stdout_to_stderr(),
            Self::File(file) => expression.stdout_file(file),
        }
    }
}

impl Stderr {
    pub(super) fn apply(self, expression: &Expression) -> Expression {
        match self {
            Self::Inherit => expression.clone(),
            Self::Null => expression.stderr_null(),
            Self::Capture => expression.stderr_capture(),
            Self::File(file) => expression.stderr_file(file),
        }
    }
}
