//! The last steps after a task's end:
//!
//! its state → mark `told` → hook `scheduler-post-run` → record → mark `recorded` →
//! the container is removed → the journal is removed.
//!
//! They are taken by whoever has the task's journal, and begin where the one before
//! has stopped: the hook is never fired twice.

use std::time::SystemTime;

use anyhow::Result;

use super::journal::{Head, Journal, Mark, Story};
use crate::docker::Docker;
use crate::docker::container_inspect::{State, Status};
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::exit;
use crate::record::{self, Reason, Record};

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

/// Takes all of the last steps that were not taken yet. Gives the exit code; what
/// could not be removed is said, and the journal kept: `run:retire` comes back to it.
pub(crate) fn finish(host: &Host, docker: &Docker, journal: Journal, end: &End) -> u8 {
    let story = journal.story();
    let code = tell(host, docker, &journal, &story, end);
    warn_of(clear(docker, journal, &story, end));
    code
}

/// Tells the hooks and writes the record. Gives the exit code, which is docker's own
/// for a task whose end nobody saw.
pub(crate) fn tell(
    host: &Host,
    docker: &Docker,
    journal: &Journal,
    story: &Story,
    end: &End,
) -> u8 {
    let (code, reason) = outcome(story, end);
    let said = code.unwrap_or(exit::DOCKER);
    let (Some(head), Some(id)) = (&story.head, &story.id) else {
        return said; // there was no container
    };
    if story.told.is_none() && !head.foreign {
        journal.mark(id, &Mark::Told(said));
        let code = said.to_string();
        let told = host.tell("scheduler-post-run", &[DOCKER_LOCAL, &head.app, id, &code]);
        warn_of(told);
    }
    if !story.recorded {
        let record = record_of(head, id, story, end, code, reason);
        record::keep(host, docker, &record);
        journal.mark(id, &Mark::Recorded);
    }
    said
}

/// Removes the container, unless it is somebody else's, and the journal after it.
///
/// # Errors
/// Docker cannot: the journal is kept.
pub(crate) fn clear(docker: &Docker, journal: Journal, story: &Story, end: &End) -> Result<()> {
    let foreign = story.head.as_ref().is_some_and(|head| head.foreign);
    match (&story.id, end) {
        (Some(id), End::There(_)) if !foreign => remove(docker, journal, id),
        _ => {
            journal.remove();
            Ok(())
        }
    }
}

/// Removes a container, and the journal after it.
///
/// # Errors
/// As [`clear`].
pub(crate) fn remove(docker: &Docker, journal: Journal, id: &str) -> Result<()> {
    docker.container_remove(id)?;
    journal.remove();
    Ok(())
}

/// What the hooks and the store make of an end changes nothing.
fn warn_of(result: Result<()>) {
    if let Err(error) = result {
        message::warn(&format!("{error:#}"));
    }
}

/// The exit code, `None` when nobody can tell, and why it ended.
fn outcome(story: &Story, end: &End) -> (Option<u8>, Reason) {
    let code = story.told.or_else(|| match end {
        End::There(state) => code_of(state),
        End::Gone(seen) => seen.as_ref().map(|seen| seen.exit_code),
    });
    match (code, story.ending, end) {
        (_, _, End::There(state)) if state.status == Status::Created => (code, Reason::Failed),
        // Whatever the task made of it.
        (_, Some(Reason::Deadline), _) => (Some(exit::DEADLINE), Reason::Deadline),
        (None, _, _) => (None, Reason::Lost),
        (_, Some(reason), _) => (code, reason),
        (Some(KILLED), None, End::There(state)) if state.oom_killed => (code, Reason::Oom),
        (_, None, _) => (code, Reason::Exited),
    }
}

/// The exit code of what KILL has ended.
const KILLED: u8 = 137;

fn record_of(
    head: &Head,
    id: &str,
    story: &Story,
    end: &End,
    exit_code: Option<u8>,
    reason: Reason,
) -> Record {
    let (started, finished) = match end {
        End::There(state) => (moment(&state.started_at), moment(&state.finished_at)),
        End::Gone(seen) => (
            story.started.clone(),
            seen.as_ref().map(|seen| seen.finished.clone()),
        ),
    };
    Record {
        id: id.to_owned(),
        app: head.app.clone(),
        name: head.name.clone(),
        process_type: head.process_type.clone(),
        command: head.command.clone(),
        image: head.image.clone(),
        user: head.user.clone(),
        detached: head.detached || story.left,
        created: head.created.clone(),
        started,
        finished: finished.unwrap_or_else(now),
        exit_code,
        reason,
    }
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
    fn why_a_task_has_ended() {
        let asked = |reason| Story {
            ending: reason,
            ..Story::default()
        };
        let there = |code| End::There(state(Status::Exited, code));
        let oom = |code| {
            End::There(State {
                oom_killed: true,
                ..state(Status::Exited, code)
            })
        };
        let seen = |exit_code| {
            End::Gone(Some(Seen {
                exit_code,
                finished: String::new(),
            }))
        };
        for (ending, end, expected) in [
            (None, there(3), (Some(3), Reason::Exited)),
            (None, oom(137), (Some(137), Reason::Oom)),
            (None, oom(0), (Some(0), Reason::Exited)),
            (
                Some(Reason::Stopped),
                oom(137),
                (Some(137), Reason::Stopped),
            ),
            (Some(Reason::Stopped), there(0), (Some(0), Reason::Stopped)),
            (
                Some(Reason::Deadline),
                there(0),
                (Some(124), Reason::Deadline),
            ),
            (
                Some(Reason::Hangup),
                there(129),
                (Some(129), Reason::Hangup),
            ),
            (None, seen(3), (Some(3), Reason::Exited)),
            (None, End::Gone(None), (None, Reason::Lost)),
            (Some(Reason::Stopped), End::Gone(None), (None, Reason::Lost)),
            (
                Some(Reason::Deadline),
                End::Gone(None),
                (Some(124), Reason::Deadline),
            ),
            (
                Some(Reason::Stopped),
                End::There(state(Status::Created, 127)),
                (Some(127), Reason::Failed),
            ),
        ] {
            assert_eq!(
                outcome(&asked(ending), &end),
                expected,
                "{ending:?} {end:?}"
            );
        }
    }

    #[test]
    fn what_was_told_is_not_told_otherwise_later() {
        let story = Story {
            told: Some(3),
            ..Story::default()
        };
        assert_eq!(outcome(&story, &End::Gone(None)), (Some(3), Reason::Exited));
    }

    #[test]
    fn a_time_that_was_not_is_none() {
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        assert_eq!(moment(""), None);
        assert!(moment("2026-01-01T00:00:00.123456789Z").is_some());
    }
}
