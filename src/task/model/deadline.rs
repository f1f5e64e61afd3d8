//! The deadline of a task: its start plus its time to live.
//!
//! Where the deadline is shown or swept, it is a time of the host's clock, because docker reports
//! the start in that clock. A process that enforces it (the supervisor, the attach monitor) uses
//! the monotonic clock, which cannot be set.

use std::time::{Duration, Instant, SystemTime};

use crate::sys::timestamp::{Precision, timestamp};
use crate::task::model::labels;
use crate::task::model::task_exit::parse_nonzero_time;

/// A deadline on the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(SystemTime);

impl Deadline {
    /// The deadline of a task that was started at this time. `None` if the time is too late to be
    /// represented: then the deadline is never reached.
    pub(crate) fn from_start(started: SystemTime, time_to_live: Duration) -> Option<Self> {
        started.checked_add(time_to_live).map(Self)
    }

    /// The deadline of a container with this label ([`labels::TIME_TO_LIVE`], in seconds). It
    /// counts from the start (`started`, RFC 3339), or from the creation if the task was never
    /// started. `None` if the label is empty or the container has neither time.
    ///
    /// # Errors
    /// The label, if it is not a valid number of seconds.
    pub(crate) fn from_label(
        label: &str,
        started: Option<&str>,
        created: Option<SystemTime>,
    ) -> Result<Option<Self>, String> {
        if label.is_empty() {
            return Ok(None);
        }
        let seconds = labels::seconds(label).ok_or_else(|| label.to_owned())?;
        Ok(started
            .and_then(parse_nonzero_time)
            .or(created)
            .and_then(|start| Self::from_start(start, Duration::from_secs(seconds))))
    }

    /// How long ago the deadline was; `None` before it.
    pub(crate) fn overdue_by(self, now: SystemTime) -> Option<Duration> {
        now.duration_since(self.0).ok()
    }

    /// RFC 3339 in UTC, in seconds; `None` if the year has more than four digits.
    pub(crate) fn to_rfc3339(self) -> Option<String> {
        timestamp(self.0, Precision::Seconds)
    }
}

/// The deadline, on the monotonic clock, of a task that starts at this time of that clock. `None`
/// if the time is too late to be represented: then the deadline is never reached.
pub(crate) fn monotonic_from(start: Instant, time_to_live: Duration) -> Option<Instant> {
    start.checked_add(time_to_live)
}

/// The deadline, on the monotonic clock, of a task that was started at this time of the host's
/// clock. `wall` and `now` are the same moment on the two clocks. The host's clock may have been
/// set since the start, so the deadline is not before `now`, and not later than the time to live
/// from `now`. `None` as with [`monotonic_from`].
pub(crate) fn monotonic_since(
    started: SystemTime,
    time_to_live: Duration,
    wall: SystemTime,
    now: Instant,
) -> Option<Instant> {
    let elapsed = wall.duration_since(started).unwrap_or_default();
    monotonic_from(now, time_to_live.saturating_sub(elapsed))
}

/// A deadline on the monotonic clock after a suspension of the machine, which stops that clock but
/// not the time to live: earlier by that time, but not before `now`.
pub(crate) fn after_suspension(deadline: Instant, suspended: Duration, now: Instant) -> Instant {
    deadline
        .checked_sub(suspended)
        .map_or(now, |earlier| earlier.max(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &str = "2026-01-01T00:00:00Z";
    const NEVER: &str = "0001-01-01T00:00:00Z";
    const MAX_SECONDS: &str = "3153600000";

    fn at(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_deadline_counts_from_the_start_or_else_from_the_creation() {
        let created = Some(at(CREATED));
        for (label, started, created, expected) in [
            (
                "60",
                Some("2026-01-01T00:00:10Z"),
                created,
                Some("2026-01-01T00:01:10Z"),
            ),
            (
                "60",
                Some("2026-01-01T00:00:10Z"),
                None,
                Some("2026-01-01T00:01:10Z"),
            ),
            ("60", Some(NEVER), created, Some("2026-01-01T00:01:00Z")),
            ("60", Some("soon"), created, Some("2026-01-01T00:01:00Z")),
            ("60", None, created, Some("2026-01-01T00:01:00Z")),
            ("60", None, None, None),
            ("0", None, created, Some(CREATED)),
            ("", Some("2026-01-01T00:00:10Z"), created, None),
            (MAX_SECONDS, None, created, Some("2125-12-08T00:00:00Z")),
            (MAX_SECONDS, Some("9999-01-01T00:00:00Z"), created, None),
        ] {
            let deadline = Deadline::from_label(label, started, created).unwrap();
            let text = deadline.and_then(Deadline::to_rfc3339);
            assert_eq!(text.as_deref(), expected, "{label} {started:?}");
        }
        for label in ["soon", "-1", "+60", "60s", " 60", "3153600001"] {
            let deadline = Deadline::from_label(label, None, created);
            assert_eq!(deadline, Err(label.to_owned()));
        }
    }

    #[test]
    fn a_deadline_that_cannot_be_represented_is_never_reached() {
        let now = Instant::now();
        assert_eq!(Deadline::from_start(at(CREATED), Duration::MAX), None);
        assert_eq!(monotonic_from(now, Duration::MAX), None);
        assert_eq!(
            monotonic_since(at(CREATED), Duration::MAX, at(CREATED), now),
            None
        );
    }

    #[test]
    fn a_deadline_is_overdue_from_its_own_moment_on() {
        let deadline = Deadline::from_start(at(CREATED), seconds(60)).unwrap();
        for (now, expected) in [
            ("2026-01-01T00:00:59Z", None),
            ("2026-01-01T00:01:00Z", Some(seconds(0))),
            ("2026-01-01T00:01:03Z", Some(seconds(3))),
        ] {
            assert_eq!(deadline.overdue_by(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn a_monotonic_deadline_is_between_now_and_the_time_to_live() {
        let now = Instant::now();
        for (wall, expected) in [
            ("2026-01-01T00:00:00Z", 60),
            ("2026-01-01T00:00:20Z", 40),
            ("2026-01-01T00:01:00Z", 0),
            ("2026-01-01T01:00:00Z", 0),
            // The host's clock was set back.
            ("2025-12-31T00:00:00Z", 60),
        ] {
            let deadline = monotonic_since(at(CREATED), seconds(60), at(wall), now);
            assert_eq!(deadline, Some(now + seconds(expected)), "{wall}");
        }
    }

    #[test]
    fn a_suspension_brings_the_deadline_forward_to_now_at_most() {
        let now = Instant::now();
        for (suspended, expected) in [(0, 40), (15, 25), (40, 0), (3600, 0), (u64::MAX, 0)] {
            let deadline = after_suspension(now + seconds(40), seconds(suspended), now);
            assert_eq!(deadline, now + seconds(expected), "{suspended}");
        }
    }
}
