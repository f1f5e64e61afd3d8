//! The decisions on a fake clock, case by case.

mod core_tasks;
mod orders;

use anyhow::anyhow;

use super::*;
use crate::docker::container_state::{State, Status};
use crate::task::journal::JournalHeader;
use crate::task::model::labels;
use crate::task::model::task_exit::ExitEvent;

const NAME: &str = "demo.run.1";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const TIME_TO_LIVE: u64 = 60;
const STOP_TIMEOUT: u64 = 5;

/// A supervision with one task, whose container was started when the clock was at 0.
struct Scenario {
    supervision: Supervision,
    started: Now,
    now: Now,
    has_overriding_label: bool,
}

impl Scenario {
    fn new() -> Self {
        let now = Now::read();
        let mut scenario = Self {
            supervision: Supervision::default(),
            started: now,
            now,
            has_overriding_label: false,
        };
        let actions = scenario.supervision.adopt(NAME, &journal(false));
        assert_eq!(kinds(&actions), ["inspect 1"]);
        scenario
    }

    /// The task of a core cron command that waits for it.
    fn of_core() -> Self {
        let mut scenario = Self::new();
        scenario.supervision = Supervision::default();
        scenario.supervision.adopt(NAME, &journal(true));
        scenario.has_overriding_label = true;
        scenario
    }

    /// Sends the message, and performs what is due then.
    fn send(&mut self, message: Message) -> Vec<String> {
        let mut actions = self.supervision.on_message(message, self.now);
        actions.extend(self.supervision.on_timer(self.now));
        kinds(&actions)
    }

    fn advance(&mut self, seconds: f64) -> Vec<String> {
        let time = Duration::from_secs_f64(seconds);
        self.now.monotonic += time;
        self.now.wall += time;
        kinds(&self.supervision.on_timer(self.now))
    }

    fn info(&self, status: Status, exit_code: i64) -> ContainerInfo {
        let started = humantime::format_rfc3339_nanos(self.started.wall).to_string();
        let label = if self.has_overriding_label {
            "exitCode"
        } else {
            "other"
        };
        ContainerInfo {
            id: ID.to_owned(),
            path: format!("/{NAME}"),
            created: started.clone(),
            state: State {
                started_at: started,
                ..State::untimed(status, exit_code)
            },
            labels: Some(HashMap::from([
                (label.to_owned(), "0".to_owned()),
                (labels::NAME.to_owned(), NAME.to_owned()),
            ])),
            command: None,
            image: "image".to_owned(),
        }
    }

    fn inspected(&mut self, status: Status) -> Vec<String> {
        let info = self.info(status, 3);
        self.send(Message::Inspected(vec![(NAME.to_owned(), Some(info))]))
    }

    fn not_found(&mut self) -> Vec<String> {
        self.send(Message::Inspected(vec![(NAME.to_owned(), None)]))
    }

    fn died(&mut self) -> Vec<String> {
        self.send(Message::Died(DieEvent {
            id: ID.to_owned(),
            name: NAME.to_owned(),
            reported_exit_code: "3".to_owned(),
            time: 1_795_562_932_636_215_036,
        }))
    }

    fn recovered(&mut self, result: Option<Result<Recovery>>) -> Vec<String> {
        self.send(Message::Recovered(NAME.to_owned(), result))
    }

    fn running(&self) -> Recovery {
        Recovery::Running(Box::new(self.info(Status::Running, 0)))
    }
}

fn journal(is_of_core: bool) -> JournalState {
    let header = format!(
        r#"{{"app":"demo","name":"{NAME}","type":"run","command":[],"image":"image","user":"ada",
            "detached":{},"created":"2026-01-01T00:00:00Z","stop_timeout":{STOP_TIMEOUT},
            "time_to_live":{TIME_TO_LIVE},"managed_by_core":{is_of_core}}}"#,
        !is_of_core
    );
    JournalState {
        header: JournalHeader::read(header.as_bytes()),
        id: Some(ID.to_owned()),
        ..JournalState::default()
    }
}

/// The actions in words, without those that have no effect.
fn kinds(actions: &[Action]) -> Vec<String> {
    let word = |action: &Action| match action {
        Action::Adopt(_) => Some("adopt".to_owned()),
        Action::AdoptAll => Some("adopt all".to_owned()),
        Action::Inspect(targets) => {
            (!targets.is_empty()).then(|| format!("inspect {}", targets.len()))
        }
        Action::Signal(signal, ids) => (!ids.is_empty()).then(|| format!("signal {signal}")),
        Action::RecordDeadline { .. } => Some("record deadline".to_owned()),
        Action::RecoverHeader { .. } => Some("recover header".to_owned()),
        Action::ReadHook(_) => Some("read hook".to_owned()),
        Action::Recover((_, event, _)) => Some(recover(event.as_ref())),
    };
    actions.iter().filter_map(word).collect()
}

fn recover(event: Option<&ExitEvent>) -> String {
    match event.map(|event| event.exit_code) {
        None => "recover".to_owned(),
        Some(None) => "recover after an event".to_owned(),
        Some(Some(code)) => format!("recover with {code}"),
    }
}

#[test]
fn a_task_that_ends_is_finalized_with_the_exit_code_of_its_event() {
    let mut scenario = Scenario::new();
    assert_eq!(scenario.inspected(Status::Running), [""; 0]);
    assert_eq!(scenario.died(), ["recover with 3"]);
    assert_eq!(scenario.died(), [""; 0], "it is being finalized");
    assert_eq!(scenario.inspected(Status::Exited), [""; 0]);
    assert_eq!(scenario.recovered(Some(Ok(Recovery::Settled))), ["adopt"]);
    assert!(!scenario.supervision.is_tracked(NAME));
}

#[test]
fn an_exit_code_that_a_label_replaces_is_not_taken_from_the_event() {
    let mut scenario = Scenario::new();
    scenario.has_overriding_label = true;
    scenario.inspected(Status::Running);
    assert_eq!(scenario.died(), ["recover after an event"]);
    // Nothing is known of the labels.
    assert_eq!(Scenario::new().died(), ["recover after an event"]);
}

#[test]
fn a_die_event_that_comes_after_the_removal_was_seen_is_used() {
    let mut scenario = Scenario::new();
    scenario.inspected(Status::Running);
    assert_eq!(scenario.not_found(), [""; 0]);
    assert_eq!(scenario.advance(0.5), [""; 0]);
    assert_eq!(scenario.died(), ["recover with 3"]);
}

#[test]
fn a_removed_container_without_a_die_event_is_finalized_after_a_second() {
    let mut scenario = Scenario::new();
    scenario.inspected(Status::Running);
    assert_eq!(scenario.not_found(), [""; 0]);
    assert_eq!(scenario.advance(0.9), [""; 0]);
    assert_eq!(scenario.advance(0.2), ["recover"]);
    let mut twice = Scenario::new();
    twice.not_found();
    assert_eq!(twice.not_found(), ["recover"]);
}

#[test]
fn a_deadline_sends_term_and_after_the_stop_timeout_kill_until_the_task_ends() {
    let mut scenario = Scenario::new();
    scenario.inspected(Status::Running);
    assert_eq!(scenario.advance(59.9), [""; 0]);
    assert_eq!(scenario.advance(0.2), ["record deadline", "signal 15"]);
    assert_eq!(scenario.advance(4.8), [""; 0]);
    assert_eq!(scenario.advance(0.2), ["signal 9"]);
    // A later inspection does not start the deadline again.
    assert_eq!(scenario.inspected(Status::Running), [""; 0]);
    assert_eq!(scenario.advance(4.8), [""; 0]);
    assert_eq!(scenario.advance(0.2), ["signal 9"]);
    assert_eq!(scenario.died(), ["recover with 3"]);
    assert_eq!(scenario.advance(600.0), [""; 0], "it has ended");
}

#[test]
fn a_suspended_machine_brings_the_deadline_forward() {
    let mut scenario = Scenario::new();
    scenario.inspected(Status::Running);
    let now = scenario.now;
    scenario
        .supervision
        .on_suspension(Duration::from_secs(3600), now);
    assert_eq!(scenario.advance(0.0), ["record deadline", "signal 15"]);
}

#[test]
fn a_failed_recovery_is_tried_again_after_growing_pauses_without_losing_the_event() {
    let mut scenario = Scenario::new();
    scenario.inspected(Status::Running);
    scenario.died();
    for pause in [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0] {
        assert_eq!(scenario.recovered(Some(Err(anyhow!("no docker")))), [""; 0]);
        assert_eq!(scenario.advance(pause - 0.05), [""; 0], "{pause}");
        assert_eq!(scenario.advance(0.06), ["recover with 3"], "{pause}");
    }
}

#[test]
fn a_recovery_that_finds_the_task_running_goes_on_supervising_it() {
    let mut scenario = Scenario::new();
    scenario.not_found();
    assert_eq!(scenario.not_found(), ["recover"]);
    let running = scenario.running();
    assert_eq!(scenario.recovered(Some(Ok(running))), [""; 0]);
    assert_eq!(scenario.advance(61.0), ["record deadline", "signal 15"]);
    // It has exited after the worker looked.
    let mut late = Scenario::new();
    late.inspected(Status::Running);
    late.died();
    let running = late.running();
    assert_eq!(late.recovered(Some(Ok(running))), [""; 0]);
    assert_eq!(late.advance(0.2), ["recover with 3"]);
}

#[test]
fn an_event_about_another_container_of_the_same_name_is_ignored() {
    let mut scenario = Scenario::new();
    scenario.inspected(Status::Running);
    let event = |name: &str| {
        Message::Died(DieEvent {
            id: "f".repeat(64),
            name: name.to_owned(),
            reported_exit_code: "0".to_owned(),
            time: 0,
        })
    };
    assert_eq!(scenario.send(event(NAME)), [""; 0]);
    assert_eq!(scenario.send(event("demo.run.2")), ["adopt"]);
}

#[test]
fn tasks_are_inspected_when_the_stream_opens_then_after_two_seconds_then_each_minute() {
    let mut scenario = Scenario::new();
    assert!(!scenario.supervision.is_done());
    let look = ["inspect 1", "adopt all"];
    assert_eq!(scenario.send(Message::StreamOpened), look);
    scenario.inspected(Status::Running);
    assert_eq!(scenario.advance(1.9), [""; 0]);
    assert_eq!(scenario.advance(0.2), look);
    assert_eq!(scenario.advance(57.0), [""; 0]);
    assert_eq!(
        scenario.advance(3.5),
        ["inspect 1", "adopt all", "record deadline", "signal 15"]
    );
}

#[test]
fn a_missing_header_is_recovered_before_the_deadline_is_computed() {
    let mut scenario = Scenario::new();
    scenario.supervision = Supervision::default();
    scenario.supervision.adopt(NAME, &JournalState::default());
    assert_eq!(scenario.inspected(Status::Running), ["recover header"]);
    let (info, now) = (scenario.info(Status::Running, 0), scenario.now);
    let state = journal(false);
    scenario
        .supervision
        .header_recovered(NAME, &info, Some(&state), now);
    assert_eq!(scenario.advance(60.1), ["record deadline", "signal 15"]);
}
