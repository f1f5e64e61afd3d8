//! Going on where a process of ours has stopped that is not there any more.

use anyhow::Result;

use crate::docker::Docker;
use crate::docker::container_inspect::{ContainerInfo, Status};
use crate::dokku::host::Host;
use crate::task::journal::{Journal, JournalState};
use crate::task::model::task_exit::{ExitEvent, TaskExit, exit_code_of, never_started};
use crate::task::teardown::finalize;

/// What became of a task that nobody looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Nothing is left of it, or what is left is somebody else's.
    Settled,
    /// It runs, or is somebody else's to start.
    Running(Box<ContainerInfo>),
}

/// Tells of what has ended and removes it, and removes what was never started: the
/// one who was to start it has gone. `seen` is what docker has told of the end.
///
/// # Errors
/// Docker gives no answer: the journal is kept.
pub(crate) fn recover(
    host: &Host,
    docker: &Docker,
    name: &str,
    journal: Journal,
    seen: Option<ExitEvent>,
) -> Result<Recovery> {
    let story = journal.story();
    let target = story.id.as_deref().unwrap_or(name);
    let facts = docker.container_fact(target)?;
    let Some(facts) = facts.filter(|facts| facts.belongs_to(story.id.as_deref())) else {
        settle_missing(host, docker, journal, &story, seen);
        return Ok(Recovery::Settled);
    };
    let is_foreign = story.info.as_ref().is_some_and(|head| head.foreign);
    match facts.state.status {
        Status::Created if is_foreign => return Ok(Recovery::Running(Box::new(facts))),
        Status::Created if never_started(&facts.state) => {
            if let Some(journal) = finalize::remove_if_never_started(docker, journal, &facts.id)? {
                return recover(host, docker, name, journal, seen);
            }
        }
        _ if exit_code_of(&facts.state).is_none() => return Ok(Recovery::Running(Box::new(facts))),
        _ => {
            // Its stop timeout does not matter any more.
            let story = journal.recover_header(&facts, || 0);
            let end = TaskExit::Inspected(facts.state);
            finalize::notify_and_record(host, docker, &journal, &story, &end);
            finalize::remove_unless_core(docker, journal, &story, &end)?;
        }
    }
    Ok(Recovery::Settled)
}

/// Its container has gone. One that was never started leaves nothing to tell.
fn settle_missing(
    host: &Host,
    docker: &Docker,
    journal: Journal,
    story: &JournalState,
    seen: Option<ExitEvent>,
) {
    let is_foreign = story.info.as_ref().is_some_and(|head| head.foreign);
    if story.started.is_some() || seen.is_some() || is_foreign {
        finalize::notify_and_record(host, docker, &journal, story, &TaskExit::Removed(seen));
    }
    journal.remove();
}
