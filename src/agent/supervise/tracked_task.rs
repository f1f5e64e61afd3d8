//! A tracked task: what the supervisor knows of one task.

use std::time::{Duration, Instant, SystemTime};

use crate::agent::supervise::workers::RecoverJob;
use crate::docker::container_inspect::ContainerInfo;
use crate::docker::events::DieEvent;
use crate::task::journal::{JournalState, UnflushedLines};
use crate::task::model::deadline;
use crate::task::model::task_exit::{ExitEvent, parse_nonzero_time};

/// The stop timeout, in seconds, of a task whose journal does not contain one: Dokku's default
/// for every app.
pub(crate) const DEFAULT_STOP_TIMEOUT_SECONDS: u64 = 30;

/// How long after an inspection that found no container the supervisor waits for the die event,
/// which docker sends before it removes a container.
const DIE_EVENT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long after a task's exit the supervisor waits for core's hook.
const HOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// The current time on two clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) monotonic: Instant,
    /// The host's clock, which can be set.
    pub(crate) wall: SystemTime,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

/// Which sources of a task's exit code can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCodeSource {
    /// Only the container's state: a label of the container can replace the exit code in
    /// docker's events.
    State,
    /// Docker's events as well.
    Event,
}

impl ExitCodeSource {
    fn of(info: &ContainerInfo) -> Self {
        if info.has_trustworthy_events() {
            Self::Event
        } else {
            Self::State
        }
    }
}

/// What is known of a task's exit.
#[derive(Debug, Clone)]
enum Exit {
    /// Nothing: the task may run.
    Unknown,
    /// An inspection has found no container.
    ContainerMissing,
    /// Docker's die event.
    Event(ExitEvent),
}

/// Core's hook `scheduler-post-run`, which gets the exit code.
#[derive(Clone, Copy)]
enum Hook {
    /// The task is one of this plugin, or core does not wait for its end.
    None,
    Expected,
    /// The task has ended; the supervisor waits for the hook until this time.
    Awaited(Instant),
}

pub(crate) struct TrackedTask {
    /// The container's id; `None` until it is known.
    pub(crate) id: Option<String>,
    pub(crate) stop_timeout: Duration,
    /// The time to live; `None` once the deadline is computed, or if there is none.
    time_to_live: Option<Duration>,
    managed_by_core: bool,
    hook: Hook,
    exit_code_source: ExitCodeSource,
    /// `None` until the start time is known, without a deadline, and after the deadline has
    /// passed.
    pub(crate) deadline: Option<Instant>,
    /// When the container is killed, after it has got TERM.
    pub(crate) kill_at: Option<Instant>,
    /// When the next attempt is made, after docker gave no answer.
    pub(crate) retry_at: Option<Instant>,
    failures: u32,
    exit: Exit,
    /// The task is being finalized.
    pub(crate) finalizing: bool,
    /// The journal lines that the disk had no space for.
    pub(crate) unflushed: UnflushedLines,
    /// The journal lacks its first line or the container's id: the disk was full.
    pub(crate) header_lost: bool,
}

impl TrackedTask {
    pub(crate) fn new(state: &JournalState) -> Self {
        let mut task = Self {
            id: state.id.clone(),
            stop_timeout: Duration::default(),
            time_to_live: None,
            managed_by_core: false,
            hook: Hook::None,
            exit_code_source: ExitCodeSource::State,
            deadline: None,
            kill_at: None,
            retry_at: None,
            failures: 0,
            exit: Exit::Unknown,
            finalizing: false,
            unflushed: UnflushedLines::default(),
            header_lost: false,
        };
        task.apply(state);
        task
    }

    /// Takes over the header of the journal.
    pub(crate) fn apply(&mut self, state: &JournalState) {
        let header = state.header.as_ref();
        let seconds = header.and_then(|header| header.supervision.time_to_live);
        let stop_timeout = header.map_or(DEFAULT_STOP_TIMEOUT_SECONDS, |header| {
            header.supervision.stop_timeout
        });
        self.managed_by_core = header.is_some_and(|header| header.supervision.managed_by_core);
        if header.is_some_and(|header| header.supervision.managed_by_core && !header.task.detached)
        {
            self.hook = Hook::Expected;
        }
        if header.is_some_and(|header| header.supervision.plain_events) {
            self.exit_code_source = ExitCodeSource::Event;
        }
        self.stop_timeout = Duration::from_secs(stop_timeout);
        self.time_to_live = seconds
            .filter(|_| !self.managed_by_core && self.kill_at.is_none())
            .map(Duration::from_secs);
        self.header_lost = header.is_none() || state.id.is_none();
    }

    /// The id for docker's commands, or the name if the id is not known.
    pub(crate) fn target(&self, name: &str) -> String {
        self.id.clone().unwrap_or_else(|| name.to_owned())
    }

    /// Whether the task is still running, or core has yet to start it, so that nothing has to
    /// be done.
    pub(crate) fn is_running(&self, info: &ContainerInfo) -> bool {
        info.state.may_run() || info.state.status.is_created() && self.managed_by_core
    }

    /// Computes the deadline, once: from then on it is a time of the monotonic clock, which
    /// cannot be set.
    pub(crate) fn set_deadline(&mut self, info: &ContainerInfo, now: Now) {
        self.failures = 0;
        self.id = Some(info.id.clone());
        self.exit_code_source = ExitCodeSource::of(info);
        let Some(started) = parse_nonzero_time(&info.state.started_at) else {
            return;
        };
        let Some(time_to_live) = self.time_to_live.take() else {
            return;
        };
        self.deadline = deadline::monotonic_since(started, time_to_live, now.wall, now.monotonic);
    }

    /// Stores the exit that docker's die event reports.
    pub(crate) fn died(&mut self, event: &DieEvent) {
        self.id = Some(event.id.clone());
        if let Some(exit_event) = ExitEvent::of(event, self.exit_code_source) {
            self.exit = Exit::Event(exit_event);
        }
        self.exited();
    }

    /// The task has exited: its deadline does not count any more, however long it takes to
    /// finalize the task.
    pub(crate) fn exited(&mut self) {
        self.deadline = None;
        self.kill_at = None;
    }

    /// The exit as docker's die event reported it; `None` without an event.
    pub(crate) fn exit_event(&self) -> Option<&ExitEvent> {
        match &self.exit {
            Exit::Event(event) => Some(event),
            Exit::Unknown | Exit::ContainerMissing => None,
        }
    }

    /// Postpones finalizing once, if the container was removed and its die event, which has the
    /// exit code, may still arrive. Returns whether it was postponed.
    pub(crate) fn postpone_for_die_event(&mut self, now: Now) -> bool {
        if !matches!(self.exit, Exit::Unknown) {
            return false;
        }
        self.exit = Exit::ContainerMissing;
        self.retry_at = now.monotonic.checked_add(DIE_EVENT_TIMEOUT);
        true
    }

    /// Postpones finalizing until core's hook `scheduler-post-run` has run, with a limit, if the
    /// exit code in docker's events cannot be trusted: docker removes the container. Returns
    /// whether it is postponed.
    pub(crate) fn postpone_for_hook(&mut self, now: Now) -> bool {
        let now = now.monotonic;
        let until = match self.hook {
            Hook::Awaited(until) => until,
            Hook::Expected if self.exit_code_source == ExitCodeSource::State => now + HOOK_TIMEOUT,
            Hook::Expected | Hook::None => return false,
        };
        self.hook = Hook::Awaited(until);
        self.retry_at = Some(until).filter(|until| *until > now);
        self.retry_at.is_some()
    }

    /// Marks the task as being finalized. Returns what the worker needs.
    pub(crate) fn finalize(&mut self, name: &str) -> RecoverJob {
        self.finalizing = true;
        self.retry_at = None;
        let exit_event = self.exit_event().cloned();
        (name.to_owned(), exit_event, self.unflushed.clone())
    }

    /// Whether the exit is known and core's hook has not run yet.
    pub(crate) fn awaits_hook(&self) -> bool {
        matches!(self.hook, Hook::Awaited(_))
    }

    /// Brings the deadline forward by the time that the machine was suspended: a deadline
    /// passes while its task is suspended, too.
    pub(crate) fn suspended(&mut self, time: Duration, now: Now) {
        let earlier = |at: Instant| deadline::after_suspension(at, time, now.monotonic);
        self.deadline = self.deadline.map(earlier);
    }

    /// Schedules the next attempt, after docker gave no answer or refused the request.
    pub(crate) fn schedule_retry(&mut self, now: Now) {
        const MAX_RETRY_PAUSE: Duration = Duration::from_secs(30);
        let pause = Duration::from_millis(100 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.monotonic.checked_add(pause.min(MAX_RETRY_PAUSE));
    }

    /// The next time at which the task needs attention; `None` while the task is being
    /// finalized, because it may have ended before its deadline.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        if self.finalizing {
            return None;
        }
        [self.deadline, self.kill_at, self.retry_at]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests;
