//! The last steps after a task's end:
//!
//! its state → mark `told` → hook `scheduler-post-run` → record → mark `recorded` →
//! the container is removed → the journal is removed.
//!
//! They are taken by whoever has the task's journal, and begin where the one before
//! has stopped: the hook is never fired twice.

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_inspect::Status;
use crate::dokku::host::Host;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::record;
use crate::record::{Reason, Record};
use crate::task::journal::{Head, Journal, Mark, Story};
use crate::task::model::task_exit::{End, KILLED, code_of, moment, now, was_never_tried};
use crate::ui::{exit, message};

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
    // The one before us may have written it and not have come to say so.
    let is_kept = (story.told.is_some() || story.is_anew) && record::is_kept(host, &head.app, id);
    if story.told.is_none() && !is_kept {
        journal.mark(id, &Mark::Told(said));
        if !head.foreign {
            let code = said.to_string();
            let told = host.tell("scheduler-post-run", &[DOCKER_LOCAL, &head.app, id, &code]);
            warn_of(told);
        }
    }
    if !story.recorded && !is_kept {
        let record = record_of(head, id, story, end, code, reason);
        record::keep(host, docker, &record);
    }
    if !story.recorded {
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

/// Removes a container that was never started, and the journal after it. Docker's client
/// of a process that was killed may start it in this moment: then the journal comes back.
///
/// # Errors
/// As [`clear`].
pub(crate) fn remove_unstarted(
    docker: &Docker,
    journal: Journal,
    id: &str,
) -> Result<Option<Journal>> {
    let Some(why) = docker.container_remove_idle(id)? else {
        journal.remove();
        return Ok(None);
    };
    match docker.container_state(id)? {
        Some(state) if was_never_tried(&state) => bail!("docker could not remove it: {why}"),
        _ => Ok(Some(journal)),
    }
}

/// What the hooks and the store make of an end changes nothing.
fn warn_of(result: Result<()>) {
    if let Err(error) = result {
        message::warn(&format!("{error:#}"));
    }
}

/// The exit code, `None` when nobody can tell, and why it ended.
fn outcome(story: &Story, end: &End) -> (Option<u8>, Reason) {
    let foreign = story.head.as_ref().is_some_and(|head| head.foreign);
    // The hooks were told docker's own code: nobody had seen the end.
    let is_unseen = end.is_unseen() && !foreign && story.told == Some(exit::DOCKER);
    let code = story.told.filter(|_| !is_unseen).or_else(|| match end {
        End::There(state) => code_of(state),
        End::Gone(seen) => seen.as_ref().and_then(|seen| seen.exit_code),
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
        End::Gone(seen) => {
            // Core starts what it has just made, and tells nobody when.
            let of_cores = (head.foreign && seen.is_some()).then(|| head.created.clone());
            (
                story.started.clone().or(of_cores),
                seen.as_ref().map(|seen| seen.finished.clone()),
            )
        }
    };
    Record {
        version: record::VERSION,
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
        output: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::container_inspect::State;
    use crate::task::model::task_exit::Seen;

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
            (None, seen(Some(3)), (Some(3), Reason::Exited)),
            (None, seen(None), (None, Reason::Lost)),
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
    fn a_lost_task_stays_lost_when_its_hooks_were_told() {
        let story = Story {
            told: Some(exit::DOCKER),
            ..Story::default()
        };
        assert_eq!(outcome(&story, &End::Gone(None)), (None, Reason::Lost));
        let labelled = End::Gone(Some(Seen {
            exit_code: None,
            finished: String::new(),
        }));
        assert_eq!(outcome(&story, &labelled), (None, Reason::Lost));
        let ended = End::There(state(Status::Exited, 125));
        assert_eq!(outcome(&story, &ended), (Some(125), Reason::Exited));
    }

    #[test]
    fn what_was_told_is_not_told_otherwise_later() {
        let story = Story {
            told: Some(3),
            ..Story::default()
        };
        assert_eq!(outcome(&story, &End::Gone(None)), (Some(3), Reason::Exited));
    }
}
