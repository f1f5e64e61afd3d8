//! Concurrency rules: at most one task of an app at a time has a lock.
//!
//! The container is the lock. A holder's container runs, or was created by a process of the plugin
//! that is still alive and is about to start it. A container that was created by a process that has
//! ended since, and was never started, is removed. A process holds the rule's concurrency guard
//! while it searches for a holder and creates its own container, so that simultaneous starts are
//! serialized.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::docker::container_state::State;
use crate::docker::container_stop::StopOutcome;
use crate::dokku::host::Host;
use crate::settings::choices::Policy;
use crate::task::control::stop;
use crate::task::events::{Event, Events};
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::file_lock::{ConcurrencyGuard, FileLock};
use crate::task::journal::{Journal, attendant};
use crate::task::model::labels;
use crate::task::model::labels::ConcurrencyRule;
use crate::task::spec::TaskSpec;
use crate::task::teardown::finalize;
use crate::ui::exit::{ExitStatus, Failure};

/// Result of [`acquire`].
pub(crate) enum Acquired {
    /// The guards, which must be held until the task's container exists.
    Guards(Vec<ConcurrencyGuard>),
    /// This process has received a signal while it waited for a guard. For that rule no holder was
    /// searched for or stopped.
    Interrupted(i32),
}

/// Interval between two attempts to lock a concurrency guard.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits for the guard of each concurrency rule of the task, and applies the rule's policy to the
/// holder.
///
/// # Errors
/// Another task has the lock and must not be replaced (`forbid`), or cannot be stopped.
pub(crate) fn acquire(
    host: &Host,
    docker: &Docker,
    task: &TaskSpec,
    events: &Events,
) -> Result<Acquired> {
    let mut guards = Vec::new();
    for rule in &task.concurrency_rules {
        let file = format!("{}.{}.{}", task.app, rule.label, rule.value);
        let guard = loop {
            if let Some(guard) = FileLock::concurrency_guard(host, &file)? {
                break guard;
            }
            if let Event::Signal(signal) =
                events.next(Instant::now().checked_add(LOCK_POLL_INTERVAL))
            {
                return Ok(Acquired::Interrupted(signal));
            }
        };
        if let Some(signal) = events.received_signal() {
            return Ok(Acquired::Interrupted(signal));
        }
        guards.push(guard);
        apply_policy(host, docker, task, rule)?;
    }
    Ok(Acquired::Guards(guards))
}

fn apply_policy(
    host: &Host,
    docker: &Docker,
    task: &TaskSpec,
    rule: &ConcurrencyRule,
) -> Result<()> {
    let labels = [
        format!("{}={}", labels::APP, task.app),
        format!("{}={}", rule.label, rule.value),
    ];
    for other in docker.container_ls(&labels)? {
        if !other.is_task() || !is_holder(host, docker, &other, rule)? {
            continue;
        }
        if rule.policy == Policy::Forbid {
            return Err(Failure::error(
                ExitStatus::BUSY,
                format!(
                    "{} currently has a lock in place for {}: {} has it",
                    task.app, rule.value, other.name
                ),
            ));
        }
        host.info(&format!(
            "Replacing {}, which has the lock for {}",
            other.name, rule.value
        ));
        evict(host, docker, &other, task.stop_timeout)?;
    }
    Ok(())
}

/// Whether the other container has the lock. If it was created and no process is about to start it,
/// it is removed.
fn is_holder(
    host: &Host,
    docker: &Docker,
    other: &ContainerSummary,
    rule: &ConcurrencyRule,
) -> Result<bool> {
    let is_ours = other.is_ours(host);
    let is_cron = rule.label == labels::CRON_ID;
    // Core has locks for cron tasks only. Any other lock label on a container of core's is from its
    // image.
    if !(is_ours || is_cron) || is_cron && !other.is_cron() {
        return Ok(false);
    }
    if !other.status.is_created() {
        return Ok(other.status.is_active());
    }
    // A created container of core's: core is about to start it.
    if !is_ours {
        return Ok(true);
    }
    let Some(journal) = Journal::lock(host, &other.name)? else {
        return Ok(true);
    };
    // The container may have been started since it was listed, and its task may just be handed from
    // one process to another.
    let info = docker.container_inspect(&other.id);
    if let Ok(Some(info)) = &info
        && attendant::supervises(info)
    {
        journal.release();
        return Ok(holds_lock(&info.state));
    }
    let state = info.map(|info| info.map(|info| info.state));
    let journal = match &state {
        Ok(Some(state)) if state.status.is_created() => {
            finalize::remove_if_never_started(docker, journal, &other.id)?
        }
        _ => Some(journal),
    };
    let Some(journal) = journal else {
        return Ok(false);
    };
    journal.release();
    // The supervisor may have been notified of the task meanwhile, and have found its journal
    // locked by this process.
    if journal::is_unlocked(host, &other.name) {
        let _ = supervisor::adopt(host, &other.name); // on failure the next sweep does it
    }
    Ok(state?.is_some_and(|state| holds_lock(&state)))
}

/// Whether a container in this state holds its lock: it runs or waits for its start.
fn holds_lock(state: &State) -> bool {
    state.status.is_created() || state.status.is_active()
}

fn evict(host: &Host, docker: &Docker, other: &ContainerSummary, stop_timeout: u64) -> Result<()> {
    match stop::stop(host, docker, other, stop_timeout)? {
        StopOutcome::Stopped | StopOutcome::NotFound => Ok(()),
        StopOutcome::Failed(reason) => bail!("{} could not be stopped: {reason}", other.name),
    }
}
