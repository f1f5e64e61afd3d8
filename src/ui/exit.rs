//! What a command of ours ends with: the exit codes, and the one place where
//! an error becomes a message.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use crate::ui::message;

/// Wrong usage, or refused. `DOKKU_FAIL_EXIT_CODE` stands in for it where set.
const FAILURE: u8 = 1;
/// The app does not exist, or this user may not see it (Dokku's `verify_app_name`).
pub(crate) const NO_SUCH_APP: u8 = 20;
/// The task was stopped at its deadline (as coreutils' `timeout`).
pub(crate) const DEADLINE: u8 = 124;
/// Docker could not run the task (as `docker run`).
pub(crate) const DOCKER_FAILED: u8 = 125;
/// What a shell gives for a program that it cannot execute, and for one that is not
/// there.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
pub(crate) const NOT_FOUND: u8 = 127;

/// The exit code of something that a signal ended.
pub(crate) fn from_signal(signal: i32) -> u8 {
    u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX)
}

/// An error that ends the command with a code of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// As an error; `message` is one sentence.
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

/// Runs a command on the process's arguments (without the program's name).
pub(crate) fn entry(command: fn(&[OsString]) -> anyhow::Result<u8>) -> ExitCode {
    status(command(&arguments()))
}

/// The process's arguments, without the program's name.
pub(crate) fn arguments() -> Vec<OsString> {
    std::env::args_os().skip(1).collect()
}

/// What a command came to, for the process: a status is passed on, an error is said
/// on stderr.
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
