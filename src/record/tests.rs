use super::*;

/// A record for the tests of the store.
pub(crate) fn record(id: &str) -> Record {
    Record {
        version: VERSION,
        id: id.to_owned(),
        task: TaskInfo {
            app: "demo".to_owned(),
            name: format!("demo.run.{id}"),
            process_type: "run".to_owned(),
            command: vec!["sh".to_owned(), "-c".to_owned(), "echo \"a\nb\"".to_owned()],
            image: "dokku/demo:latest".to_owned(),
            user: "ada".to_owned(),
            detached: false,
            created: "2026-11-23T14:36:15.292936097Z".to_owned(),
        },
        started: Some("2026-11-23T14:36:15.5Z".to_owned()),
        finished: "2026-11-23T14:37:17.4Z".to_owned(),
        exit_code: Some(3),
        reason: Reason::Exited,
        output: None,
    }
}

#[test]
fn a_record_is_a_line_that_begins_with_its_version_and_id() {
    let line = String::from_utf8(record("abc").line().unwrap()).unwrap();
    assert_eq!(line.matches('\n').count(), 1);
    assert!(
        line.starts_with(
            r#"{"version":1,"id":"abc","app":"demo","name":"demo.run.abc","type":"run","#
        ),
        "{line}"
    );
    assert!(
        line.contains(r#""exit_code":3,"reason":"exited","output":null}"#),
        "{line}"
    );
}

#[test]
fn the_keys_of_a_record_are_written_in_the_documented_order() {
    let line = String::from_utf8(record("abc").line().unwrap()).unwrap();
    let positions: Vec<usize> = [
        "version",
        "id",
        "app",
        "name",
        "type",
        "command",
        "image",
        "user",
        "detached",
        "created",
        "started",
        "finished",
        "exit_code",
        "reason",
        "output",
    ]
    .iter()
    .map(|key| line.find(&format!("\"{key}\":")).unwrap())
    .collect();
    assert!(positions.is_sorted(), "{line}");
}

#[test]
fn durations_are_rounded_to_the_nearest_second() {
    for (milliseconds, expected) in [(0, 0), (499, 0), (500, 1), (1_990, 2), (2_400, 2)] {
        assert_eq!(
            nearest_second(Duration::from_millis(milliseconds)),
            expected
        );
    }
    assert_eq!(nearest_second(Duration::MAX), u64::MAX);
}

#[test]
fn a_duration_is_measured_from_start_to_end_and_never_negative() {
    assert_eq!(record("a").duration(), Duration::from_millis(61_900));
    let never = Record {
        started: None,
        ..record("a")
    };
    assert_eq!(never.duration(), Duration::ZERO);
    let clock_set_back = Record {
        started: Some("2027-01-01T00:00:00Z".to_owned()),
        ..record("a")
    };
    assert_eq!(clock_set_back.duration(), Duration::ZERO);
}

#[test]
fn a_reason_is_printed_as_it_is_recorded() {
    for reason in [
        Reason::Exited,
        Reason::Deadline,
        Reason::Stopped,
        Reason::Hangup,
        Reason::Oom,
        Reason::Failed,
        Reason::Lost,
    ] {
        let json = serde_json::to_string(&reason).unwrap();
        assert_eq!(json, format!("\"{}\"", reason.as_str()));
    }
}

#[test]
fn a_long_command_is_truncated_between_characters() {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shortened(&words(&["sh", "-c", "x"]), 5),
        words(&["sh", "-c", "x"])
    );
    assert_eq!(
        shortened(&words(&["sh", "-c", "xyz"]), 6),
        words(&["sh", "-c", "xy…"])
    );
    assert_eq!(shortened(&words(&["é", "éé", "z"]), 5), words(&["é", "é…"]));
    assert_eq!(shortened(&words(&["abc", "d"]), 3), words(&["abc", "…"]));
}

/// Polls until the condition is true, for 30 seconds at most.
#[track_caller]
pub(crate) fn until(mut ready: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(
            std::time::Instant::now() < deadline,
            "not within half a minute"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}
