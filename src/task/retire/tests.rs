use super::*;

fn facts(status: &str, ours: bool, time_to_live: &str, started_at: &str) -> Facts {
    let user = if ours {
        r#","dokku-oneoff.user":"ada""#
    } else {
        ""
    };
    let json = format!(
        r#"["id","/demo.run.1","2026-01-01T00:00:00.5Z",{{"Status":"{status}","ExitCode":3,"StartedAt":"{started_at}"}},
           {{"com.dokku.active-deadline-seconds":"{time_to_live}"{user}}},["true"],"i"]"#
    );
    serde_json::from_str(&json).unwrap()
}

const NEVER: &str = "0001-01-01T00:00:00Z";

fn at(text: &str) -> SystemTime {
    humantime::parse_rfc3339(text).unwrap()
}

#[test]
fn a_deadline_counts_from_the_start() {
    let seconds =
        |facts: &Facts, now| lateness(facts, at(now)).map(|late| late.map(|late| late.as_secs()));
    let started = facts("running", true, "60", "2026-01-01T00:00:10.123456789Z");
    assert_eq!(seconds(&started, "2026-01-01T00:01:10Z"), Ok(None));
    assert_eq!(seconds(&started, "2026-01-01T00:01:13Z"), Ok(Some(2)));
    let never = facts("created", true, "60", NEVER);
    assert_eq!(seconds(&never, "2026-01-01T00:01:00Z"), Ok(None));
    assert_eq!(seconds(&never, "2026-01-01T00:01:03Z"), Ok(Some(2)));
    assert_eq!(
        seconds(
            &facts("running", true, "soon", NEVER),
            "2026-01-01T00:00:30Z"
        ),
        Err("soon".to_owned())
    );
}

#[test]
fn what_becomes_of_each() {
    for (status, ours, late, expected) in [
        ("created", true, false, Verdict::Finish),
        ("created", false, false, Verdict::Leave),
        ("created", false, true, Verdict::Finish),
        ("running", true, false, Verdict::Adopt),
        ("running", false, false, Verdict::Leave),
        ("running", false, true, Verdict::Stop),
        ("paused", true, true, Verdict::Stop),
        ("exited", true, false, Verdict::Finish),
        ("exited", false, false, Verdict::Leave),
        ("exited", false, true, Verdict::Finish),
        ("dead", false, true, Verdict::Finish),
        ("removing", true, true, Verdict::Leave),
    ] {
        let facts = facts(status, ours, "60", NEVER);
        assert_eq!(verdict(&facts, late), expected, "{status} {ours} {late}");
    }
}
