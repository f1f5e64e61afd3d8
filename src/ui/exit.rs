//! The exit codes of our commands, and the only place that turns an error into a message and an
//! exit code.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use crate::ui::message;

/// Wrong usage or a refusal. `DOKKU_FAIL_EXIT_CODE` replaces it if set.
const FAILURE: u8 = 1;
/// The app does not exist, or the user has no access to it (Dokku's `verify_app_name`).
pub(crate) const NO_SUCH_APP: u8 = 20;
/// The task was stopped at its deadline (the exit code of coreutils' `timeout`).
pub(crate) const DEADLINE: u8 = 124;
/// docker could not run the task (the exit code of `docker run`).
pub(crate) const DOCKER_FAILED: u8 = 125;
/// A shell's exit codes for a program that cannot be executed, and for one that does not exist.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
pub(crate) const NOT_FOUND: u8 = 127;

/// The exit code of a process that a signal has ended.
pub(crate) fn from_signal(signal: i32) -> u8 {
    u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX)
}

/// An error with the exit code of the command.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Creates the error; `message` is one sentence.
    pub(crate) fn error(code: u8, message: impl Into<String>) -> anyhow::Error {
        let message = message.into();
        Self { code, message }.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Runs a command with the process's arguments (without the program's name).
pub(crate) fn entry(command: fn(&[OsString]) -> anyhow::Result<u8>) -> ExitCode {
    status(command(&arguments()))
}

/// The process's arguments, without the program's name.
pub(crate) fn arguments() -> Vec<OsString> {
    std::env::args_os().skip(1).collect()
}

/// The exit code for the process. The status of a command is returned unchanged; an error is
/// printed on stderr.
pub(crate) fn status(result: anyhow::Result<u8>) -> ExitCode {
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            message::warn(&format!("{error:#}"));
            code_of(
                &error,
                std::env::var("DOKKU_FAIL_EXIT_CODE").ok().as_deref(),
            )
            .into()
        }
    }
}

fn code_of(error: &anyhow::Error, fail_exit_code: Option<&str>) -> u8 {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.code,
        None => fail_exit_code
            .and_then(|code| code.parse().ok())
            .filter(|code| *code != 0)
            .unwrap_or(FAILURE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_exit_code_under_context() {
        let error = Failure::error(NO_SUCH_APP, "App x does not exist").context("while looking");
        assert_eq!(code_of(&error, Some("3")), NO_SUCH_APP);
        assert_eq!(format!("{error:#}"), "while looking: App x does not exist");
    }

    #[test]
    fn an_error_without_a_code_uses_a_valid_dokku_fail_exit_code() {
        let refusal = anyhow::anyhow!("no");
        for (set, expected) in [(None, 1), (Some("7"), 7), (Some("0"), 1), (Some("x"), 1)] {
            assert_eq!(code_of(&refusal, set), expected, "{set:?}");
        }
    }

    #[test]
    fn the_exit_code_for_a_signal_is_128_plus_its_number() {
        assert_eq!(from_signal(9), 137);
        assert_eq!(from_signal(15), 143);
        assert_eq!(from_signal(i32::MAX), u8::MAX);
        assert_eq!(from_signal(i32::MIN), u8::MAX);
    }
}
