//! How a task has ended.

use std::time::{Duration, SystemTime};

use crate::docker::container_inspect::{State, Status};
use crate::sys::timestamp;
use crate::sys::timestamp::{Precision, timestamp};
use crate::ui::exit;

/// What is left of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TaskExit {
    /// It is there, and has ended or was never started.
    Inspected(State),
    /// It has gone. Docker may have told of its end before that.
    Removed(Option<ExitEvent>),
}

/// An end as docker told of it while the container was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExitEvent {
    /// `None` where a label of the container may have said it.
    pub(crate) exit_code: Option<u8>,
    /// RFC 3339, UTC.
    pub(crate) finished: String,
}

impl TaskExit {
    const REMOVED: &str = "gone";

    /// What [`TaskExit::from_args`] takes.
    pub(crate) fn to_args(&self) -> Vec<String> {
        match self {
            Self::Removed(_) => vec![Self::REMOVED.to_owned()],
            Self::Inspected(state) => vec![
                state.status.as_str().to_owned(),
                state.exit_code.to_string(),
                state.started_at.clone(),
                state.finished_at.clone(),
                state.oom_killed.to_string(),
            ],
        }
    }

    /// `None` for words that are no end.
    pub(crate) fn from_args(words: &[&str]) -> Option<Self> {
        match words {
            [Self::REMOVED] => Some(Self::Removed(None)),
            [status, exit_code, started_at, finished_at, oom_killed] => {
                Some(Self::Inspected(State {
                    status: Status::from_word(status)?,
                    exit_code: exit_code.parse().ok()?,
                    started_at: (*started_at).to_owned(),
                    finished_at: (*finished_at).to_owned(),
                    oom_killed: oom_killed.parse().ok()?,
                }))
            }
            _ => None,
        }
    }

    /// The end that a state tells of; `None` for one that has not ended.
    pub(crate) fn from_state(state: State) -> Option<Self> {
        let has_ended = state.status != Status::Created && exit_code_of(&state).is_some();
        has_ended.then_some(Self::Inspected(state))
    }

    /// Whether nobody can tell the exit code.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Removed(seen) if seen.as_ref().is_none_or(|seen| seen.exit_code.is_none()))
    }

    /// The exit code; docker's own where nobody saw it.
    pub(crate) fn exit_code(&self) -> u8 {
        let code = match self {
            Self::Inspected(state) => exit_code_of(state),
            Self::Removed(seen) => seen.as_ref().and_then(|seen| seen.exit_code),
        };
        code.unwrap_or(exit::DOCKER_FAILED)
    }
}

/// The exit code of what KILL has ended.
pub(crate) const KILLED_EXIT_CODE: u8 = 137;

/// A time of docker's events, nanoseconds since 1970, in RFC 3339, UTC.
pub(crate) fn event_time(time: u64) -> Option<String> {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(time))?;
    timestamp(at, Precision::Nanoseconds)
}

/// The time that it is, RFC 3339, UTC.
pub(crate) fn now() -> String {
    timestamp::now(Precision::Milliseconds)
}

/// A time of docker's; `None` for what has not happened (the year 1).
pub(crate) fn nonzero_time(text: &str) -> Option<String> {
    humantime::parse_rfc3339(text)
        .ok()
        .filter(|at| *at > SystemTime::UNIX_EPOCH)
        .map(|_| text.to_owned())
}

/// The exit code of a container that has ended or could not be started; `None`
/// while it runs.
pub(crate) fn exit_code_of(state: &State) -> Option<u8> {
    let code = u8::try_from(state.exit_code).unwrap_or(exit::DOCKER_FAILED);
    match state.status {
        // It never ran. Docker tells the two causes that are the user's; the
        // rest is its own.
        Status::Created => Some(if matches!(code, 126 | 127) {
            code
        } else {
            exit::DOCKER_FAILED
        }),
        Status::Exited | Status::Dead | Status::Removing => Some(code),
        Status::Running | Status::Paused | Status::Restarting | Status::Unknown => None,
    }
}

/// Whether nobody has tried to start it: docker notes an exit code otherwise (moby,
/// daemon/start.go).
pub(crate) fn never_started(state: &State) -> bool {
    state.status == Status::Created && state.exit_code == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: Status, exit_code: i64) -> State {
        State {
            status,
            exit_code,
            started_at: String::new(),
            finished_at: String::new(),
            oom_killed: false,
        }
    }

    #[test]
    fn the_exit_code_is_derived_from_the_container_state() {
        for (status, exit_code, expected) in [
            (Status::Exited, 0, Some(0)),
            (Status::Exited, 137, Some(137)),
            (Status::Dead, 3, Some(3)),
            (Status::Created, 127, Some(127)),
            (Status::Created, 126, Some(126)),
            (Status::Created, 128, Some(125)),
            (Status::Created, 0, Some(125)),
            (Status::Running, 0, None),
            (Status::Paused, 0, None),
        ] {
            let state = state(status, exit_code);
            assert_eq!(exit_code_of(&state), expected, "{state:?}");
        }
    }

    #[test]
    fn a_zero_time_of_docker_is_none() {
        assert_eq!(nonzero_time("0001-01-01T00:00:00Z"), None);
        assert_eq!(nonzero_time(""), None);
        assert!(nonzero_time("2026-01-01T00:00:00.123456789Z").is_some());
    }

    #[test]
    fn only_a_container_that_ran_has_an_exit() {
        for (status, is_end) in [
            (Status::Exited, true),
            (Status::Dead, true),
            (Status::Removing, true),
            (Status::Created, false),
            (Status::Running, false),
            (Status::Paused, false),
            (Status::Restarting, false),
        ] {
            let state = state(status, 3);
            let expected = is_end.then(|| TaskExit::Inspected(state.clone()));
            assert_eq!(TaskExit::from_state(state), expected, "{status:?}");
        }
    }

    #[test]
    fn a_task_exit_is_converted_to_arguments_and_back_unchanged() {
        let there = TaskExit::Inspected(State {
            oom_killed: true,
            started_at: "2026-01-01T00:00:00.123456789Z".to_owned(),
            ..state(Status::Exited, 137)
        });
        for end in [there, TaskExit::Removed(None)] {
            let words = end.to_args();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(TaskExit::from_args(&words), Some(end));
        }
        assert_eq!(TaskExit::from_args(&["sung", "3", "", "", "false"]), None);
    }
}
