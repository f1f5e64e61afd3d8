//! Tasks of core, which starts, stops and removes them itself.

use super::*;

#[test]
fn a_task_of_core_waits_for_its_hook_with_a_limit() {
    let mut scenario = Scenario::of_core();
    scenario.inspected(Status::Running);
    assert_eq!(scenario.died(), ["read hook"]);
    let request = Message::Adopt(NAME.to_owned());
    assert_eq!(scenario.send(request), ["adopt all", "read hook"]);
    let hook_ran = scenario.supervision.hook_ran(NAME);
    assert_eq!(kinds(&hook_ran), ["recover after an event"]);
    assert!(scenario.supervision.hook_ran(NAME).is_empty());
    let mut without = Scenario::of_core();
    without.inspected(Status::Running);
    assert_eq!(without.died(), ["read hook"]);
    assert_eq!(without.advance(14.9), [""; 0]);
    assert_eq!(without.advance(0.2), ["recover after an event"]);
}

#[test]
fn a_created_container_of_core_is_left_to_core() {
    let mut scenario = Scenario::of_core();
    assert_eq!(scenario.inspected(Status::Created), [""; 0]);
    assert_eq!(Scenario::new().inspected(Status::Created), ["recover"]);
}
