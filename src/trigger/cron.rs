//! Tasks of `cron:run`, whose containers are core's: it makes, starts and removes
//! them, and they are recorded only. They are seen to come by one hook and to end by
//! docker's events, which the supervisor follows; of one that is attached the other
//! hook has the exit code, too.
//!
//! Core gives up a task whose hook fails: these never do.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::host::Host;
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::{Journal, JournalEvent, TaskInfo};
use crate::ui::message;

/// `post-container-create app <container id> <app> run`
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "as every hook's")]
pub(crate) fn post_container_create(arguments: &[OsString]) -> Result<u8> {
    if let ["app", id, _, "run"] = words(arguments)[..] {
        warn_on_error(record_start(id));
    }
    Ok(0)
}

/// `scheduler-post-run <scheduler> <app> <container id> <exit code>`
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "as every hook's")]
pub(crate) fn scheduler_post_run(arguments: &[OsString]) -> Result<u8> {
    if let [_, _, id, code] = words(arguments)[..]
        && let Ok(code) = code.parse()
    {
        warn_on_error(record_exit(id, code));
    }
    Ok(0)
}

fn words(arguments: &[OsString]) -> Vec<&str> {
    arguments.iter().filter_map(|word| word.to_str()).collect()
}

fn warn_on_error(noted: Result<()>) {
    if let Err(error) = noted {
        message::warn(&format!("The task will not be recorded: {error:#}"));
    }
}

/// Begins the journal of a task that is not ours, and tells the supervisor.
fn record_start(id: &str) -> Result<()> {
    let host = Host::without_flags()?;
    let docker = Docker::for_host(&host)?;
    let is_cores = |facts: &ContainerInfo| facts.is_task() && !facts.has_own_name_label();
    let Some(facts) = docker.container_fact(id)?.filter(is_cores) else {
        return Ok(());
    };
    let head = TaskInfo {
        detached: is_detached(),
        user: host.requester().to_owned(),
        ..TaskInfo::from_container(&facts, 0)
    };
    for _ in 0..MAX_JOURNAL_ATTEMPTS {
        if let Some(journal) = Journal::create(&host, &head)? {
            journal.mark(&facts.id, &JournalEvent::Created);
            journal.release();
            return supervisor::adopt(&host, &head.name);
        }
        let story = journal::story(&host, &head.name);
        if story.is_some_and(|story| story.id.as_ref() == Some(&facts.id)) {
            return Ok(()); // somebody has told us of it already
        }
        std::thread::sleep(JOURNAL_RETRY_INTERVAL);
    }
    bail!("there is a journal of the name '{}'", head.name)
}

/// Somebody may be about to remove a journal of that name: for a second it is tried
/// again.
const MAX_JOURNAL_ATTEMPTS: u32 = 20;
const JOURNAL_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Adds the exit code that core has seen. A container that has gone by then is known
/// by its id only.
fn record_exit(id: &str, code: u8) -> Result<()> {
    let host = Host::without_flags()?;
    let is_its = |name: &String| {
        journal::story(&host, name).is_some_and(|story| {
            let foreign = story.info.is_some_and(|head| head.foreign);
            foreign && story.id.as_deref() == Some(id)
        })
    };
    if let Some(name) = journal::names(&host).into_iter().find(is_its) {
        // Of a detached one core says 0 right after its start.
        if !is_detached() {
            journal::mark(&host, &name, id, &JournalEvent::Told(code));
        }
        supervisor::adopt(&host, &name)?;
    }
    Ok(())
}

/// As core tells itself (its plugin `cron`, subcommand `run`).
fn is_detached() -> bool {
    std::env::var_os("DOKKU_DETACH_CONTAINER").is_some_and(|value| value == "1")
}
