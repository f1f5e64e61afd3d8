//! The decisions on a fake clock, in random orders of messages.

use super::*;

/// Whatever the order of messages: a task is finalized once at a time, is not signalled before its
/// deadline, and is settled in the end with an exit code that docker has reported.
#[test]
fn every_order_of_messages_ends_with_one_finalized_task() {
    for seed in 0..3000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut scenario = Scenario::new();
        let (mut has_died, mut was_inspected) = (false, false);
        // The recovery that is being performed, and whether the task had ended before it.
        let mut recovery: Option<(String, bool)> = None;
        let mut settled_by = None;
        let mut trace = Vec::new();
        for step in 0..200 {
            // The last steps are those of a docker that answers.
            let settles = step >= 100;
            let choice = if settles && recovery.is_some() {
                5
            } else {
                random.u8(0..8)
            };
            let actions = match choice {
                0 => scenario.send(Message::StreamOpened),
                1 if !has_died => {
                    was_inspected = true;
                    scenario.inspected(Status::Running)
                }
                1 => scenario.inspected(Status::Exited),
                2 if !has_died && was_inspected => {
                    has_died = true;
                    scenario.died()
                }
                3 if has_died => scenario.not_found(),
                4 => scenario.send(Message::Unreachable(vec![NAME.to_owned()])),
                5 if recovery.is_some() => {
                    let performed = recovery.take().unwrap();
                    let running = scenario.running();
                    let result = match random.u8(0..3) {
                        0 if !settles => Some(Err(anyhow!("no docker"))),
                        _ if !has_died => Some(Ok(running)),
                        1 if !performed.1 => Some(Ok(running)),
                        _ => {
                            settled_by = Some(performed);
                            Some(Ok(Recovery::Settled))
                        }
                    };
                    scenario.recovered(result)
                }
                6 => scenario.send(Message::Adopt(NAME.to_owned())),
                _ => scenario.advance(f64::from(random.u16(0..5000)) / 1000.0),
            };
            trace.push(format!("{choice}: {actions:?}"));
            for action in &actions {
                if action.starts_with("recover") {
                    assert!(recovery.is_none(), "seed {seed}: {trace:#?}");
                    recovery = Some((action.clone(), has_died));
                }
                let deadline = scenario.started.monotonic + Duration::from_secs(TIME_TO_LIVE);
                let is_early = scenario.now.monotonic < deadline;
                let is_wrong =
                    action.starts_with("signal") && (is_early || has_died || recovery.is_some());
                assert!(!is_wrong, "seed {seed}: {trace:#?}");
            }
            if !scenario.supervision.is_tracked(NAME) {
                break;
            }
        }
        if has_died {
            assert!(
                !scenario.supervision.is_tracked(NAME),
                "seed {seed}: {trace:#?}"
            );
            let (action, was_after_the_end) = settled_by.unwrap();
            if was_after_the_end {
                assert_eq!(action, "recover with 3", "seed {seed}: {trace:#?}");
            }
        }
    }
}
