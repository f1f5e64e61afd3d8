//! A process that was started.

use std::io;
use std::process::Output;
use std::time::{Duration, Instant};

use duct::Handle;

use crate::sys::process::kill_group;
use crate::sys::process::output::OutputRelay;

/// A process that [`ProcessBuilder::spawn`](crate::sys::process::ProcessBuilder::spawn) has
/// started. Dropping it does not end the process.
///
/// Every call that waits for the process enforces its time limit: the first call that reaches the
/// limit kills the process and returns an error for which [`is_over_limit`] is true.
#[derive(Debug)]
pub(crate) struct Child {
    handle: Handle,
    own_group: bool,
    /// The process's start plus its time limit.
    deadline: Option<Instant>,
    relay: OutputRelay,
}

/// How long children of an ended process may keep its output open.
const OUTPUT_DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

impl Child {
    pub(super) fn new(handle: Handle, own_group: bool, limit: Option<Duration>) -> Self {
        Self {
            handle,
            own_group,
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
            relay: OutputRelay::default(),
        }
    }

    pub(super) fn with_relay(self, relay: OutputRelay) -> Self {
        Self { relay, ..self }
    }

    /// Why output of the process, which has exited, could not be written completely; `None` if it
    /// was, or if it was not to be checked
    /// ([`checked_output`](crate::sys::process::ProcessBuilder::checked_output)).
    pub(crate) fn output_error(&self) -> Option<io::Error> {
        self.relay.error(OUTPUT_DRAIN_TIMEOUT)
    }

    /// The process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.handle.pids().first().copied()
    }

    /// Kills the process, but none of its children.
    ///
    /// # Errors
    /// The process cannot be signalled. That it has exited is not an error.
    pub(crate) fn kill(&self) -> io::Result<()> {
        self.handle.kill()
    }

    /// Waits for the process's exit, and for the end of what is captured. Returns its exit status
    /// and what was captured.
    ///
    /// # Errors
    /// The process has reached its limit, or its output cannot be read.
    pub(crate) fn wait(&self) -> io::Result<&Output> {
        let Some(deadline) = self.deadline else {
            return self.handle.wait();
        };
        match self.handle.wait_deadline(deadline)? {
            Some(output) => Ok(output),
            None => Err(self.end_at_limit()),
        }
    }

    /// As [`Child::wait`], but returns `None` at the time `until`. The process continues to run.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn wait_deadline(&self, until: Instant) -> io::Result<Option<&Output>> {
        match self.deadline {
            Some(deadline) if deadline <= until => self.wait().map(Some),
            _ => self.handle.wait_deadline(until),
        }
    }

    /// As [`Child::wait`], but returns `None` if the process is still running.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn try_wait(&self) -> io::Result<Option<&Output>> {
        self.wait_deadline(Instant::now())
    }

    /// As [`Child::wait`], but returns the output by value.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn into_output(self) -> io::Result<Output> {
        self.wait()?;
        self.handle.into_output()
    }

    /// Kills the process. Its children may keep its pipes open; if it has a process group of its
    /// own, they are killed as well. Returns the error of the call that waits.
    fn end_at_limit(&self) -> io::Error {
        if self.own_group {
            kill_group(self.pid().unwrap_or(0));
        }
        match self.kill() {
            Ok(()) => io::ErrorKind::TimedOut.into(),
            Err(error) => error,
        }
    }
}

/// Whether the error is that of a process that was killed at its time limit. The kernel can report
/// `ETIMEDOUT` for a program that cannot be started, on a network file system; that has an error
/// number.
pub(crate) fn is_over_limit(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none()
}
