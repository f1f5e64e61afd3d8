//! How a task has ended.

use std::time::{Duration, SystemTime};

use crate::docker::container_inspect::{State, Status};
use crate::docker::events::Step;
use crate::exit;

/// What is left of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It is there, and has ended or was never started.
    There(State),
    /// It has gone. Docker may have told of its end before that.
    Gone(Option<Seen>),
}

/// An end as docker told of it while the container was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) exit_code: u8,
    /// RFC 3339, UTC.
    pub(crate) finished: String,
}

impl End {
    const GONE: &str = "gone";

    /// What [`End::read`] takes.
    pub(crate) fn words(&self) -> Vec<String> {
        match self {
            Self::Gone(_) => vec![Self::GONE.to_owned()],
            Self::There(state) => vec![
                state.status.name().to_owned(),
                state.exit_code.to_string(),
                state.started_at.clone(),
                state.finished_at.clone(),
                state.oom_killed.to_string(),
            ],
        }
    }

    /// `None` for words that are no end.
    pub(crate) fn read(words: &[&str]) -> Option<Self> {
        match words {
            [Self::GONE] => Some(Self::Gone(None)),
            [status, exit_code, started_at, finished_at, oom_killed] => Some(Self::There(State {
                status: Status::named(status)?,
                exit_code: exit_code.parse().ok()?,
                started_at: (*started_at).to_owned(),
                finished_at: (*finished_at).to_owned(),
                oom_killed: oom_killed.parse().ok()?,
            })),
            _ => None,
        }
    }

    /// The end that docker tells of. `None` where only the container's own state can
    /// tell: docker has not told of its start, or the kernel may have killed it for its
    /// memory.
    pub(crate) fn told(steps: impl Iterator<Item = Step>) -> Option<Self> {
        let mut started_at = None;
        for step in steps {
            match step.action.as_str() {
                "start" => started_at = event_time(step.time),
                "die" => {
                    let exit_code: u8 = step.exit_code.parse().ok()?;
                    return (exit_code != KILLED).then_some(Self::There(State {
                        status: Status::Exited,
                        exit_code: exit_code.into(),
                        started_at: started_at?,
                        finished_at: event_time(step.time)?,
                        oom_killed: false,
                    }));
                }
                _ => {}
            }
        }
        None
    }

    /// The exit code; docker's own where nobody saw it.
    pub(crate) fn code(&self) -> u8 {
        let code = match self {
            Self::There(state) => code_of(state),
            Self::Gone(seen) => seen.as_ref().map(|seen| seen.exit_code),
        };
        code.unwrap_or(exit::DOCKER)
    }
}

/// The exit code of what KILL has ended.
pub(crate) const KILLED: u8 = 137;

/// A time of docker's events, nanoseconds since 1970, in RFC 3339, UTC.
pub(crate) fn event_time(time: u64) -> Option<String> {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(time))?;
    Some(humantime::format_rfc3339_nanos(at).to_string())
}

/// The time that it is, RFC 3339, UTC.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// A time of docker's; `None` for what has not happened (the year 1).
pub(crate) fn moment(text: &str) -> Option<String> {
    humantime::parse_rfc3339(text)
        .ok()
        .filter(|at| *at > SystemTime::UNIX_EPOCH)
        .map(|_| text.to_owned())
}

/// The exit code of a container that has ended or could not be started; `None`
/// while it runs.
pub(crate) fn code_of(state: &State) -> Option<u8> {
    let code = u8::try_from(state.exit_code).unwrap_or(exit::DOCKER);
    match state.status {
        // It never ran. Docker tells the two causes that are the user's; the
        // rest is its own.
        Status::Created => Some(if matches!(code, 126 | 127) {
            code
        } else {
            exit::DOCKER
        }),
        Status::Exited | Status::Dead | Status::Removing => Some(code),
        Status::Running | Status::Paused | Status::Restarting | Status::Unknown => None,
    }
}

/// Whether nobody has tried to start it: docker notes an exit code otherwise (moby,
/// daemon/start.go).
pub(crate) fn was_never_tried(state: &State) -> bool {
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
    fn the_containers_state_tells_the_exit_code() {
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
            assert_eq!(code_of(&state), expected, "{state:?}");
        }
    }

    #[test]
    fn a_time_that_was_not_is_none() {
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        assert_eq!(moment(""), None);
        assert!(moment("2026-01-01T00:00:00.123456789Z").is_some());
    }

    #[test]
    fn an_end_is_told_by_its_steps() {
        let step = |action: &str, exit_code: &str, time| Step {
            action: action.to_owned(),
            exit_code: exit_code.to_owned(),
            time,
        };
        let told = |steps: &[Step]| End::told(steps.iter().cloned());
        let start = step("start", "", 1_795_562_932_000_000_001);
        let die = |code| step("die", code, 1_795_562_933_636_215_036);
        assert_eq!(
            told(&[start.clone(), die("3")]),
            Some(End::There(State {
                started_at: "2026-11-24T23:28:52.000000001Z".to_owned(),
                finished_at: "2026-11-24T23:28:53.636215036Z".to_owned(),
                ..state(Status::Exited, 3)
            }))
        );
        for steps in [
            vec![],
            vec![start.clone()],
            vec![die("3")],
            vec![die("3"), start.clone()],
            vec![start.clone(), die("137")],
            vec![start.clone(), die("")],
        ] {
            assert_eq!(told(&steps), None, "{steps:?}");
        }
    }

    #[test]
    fn an_end_is_what_its_words_say() {
        let there = End::There(State {
            oom_killed: true,
            started_at: "2026-01-01T00:00:00.123456789Z".to_owned(),
            ..state(Status::Exited, 137)
        });
        for end in [there, End::Gone(None)] {
            let words = end.words();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(End::read(&words), Some(end));
        }
        assert_eq!(End::read(&["sung", "3", "", "", "false"]), None);
    }
}
