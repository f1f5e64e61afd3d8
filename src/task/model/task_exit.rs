//! How a task ended.

use std::time::{Duration, SystemTime};

use crate::docker::container_state::{State, Status};
use crate::sys::timestamp;
use crate::sys::timestamp::{Precision, timestamp};
use crate::ui::exit::ExitStatus;

/// How a task ended, according to its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TaskExit {
    /// The container exists; it has exited or was never started. Its state was inspected.
    Inspected(State),
    /// The container is removed. Docker's die event may have been received before that.
    Removed(Option<ExitEvent>),
}

/// The exit as docker's die event reported it while the container existed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExitEvent {
    /// `None` if a label of the container may have replaced the exit code in the event.
    pub(crate) exit_code: Option<u8>,
    /// RFC 3339, UTC.
    pub(crate) finished: String,
}

impl TaskExit {
    const REMOVED: &str = "removed";

    /// The arguments that [`TaskExit::from_args`] parses.
    pub(crate) fn to_args(&self) -> Vec<String> {
        match self {
            Self::Removed(_) => vec![Self::REMOVED.to_owned()],
            Self::Inspected(state) => vec![
                state.status.as_str().to_owned(),
                state.stored_exit_code.to_string(),
                state.started_at.clone(),
                state.finished_at.clone(),
                state.oom_killed.to_string(),
            ],
        }
    }

    /// Parses the arguments of [`TaskExit::to_args`]; `None` if they are not valid.
    pub(crate) fn from_args(words: &[&str]) -> Option<Self> {
        match words {
            [Self::REMOVED] => Some(Self::Removed(None)),
            [status, exit_code, started_at, finished_at, oom_killed] => {
                Some(Self::Inspected(State {
                    status: Status::from_word(status)?,
                    stored_exit_code: exit_code.parse().ok()?,
                    started_at: (*started_at).to_owned(),
                    finished_at: (*finished_at).to_owned(),
                    oom_killed: oom_killed.parse().ok()?,
                }))
            }
            _ => None,
        }
    }

    /// Whether the exit code is not known.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Removed(event) if event.as_ref().is_none_or(|event| event.exit_code.is_none()))
    }

    /// The exit code; docker's own (125) if it is not known.
    pub(crate) fn exit_code(&self) -> u8 {
        let code = match self {
            Self::Inspected(state) => state.exit_code(),
            Self::Removed(event) => event.as_ref().and_then(|event| event.exit_code),
        };
        code.unwrap_or(ExitStatus::DOCKER_FAILED.code())
    }
}

/// The exit code of a process that was ended by the signal KILL.
pub(crate) const KILLED_EXIT_CODE: u8 = 137;

/// A time of docker's events (nanoseconds since 1970) in RFC 3339, UTC; `None` if it cannot be
/// represented.
pub(crate) fn event_time(time: u64) -> Option<String> {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(time))?;
    timestamp(at, Precision::Nanoseconds)
}

/// The current time in RFC 3339, UTC.
pub(crate) fn now() -> String {
    timestamp::now(Precision::Milliseconds)
}

/// A time from docker's answers; `None` for an event that has not happened, which docker
/// reports as a time in the year 1.
pub(crate) fn nonzero_time(text: &str) -> Option<String> {
    parse_nonzero_time(text).map(|_| text.to_owned())
}

/// Like [`nonzero_time`], parsed.
pub(crate) fn parse_nonzero_time(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text)
        .ok()
        .filter(|at| *at > SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_time_of_docker_is_none() {
        assert_eq!(nonzero_time("0001-01-01T00:00:00Z"), None);
        assert_eq!(nonzero_time(""), None);
        assert!(nonzero_time("2026-01-01T00:00:00.123456789Z").is_some());
    }

    #[test]
    fn a_task_exit_is_converted_to_arguments_and_back_unchanged() {
        let inspected = TaskExit::Inspected(State {
            oom_killed: true,
            started_at: "2026-01-01T00:00:00.123456789Z".to_owned(),
            ..State::untimed(Status::Exited, 137)
        });
        for exit in [inspected, TaskExit::Removed(None)] {
            let words = exit.to_args();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(TaskExit::from_args(&words), Some(exit));
        }
        assert_eq!(TaskExit::from_args(&["sung", "3", "", "", "false"]), None);
    }
}
