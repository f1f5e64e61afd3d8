//! A task as the supervisor knows it.

use std::time::{Duration, Instant, SystemTime};

use crate::docker::container_inspect::{ContainerInfo, Status};
use crate::docker::events::DieEvent;
use crate::task::journal::{JournalState, UnflushedLines};
use crate::task::model::task_exit::{ExitEvent, exit_code_of};

/// Seconds, of a task whose journal does not tell: Dokku's own for every app.
pub(crate) const DEFAULT_STOP_TIMEOUT_SECONDS: u64 = 30;

/// How long after a task's end core's hook may come.
const LONGEST_HOOK: Duration = Duration::from_secs(15);

/// What has a task's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCodeSource {
    /// Its container alone: a label of that may say otherwise in docker's events.
    State,
    /// These, too.
    Event,
}

impl ExitCodeSource {
    fn of(facts: &ContainerInfo) -> Self {
        if facts.has_trustworthy_events() {
            Self::Event
        } else {
            Self::State
        }
    }
}

/// Core's hook `scheduler-post-run`, which has the exit code.
#[derive(Clone, Copy)]
enum Hook {
    /// The task is ours, or nobody waits for its end.
    None,
    Expected,
    /// The task has ended; so long it is waited for.
    Awaited(Instant),
}

pub(crate) struct TrackedTask {
    /// The container's; `None` while nobody knows it.
    pub(crate) id: Option<String>,
    pub(crate) stop_timeout: Duration,
    /// Until its deadline is known.
    time_to_live: Option<Duration>,
    managed_by_core: bool,
    hook: Hook,
    exit_code_source: ExitCodeSource,
    /// `None` before its start is known, without one, and when it has passed.
    pub(crate) deadline: Option<Instant>,
    /// When it is killed: it was asked to end.
    pub(crate) kill_at: Option<Instant>,
    /// When it is tried again: docker gave no answer.
    pub(crate) retry_at: Option<Instant>,
    failures: u32,
    /// What docker has told of its end.
    pub(crate) exit_event: Option<ExitEvent>,
    /// Its last steps are being taken.
    pub(crate) finalizing: bool,
    /// What its journal has no space for.
    pub(crate) unwritten: UnflushedLines,
    /// Its journal has no beginning: the disk was full.
    pub(crate) header_lost: bool,
}

impl TrackedTask {
    pub(crate) fn new(story: &JournalState) -> Self {
        let mut watched = Self {
            id: story.id.clone(),
            stop_timeout: Duration::default(),
            time_to_live: None,
            managed_by_core: false,
            hook: Hook::None,
            exit_code_source: ExitCodeSource::State,
            deadline: None,
            kill_at: None,
            retry_at: None,
            failures: 0,
            exit_event: None,
            finalizing: false,
            unwritten: UnflushedLines::default(),
            header_lost: false,
        };
        watched.apply(story);
        watched
    }

    /// Notes what it was begun with.
    pub(crate) fn apply(&mut self, story: &JournalState) {
        let head = story.info.as_ref();
        let seconds = head.and_then(|head| head.time_to_live);
        let stop_timeout = head.map_or(DEFAULT_STOP_TIMEOUT_SECONDS, |head| head.stop_timeout);
        self.managed_by_core = head.is_some_and(|head| head.foreign);
        if head.is_some_and(|head| head.foreign && !head.detached) {
            self.hook = Hook::Expected;
        }
        if head.is_some_and(|head| head.plain_events) {
            self.exit_code_source = ExitCodeSource::Event;
        }
        self.stop_timeout = Duration::from_secs(stop_timeout);
        self.time_to_live = seconds
            .filter(|_| !self.managed_by_core && self.kill_at.is_none())
            .map(Duration::from_secs);
        self.header_lost = head.is_none() || story.id.is_none();
    }

    /// What docker knows it by.
    pub(crate) fn target(&self, name: &str) -> String {
        self.id.clone().unwrap_or_else(|| name.to_owned())
    }

    /// Whether there is nothing to be done.
    pub(crate) fn is_running(&self, facts: &ContainerInfo) -> bool {
        match facts.state.status {
            Status::Created => self.managed_by_core,
            _ => exit_code_of(&facts.state).is_none(),
        }
    }

    /// Notes its deadline, once: from then on it is by a clock that nobody sets.
    pub(crate) fn set_deadline(&mut self, facts: &ContainerInfo) {
        self.failures = 0;
        self.id = Some(facts.id.clone());
        self.exit_code_source = ExitCodeSource::of(facts);
        let started = humantime::parse_rfc3339(&facts.state.started_at);
        let Ok(started) = started else {
            return;
        };
        let Some(time_to_live) = self.time_to_live.take() else {
            return;
        };
        let ago = SystemTime::now().duration_since(started);
        let left = time_to_live.saturating_sub(ago.unwrap_or_default());
        self.deadline = Instant::now().checked_add(left);
    }

    /// Notes what docker has told of its end.
    pub(crate) fn died(&mut self, death: &DieEvent) {
        self.id = Some(death.id.clone());
        self.exit_event = ExitEvent::of(death, self.exit_code_source);
    }

    /// Whether its last steps have to wait for core's hook `scheduler-post-run`: docker's
    /// events do not tell the exit code, and its container is removed by docker.
    pub(crate) fn waits_for_hook(&mut self) -> bool {
        let now = Instant::now();
        let by = match self.hook {
            Hook::Awaited(by) => by,
            Hook::Expected if self.exit_code_source == ExitCodeSource::State => now + LONGEST_HOOK,
            Hook::Expected | Hook::None => return false,
        };
        self.hook = Hook::Awaited(by);
        self.retry_at = Some(by).filter(|by| *by > now);
        self.retry_at.is_some()
    }

    /// Whether its end is known, and core's hook was not there yet.
    pub(crate) fn awaits_hook(&self) -> bool {
        matches!(self.hook, Hook::Awaited(_))
    }

    /// The machine was suspended for so long. Its tasks were, too, and their deadlines
    /// pass all the same.
    pub(crate) fn suspended(&mut self, time: Duration) {
        let now = Instant::now();
        let brought_forward = |at: Instant| at.checked_sub(time).map_or(now, |at| at.max(now));
        self.deadline = self.deadline.map(brought_forward);
    }

    /// Docker gave no answer, or would not do what it was asked for.
    pub(crate) fn schedule_retry(&mut self) {
        const LONGEST: Duration = Duration::from_secs(30);
        let pause = Duration::from_millis(100 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Instant::now().checked_add(pause.min(LONGEST));
    }

    /// `None` while its last steps are being taken: it may have ended in time.
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
mod tests {
    use super::*;
    use crate::task::journal::TaskInfo;
    use crate::task::model::task_exit::nonzero_time;

    fn story(time_to_live: u64) -> JournalState {
        let head = format!(
            r#"{{"app":"demo","name":"demo.run.1","type":"run","command":[],"image":"i","user":"ada","detached":true,
                "created":"2026-01-01T00:00:00Z","stop_timeout":5,"time_to_live":{time_to_live}}}"#
        );
        let head: TaskInfo = serde_json::from_str(&head).unwrap();
        JournalState {
            info: Some(head),
            ..JournalState::default()
        }
    }

    fn started(at: SystemTime) -> ContainerInfo {
        let at = humantime::format_rfc3339_nanos(at).to_string();
        assert!(nonzero_time(&at).is_some());
        let json = format!(
            r#"["id","/demo.run.1","{at}",{{"Status":"running","ExitCode":0,"StartedAt":"{at}"}},null,null,"i"]"#
        );
        serde_json::from_str(&json).unwrap()
    }

    /// Seconds until the deadline.
    fn left(watched: &TrackedTask) -> u64 {
        let deadline = watched.deadline.unwrap();
        // A test takes less than the half second that is rounded away.
        let left = deadline.saturating_duration_since(Instant::now());
        (left + Duration::from_millis(500)).as_secs()
    }

    #[test]
    fn a_tracked_deadline_counts_from_the_start_reported_by_docker() {
        let mut watched = TrackedTask::new(&story(60));
        watched.set_deadline(&started(SystemTime::now() - Duration::from_secs(20)));
        assert_eq!(left(&watched), 40);
        let mut late = TrackedTask::new(&story(60));
        late.set_deadline(&started(SystemTime::now() - Duration::from_secs(3600)));
        assert_eq!(left(&late), 0);
    }

    #[test]
    fn suspended_time_counts_toward_the_deadline() {
        for (suspended, expected) in [(0, 40), (15, 25), (40, 0), (3600, 0), (u64::MAX, 0)] {
            let mut watched = TrackedTask::new(&story(60));
            watched.set_deadline(&started(SystemTime::now() - Duration::from_secs(20)));
            watched.suspended(Duration::from_secs(suspended));
            assert_eq!(left(&watched), expected, "{suspended}");
        }
        let mut endless = TrackedTask::new(&JournalState::default());
        endless.suspended(Duration::from_secs(5));
        assert_eq!(endless.deadline, None);
    }

    #[test]
    fn a_clock_change_does_not_move_a_tracked_deadline() {
        let mut watched = TrackedTask::new(&story(60));
        watched.set_deadline(&started(SystemTime::now() - Duration::from_secs(20)));
        // The next look comes an hour later by the host's clock, or a day earlier.
        watched.set_deadline(&started(SystemTime::now() - Duration::from_secs(3620)));
        watched.set_deadline(&started(SystemTime::now() + Duration::from_secs(86_400)));
        assert_eq!(left(&watched), 40);
        // Set back between the start and the first look: never more than was asked for.
        let mut early = TrackedTask::new(&story(60));
        early.set_deadline(&started(SystemTime::now() + Duration::from_secs(86_400)));
        assert_eq!(left(&early), 60);
    }
}
