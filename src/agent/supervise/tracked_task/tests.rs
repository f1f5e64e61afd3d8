use super::*;
use crate::task::journal::JournalHeader;
use crate::task::model::task_exit::nonzero_time;

fn state(time_to_live: u64) -> JournalState {
    let header = format!(
        r#"{{"app":"demo","name":"demo.run.1","type":"run","command":[],"image":"i","user":"ada","detached":true,
            "created":"2026-01-01T00:00:00Z","stop_timeout":5,"time_to_live":{time_to_live}}}"#
    );
    JournalState {
        header: JournalHeader::read(header.as_bytes()),
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
fn seconds_left(task: &TrackedTask, now: Now) -> u64 {
    let deadline = task.deadline.unwrap();
    deadline.saturating_duration_since(now.monotonic).as_secs()
}

#[test]
fn a_tracked_deadline_counts_from_the_start_reported_by_docker() {
    let now = Now::read();
    let mut task = TrackedTask::new(&state(60));
    task.set_deadline(&started(now.wall - Duration::from_secs(20)), now);
    assert_eq!(seconds_left(&task, now), 40);
    let mut late = TrackedTask::new(&state(60));
    late.set_deadline(&started(now.wall - Duration::from_secs(3600)), now);
    assert_eq!(seconds_left(&late, now), 0);
}

#[test]
fn suspended_time_counts_toward_the_deadline() {
    let now = Now::read();
    for (suspended, expected) in [(0, 40), (15, 25), (40, 0), (3600, 0), (u64::MAX, 0)] {
        let mut task = TrackedTask::new(&state(60));
        task.set_deadline(&started(now.wall - Duration::from_secs(20)), now);
        task.suspended(Duration::from_secs(suspended), now);
        assert_eq!(seconds_left(&task, now), expected, "{suspended}");
    }
    let mut endless = TrackedTask::new(&JournalState::default());
    endless.suspended(Duration::from_secs(5), now);
    assert_eq!(endless.deadline, None);
}

#[test]
fn a_clock_change_does_not_move_a_tracked_deadline() {
    let now = Now::read();
    let mut task = TrackedTask::new(&state(60));
    task.set_deadline(&started(now.wall - Duration::from_secs(20)), now);
    // The next inspection happens an hour later by the host's clock, or a day earlier.
    task.set_deadline(&started(now.wall - Duration::from_secs(3620)), now);
    task.set_deadline(&started(now.wall + Duration::from_secs(86_400)), now);
    assert_eq!(seconds_left(&task, now), 40);
    // The clock was set back between start and first inspection: the remaining time is
    // never more than the time to live.
    let mut early = TrackedTask::new(&state(60));
    early.set_deadline(&started(now.wall + Duration::from_secs(86_400)), now);
    assert_eq!(seconds_left(&early, now), 60);
}
