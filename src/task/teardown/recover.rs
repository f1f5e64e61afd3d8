//! Going on where a process of ours has stopped that is not there any more.

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_inspect::{Facts, Status};
use crate::dokku::host::Host;
use crate::task::journal::{Journal, Story};
use crate::task::model::task_exit::{End, Seen, code_of, was_never_tried};
use crate::task::teardown::finalize;

/// What became of a task that nobody looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// Nothing is left of it, or what is left is somebody else's.
    Done,
    /// It runs, or is somebody else's to start.
    Goes(Box<Facts>),
}

/// Tells of what has ended and removes it, and removes what was never started: the
/// one who was to start it has gone. `seen` is what docker has told of the end.
///
/// # Errors
/// Docker gives no answer: the journal is kept.
pub(crate) fn resume(
    host: &Host,
    docker: &Docker,
    name: &str,
    journal: Journal,
    seen: Option<Seen>,
) -> Result<Resumed> {
    let story = journal.story();
    let target = story.id.as_deref().unwrap_or(name);
    let facts = docker.container_fact(target)?;
    let Some(facts) = facts.filter(|facts| facts.is_of(story.id.as_deref())) else {
        gone(host, docker, journal, &story, seen);
        return Ok(Resumed::Done);
    };
    let is_foreign = story.head.as_ref().is_some_and(|head| head.foreign);
    match facts.state.status {
        Status::Created if is_foreign => return Ok(Resumed::Goes(Box::new(facts))),
        Status::Created if was_never_tried(&facts.state) => {
            if let Some(journal) = finalize::remove_unstarted(docker, journal, &facts.id)? {
                return resume(host, docker, name, journal, seen);
            }
        }
        _ if code_of(&facts.state).is_none() => return Ok(Resumed::Goes(Box::new(facts))),
        _ => {
            // Its stop timeout does not matter any more.
            let story = journal.completed(&facts, || 0);
            let end = End::There(facts.state);
            finalize::tell(host, docker, &journal, &story, &end);
            finalize::clear(docker, journal, &story, &end)?;
        }
    }
    Ok(Resumed::Done)
}

/// Its container has gone. One that was never started leaves nothing to tell.
fn gone(host: &Host, docker: &Docker, journal: Journal, story: &Story, seen: Option<Seen>) {
    let is_foreign = story.head.as_ref().is_some_and(|head| head.foreign);
    if story.started.is_some() || seen.is_some() || is_foreign {
        finalize::tell(host, docker, &journal, story, &End::Gone(seen));
    }
    journal.remove();
}
