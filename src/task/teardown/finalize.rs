//! The last steps after a task's exit:
//!
//! container's state → event `hooks_fired` → trigger `scheduler-post-run` → record → event
//! `recorded` → remove the container → remove the journal
//!
//! The process that has locked the task's journal performs them, and continues where its
//! predecessor stopped: the trigger is never fired twice.

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::record;
use crate::record::{Reason, Record, TaskInfo};
use crate::task::journal::{HeaderOrigin, Journal, JournalEvent, JournalHeader, JournalState};
use crate::task::model::task_exit::{KILLED_EXIT_CODE, TaskExit, nonzero_time, now};
use crate::ui::exit::ExitStatus;
use crate::ui::message;

/// Performs all of the last steps that were not performed yet, and returns the exit code. If
/// the container cannot be removed, a warning is printed and the journal is kept, so that
/// `run:retire` tries again.
pub(crate) fn finalize(host: &Host, docker: &Docker, journal: Journal, exit: &TaskExit) -> u8 {
    let state = journal.state();
    let code = notify_and_record(host, docker, &journal, &state, exit);
    warn_on_error(remove_unless_core(docker, journal, &state, exit));
    code
}

/// Fires the hooks and writes the record. Returns the exit code, which is docker's own (125) if
/// the task's exit code is not known.
pub(crate) fn notify_and_record(
    host: &Host,
    docker: &Docker,
    journal: &Journal,
    state: &JournalState,
    exit: &TaskExit,
) -> u8 {
    let (code, reason) = exit_and_reason(state, exit);
    let reported_code = code.unwrap_or(ExitStatus::DOCKER_FAILED.code());
    let (Some(header), Some(id)) = (&state.header, &state.id) else {
        return reported_code; // there was no container
    };
    // A previous process may have been killed between writing the record and the event `recorded`.
    let is_recorded = (state.hooks_fired_with.is_some()
        || state.header_origin == HeaderOrigin::Rebuilt)
        && record::exists(host, &header.task.app, id);
    if state.hooks_fired_with.is_none() && !is_recorded {
        journal.mark(id, &JournalEvent::HooksFired(reported_code));
        if !header.supervision.managed_by_core {
            let code = reported_code.to_string();
            let result = host.triggers().notify(
                "scheduler-post-run",
                &[DOCKER_LOCAL, &header.task.app, id, &code],
            );
            warn_on_error(result);
        }
    }
    if !state.recorded && !is_recorded {
        let record = record_of(header, id, state, exit, code, reason);
        record::write(host, docker, &record);
    }
    if !state.recorded {
        journal.mark(id, &JournalEvent::Recorded);
    }
    reported_code
}

/// Removes the container, unless core manages it, and then the journal.
///
/// # Errors
/// Docker cannot remove the container: the journal is kept.
pub(crate) fn remove_unless_core(
    docker: &Docker,
    journal: Journal,
    state: &JournalState,
    exit: &TaskExit,
) -> Result<()> {
    match (&state.id, exit) {
        (Some(id), TaskExit::Inspected(_)) if !state.is_managed_by_core() => {
            remove_container(docker, journal, id)
        }
        _ => {
            journal.remove();
            Ok(())
        }
    }
}

/// Removes a container, and then its journal.
///
/// # Errors
/// Docker cannot remove the container: the journal is kept.
pub(crate) fn remove_container(docker: &Docker, journal: Journal, id: &str) -> Result<()> {
    docker.container_remove(id)?;
    journal.remove();
    Ok(())
}

/// Removes a container that was never started, and then its journal, and returns `None`. The
/// docker client of a killed process may be starting the container at this moment: then nothing is
/// removed, and the journal is returned.
///
/// # Errors
/// Docker cannot remove the container, or does not answer: the journal is kept.
pub(crate) fn remove_if_never_started(
    docker: &Docker,
    journal: Journal,
    id: &str,
) -> Result<Option<Journal>> {
    let Some(reason) = docker.container_remove_if_stopped(id)? else {
        journal.remove();
        return Ok(None);
    };
    match docker.container_state(id)? {
        Some(state) if state.never_started() => bail!("docker could not remove it: {reason}"),
        _ => Ok(Some(journal)),
    }
}

/// Prints an error as a warning: failing hooks and removals do not change the task's result.
fn warn_on_error(result: Result<()>) {
    if let Err(error) = result {
        message::warn(&format!("{error:#}"));
    }
}

/// The exit code, `None` if it is not known, and the reason why the task ended.
fn exit_and_reason(journal_state: &JournalState, exit: &TaskExit) -> (Option<u8>, Reason) {
    // The hooks got docker's own code because the task's exit code was not known.
    let is_unknown = exit.is_unknown()
        && !journal_state.is_managed_by_core()
        && journal_state.hooks_fired_with == Some(ExitStatus::DOCKER_FAILED.code());
    let code = journal_state
        .hooks_fired_with
        .filter(|_| !is_unknown)
        .or_else(|| match exit {
            TaskExit::Inspected(state) => state.exit_code(),
            TaskExit::Removed(event) => event.as_ref().and_then(|event| event.exit_code),
        });
    match (code, journal_state.stop_requested, exit) {
        (_, _, TaskExit::Inspected(state)) if state.status.is_created() => (code, Reason::Failed),
        // Regardless of the exit code of the task itself.
        (_, Some(Reason::Deadline), _) => (Some(ExitStatus::DEADLINE.code()), Reason::Deadline),
        (None, _, _) => (None, Reason::Lost),
        (_, Some(reason), _) => (code, reason),
        (Some(KILLED_EXIT_CODE), None, TaskExit::Inspected(state)) if state.oom_killed => {
            (code, Reason::Oom)
        }
        (_, None, _) => (code, Reason::Exited),
    }
}

fn record_of(
    header: &JournalHeader,
    id: &str,
    journal_state: &JournalState,
    exit: &TaskExit,
    exit_code: Option<u8>,
    reason: Reason,
) -> Record {
    let (started, finished) = match exit {
        TaskExit::Inspected(state) => (
            nonzero_time(&state.started_at),
            nonzero_time(&state.finished_at),
        ),
        TaskExit::Removed(event) => {
            // Core starts a container right after it has created it, and does not report the
            // time.
            let core_start = (header.supervision.managed_by_core && event.is_some())
                .then(|| header.task.created.clone());
            (
                journal_state.started.clone().or(core_start),
                event.as_ref().map(|event| event.finished.clone()),
            )
        }
    };
    Record {
        version: record::VERSION,
        id: id.to_owned(),
        task: TaskInfo {
            detached: header.task.detached || journal_state.detached_by_user,
            ..header.task.clone()
        },
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
    use crate::docker::container_state::{State, Status};
    use crate::task::model::task_exit::ExitEvent;

    #[test]
    fn exit_code_and_reason_are_derived_from_journal_and_exit() {
        let stopped = |reason| JournalState {
            stop_requested: reason,
            ..JournalState::default()
        };
        let exited = |code| TaskExit::Inspected(State::untimed(Status::Exited, code));
        let oom = |code| {
            TaskExit::Inspected(State {
                oom_killed: true,
                ..State::untimed(Status::Exited, code)
            })
        };
        let reported = |exit_code| {
            TaskExit::Removed(Some(ExitEvent {
                exit_code,
                finished: String::new(),
            }))
        };
        for (stop_requested, exit, expected) in [
            (None, exited(3), (Some(3), Reason::Exited)),
            (None, oom(137), (Some(137), Reason::Oom)),
            (None, oom(0), (Some(0), Reason::Exited)),
            (
                Some(Reason::Stopped),
                oom(137),
                (Some(137), Reason::Stopped),
            ),
            (Some(Reason::Stopped), exited(0), (Some(0), Reason::Stopped)),
            (
                Some(Reason::Deadline),
                exited(0),
                (Some(124), Reason::Deadline),
            ),
            (
                Some(Reason::Hangup),
                exited(129),
                (Some(129), Reason::Hangup),
            ),
            (None, reported(Some(3)), (Some(3), Reason::Exited)),
            (None, reported(None), (None, Reason::Lost)),
            (None, TaskExit::Removed(None), (None, Reason::Lost)),
            (
                Some(Reason::Stopped),
                TaskExit::Removed(None),
                (None, Reason::Lost),
            ),
            (
                Some(Reason::Deadline),
                TaskExit::Removed(None),
                (Some(124), Reason::Deadline),
            ),
            (
                Some(Reason::Stopped),
                TaskExit::Inspected(State::untimed(Status::Created, 127)),
                (Some(127), Reason::Failed),
            ),
        ] {
            assert_eq!(
                exit_and_reason(&stopped(stop_requested), &exit),
                expected,
                "{stop_requested:?} {exit:?}"
            );
        }
    }

    #[test]
    fn a_lost_task_stays_lost_after_its_hooks_have_fired() {
        let state = JournalState {
            hooks_fired_with: Some(ExitStatus::DOCKER_FAILED.code()),
            ..JournalState::default()
        };
        assert_eq!(
            exit_and_reason(&state, &TaskExit::Removed(None)),
            (None, Reason::Lost)
        );
        let labelled = TaskExit::Removed(Some(ExitEvent {
            exit_code: None,
            finished: String::new(),
        }));
        assert_eq!(exit_and_reason(&state, &labelled), (None, Reason::Lost));
        let ended = TaskExit::Inspected(State::untimed(Status::Exited, 125));
        assert_eq!(exit_and_reason(&state, &ended), (Some(125), Reason::Exited));
    }

    #[test]
    fn the_exit_code_reported_to_hooks_is_the_recorded_exit_code() {
        let state = JournalState {
            hooks_fired_with: Some(3),
            ..JournalState::default()
        };
        assert_eq!(
            exit_and_reason(&state, &TaskExit::Removed(None)),
            (Some(3), Reason::Exited)
        );
    }
}
