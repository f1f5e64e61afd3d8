//! The exit codes of our commands, and the only place that turns an error into a message and an
//! exit code.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use crate::ui::message;

/// The exit status of one of our commands. That of a command that waits for a task is the task's
/// exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitStatus(u8);

impl ExitStatus {
    pub(crate) const SUCCESS: Self = Self(0);
    /// Wrong usage or a refusal. `DOKKU_FAIL_EXIT_CODE` replaces it if set.
    pub(crate) const FAILURE: Self = Self(1);
    /// The app does not exist, or the user has no access to it (Dokku's `verify_app_name`).
    pub(crate) const NO_SUCH_APP: Self = Self(20);
    /// Something else runs, and the same command may succeed later: another task has the lock, or
    /// the task that is waited for still runs (`EX_TEMPFAIL` of sysexits.h). A task's own exit code
    /// is rarely 75.
    pub(crate) const BUSY: Self = Self(75);
    /// The task was stopped at its deadline (the exit code of coreutils' `timeout`).
    pub(crate) const DEADLINE: Self = Self(124);
    /// docker could not run the task (the exit code of `docker run`).
    pub(crate) const DOCKER_FAILED: Self = Self(125);
    /// A program cannot be executed (the exit code of a shell).
    pub(crate) const NOT_EXECUTABLE: Self = Self(126);
    /// A program does not exist (the exit code of a shell).
    pub(crate) const NOT_FOUND: Self = Self(127);

    /// The exit status of a command that has waited for a task or a hook with this exit code.
    pub(crate) fn of(exit_code: u8) -> Self {
        Self(exit_code)
    }

    /// The exit status of a process that a signal has ended.
    pub(crate) fn from_signal(signal: i32) -> Self {
        Self(u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX))
    }

    /// [`Self::FAILURE`] if something has failed that was reported already.
    pub(crate) fn failure_if(has_failed: bool) -> Self {
        if has_failed {
            Self::FAILURE
        } else {
            Self::SUCCESS
        }
    }

    /// This status, or `next` if this one is a success: the first failure counts.
    pub(crate) fn or(self, next: Self) -> Self {
        if self == Self::SUCCESS { next } else { self }
    }

    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

/// An error with the exit code of the command.
#[derive(Debug)]
pub(crate) struct Failure {
    status: ExitStatus,
    message: String,
}

impl Failure {
    /// Creates the error; `message` is one sentence.
    pub(crate) fn error(status: ExitStatus, message: impl Into<String>) -> anyhow::Error {
        let message = message.into();
        Self { status, message }.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Runs a command with the process's arguments (without the program's name).
pub(crate) fn entry(command: fn(&[OsString]) -> anyhow::Result<ExitStatus>) -> ExitCode {
    status(command(&arguments()))
}

/// The process's arguments, without the program's name.
pub(crate) fn arguments() -> Vec<OsString> {
    std::env::args_os().skip(1).collect()
}

/// The exit code for the process. The status of a command is returned unchanged; an error is
/// printed on stderr.
pub(crate) fn status(result: anyhow::Result<ExitStatus>) -> ExitCode {
    match result {
        Ok(status) => status.code().into(),
        Err(error) => {
            message::warn(&format!("{error:#}"));
            let fail_exit_code = std::env::var("DOKKU_FAIL_EXIT_CODE").ok();
            status_of(&error, fail_exit_code.as_deref()).code().into()
        }
    }
}

fn status_of(error: &anyhow::Error, fail_exit_code: Option<&str>) -> ExitStatus {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.status,
        None => fail_exit_code
            .and_then(|code| code.parse().ok())
            .filter(|code| *code != 0)
            .map_or(ExitStatus::FAILURE, ExitStatus::of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_exit_code_under_context() {
        let error = Failure::error(ExitStatus::NO_SUCH_APP, "App x does not exist")
            .context("while looking");
        assert_eq!(status_of(&error, Some("3")), ExitStatus::NO_SUCH_APP);
        assert_eq!(format!("{error:#}"), "while looking: App x does not exist");
    }

    #[test]
    fn an_error_without_a_code_uses_a_valid_dokku_fail_exit_code() {
        let refusal = anyhow::anyhow!("no");
        for (set, expected) in [(None, 1), (Some("7"), 7), (Some("0"), 1), (Some("x"), 1)] {
            assert_eq!(status_of(&refusal, set).code(), expected, "{set:?}");
        }
    }

    #[test]
    fn the_exit_code_for_a_signal_is_128_plus_its_number() {
        assert_eq!(ExitStatus::from_signal(9).code(), 137);
        assert_eq!(ExitStatus::from_signal(15).code(), 143);
        assert_eq!(ExitStatus::from_signal(i32::MAX).code(), u8::MAX);
        assert_eq!(ExitStatus::from_signal(i32::MIN).code(), u8::MAX);
    }
}
