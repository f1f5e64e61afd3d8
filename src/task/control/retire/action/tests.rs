use super::*;

fn info(status: &str, time_to_live: &str, started_at: &str) -> ContainerInfo {
    let json = format!(
        r#"["id","/demo.run.1","2026-01-01T00:00:00.5Z",{{"Status":"{status}","ExitCode":3,"StartedAt":"{started_at}"}},
           {{"com.dokku.active-deadline-seconds":"{time_to_live}"}},["true"],"i"]"#
    );
    serde_json::from_str(&json).unwrap()
}

const NEVER: &str = "0001-01-01T00:00:00Z";

fn at(text: &str) -> SystemTime {
    humantime::parse_rfc3339(text).unwrap()
}

#[test]
fn the_sweep_counts_a_deadline_from_the_start_or_the_creation() {
    let seconds = |info: &ContainerInfo, now| {
        overdue_by(info, at(now)).map(|overdue| overdue.map(|overdue| overdue.as_secs()))
    };
    let started = info("running", "60", "2026-01-01T00:00:10.123456789Z");
    assert_eq!(seconds(&started, "2026-01-01T00:01:10Z"), Ok(None));
    assert_eq!(seconds(&started, "2026-01-01T00:01:13Z"), Ok(Some(2)));
    let never = info("created", "60", NEVER);
    assert_eq!(seconds(&never, "2026-01-01T00:01:00Z"), Ok(None));
    assert_eq!(seconds(&never, "2026-01-01T00:01:03Z"), Ok(Some(2)));
    assert_eq!(
        seconds(&info("running", "soon", NEVER), "2026-01-01T00:00:30Z"),
        Err("soon".to_owned())
    );
    for invalid in ["-1", "+60", "60s", "3153600001", "99999999999999999999"] {
        let started = info("running", invalid, NEVER);
        assert_eq!(
            seconds(&started, "2026-01-01T00:00:30Z"),
            Err(invalid.to_owned())
        );
    }
    // The plugin sets an empty label for a task without a deadline.
    let none = info("running", "", NEVER);
    assert_eq!(seconds(&none, "2026-01-01T00:00:30Z"), Ok(None));
}

#[test]
fn the_sweep_action_is_derived_from_status_owner_and_lateness() {
    // The cases in which a live supervisor makes no difference.
    for (status, is_ours, overdue, expected) in [
        (Status::Created, true, false, Action::Finalize),
        (Status::Created, false, false, Action::Leave),
        (Status::Created, false, true, Action::Finalize),
        (Status::Running, true, false, Action::Adopt),
        (Status::Running, false, false, Action::Leave),
        (Status::Running, false, true, Action::Stop),
        (Status::Paused, false, true, Action::Stop),
        (Status::Exited, true, false, Action::Finalize),
        (Status::Exited, false, false, Action::Leave),
        (Status::Exited, false, true, Action::Finalize),
        (Status::Dead, false, true, Action::Finalize),
        (Status::Removing, true, true, Action::Leave),
    ] {
        for enforced in [false, true] {
            let found = action_for(status, is_ours, overdue, enforced);
            assert_eq!(found, expected, "{status:?} {is_ours} {overdue} {enforced}");
        }
    }
}

#[test]
fn the_sweep_leaves_overdue_tasks_to_a_live_supervisor() {
    for (status, name) in [(Status::Running, "running"), (Status::Paused, "paused")] {
        let info = info(name, "60", "2026-01-01T00:00:00Z");
        for (now, enforced, expected) in [
            ("2026-01-01T00:00:30Z", true, Action::Adopt),
            ("2026-01-01T00:00:30Z", false, Action::Adopt),
            // However much time has passed: the host's clock may have been set forward.
            ("2026-01-01T01:00:30Z", true, Action::Adopt),
            ("2036-01-01T00:00:30Z", true, Action::Adopt),
            ("2026-01-01T01:00:30Z", false, Action::Stop),
        ] {
            let overdue = overdue_by(&info, at(now)).unwrap();
            let found = action_for(status, true, overdue.is_some(), enforced);
            assert_eq!(found, expected, "{name} {now} {enforced}");
        }
    }
}
