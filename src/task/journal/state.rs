//! The state that results from the lines of a journal.

use serde::{Deserialize, Serialize};

use crate::docker::container_create;
use crate::record::Reason;
use crate::task::journal::header::{HeaderOrigin, JournalHeader};

/// One step in the life of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JournalEvent {
    /// Docker has created the container and reported its id.
    Created,
    /// The container is about to be started, at this time (RFC 3339, UTC).
    Started(String),
    /// The user has detached from the task, which continues to run.
    Detached,
    /// The task is about to be stopped, for this reason.
    StopRequested(Reason),
    /// The hooks are about to be notified of the task's end, with this exit code.
    HooksFired(u8),
    /// The task's record is written.
    Recorded,
}

/// The state of a task, from all lines of its journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JournalState {
    /// `None` if the first line is missing or incomplete.
    pub(crate) header: Option<JournalHeader>,
    /// The container's id; `None` until docker has reported it.
    pub(crate) id: Option<String>,
    pub(crate) started: Option<String>,
    /// The user has detached from the task.
    pub(crate) detached_by_user: bool,
    /// Why the task is to be stopped; the first reason in the journal counts.
    pub(crate) stop_requested: Option<Reason>,
    /// The exit code with which the hooks were fired; the first one in the journal counts.
    pub(crate) hooks_fired_with: Option<u8>,
    pub(crate) recorded: bool,
    pub(crate) header_origin: HeaderOrigin,
}

impl JournalState {
    /// Whether core manages the task; false without a header.
    pub(crate) fn is_managed_by_core(&self) -> bool {
        self.header
            .as_ref()
            .is_some_and(|header| header.supervision.managed_by_core)
    }

    /// Why the journal cannot belong to the container of its name; `None` if it can.
    pub(crate) fn damage_reason(&self) -> Option<&'static str> {
        let is_invalid = |id: &String| !container_create::is_id(id);
        if self.id.as_ref().is_some_and(is_invalid) {
            return Some("it has no container's id");
        }
        (self.header_origin == HeaderOrigin::OtherContainer)
            .then_some("its first line is about another container")
    }

    /// Replays the lines of the journal of the container of this name. Incomplete and unknown
    /// lines are skipped, and so is a first line about another container.
    pub(crate) fn read(name: &str, text: &[u8]) -> Self {
        let mut state = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok((id, event)) = serde_json::from_slice::<(String, JournalEvent)>(line) {
                state.add(id, event);
            } else if state.header.is_none() {
                state.header = JournalHeader::read(line);
            }
        }
        if state
            .header
            .as_ref()
            .is_some_and(|header| !header.describes(name))
        {
            state.header = None;
            state.header_origin = HeaderOrigin::OtherContainer;
        }
        state
    }

    pub(crate) fn add(&mut self, id: String, event: JournalEvent) {
        if event == JournalEvent::Created {
            *self = Self {
                header: self.header.take(),
                id: Some(id),
                header_origin: self.header_origin,
                ..Self::default()
            };
        } else if self.id.as_ref() == Some(&id) {
            match event {
                JournalEvent::Created => {}
                JournalEvent::Started(at) => self.started = Some(at),
                JournalEvent::Detached => self.detached_by_user = true,
                JournalEvent::StopRequested(reason) => {
                    self.stop_requested.get_or_insert(reason);
                }
                JournalEvent::HooksFired(code) => {
                    self.hooks_fired_with.get_or_insert(code);
                }
                JournalEvent::Recorded => self.recorded = true,
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const HEADER: &str = r#"{"app":"demo","name":"demo.run.1","type":"run","command":["true"],"image":"i","user":"ada","detached":true,"created":"2026-01-01T00:00:00Z","stop_timeout":30,"time_to_live":null}"#;

    fn read(lines: &[&str]) -> JournalState {
        JournalState::read("demo.run.1", lines.join("\n").as_bytes())
    }

    #[test]
    fn journal_lines_are_replayed_into_the_journal_state() {
        let state = read(&[
            HEADER,
            "",
            r#"["id","created"]"#,
            r#"["id",{"started":"2026-01-01T00:00:01Z"}]"#,
            r#"["id",{"stop_requested":"stopped"}]"#,
            r#"["id",{"stop_requested":"deadline"}]"#,
            r#"["id",{"hooks_fired":3}]"#,
            r#"["id","recorded"]"#,
        ]);
        assert_eq!(state.header.unwrap().task.name, "demo.run.1");
        assert_eq!(state.id.as_deref(), Some("id"));
        assert_eq!(state.started.as_deref(), Some("2026-01-01T00:00:01Z"));
        assert_eq!(
            state.stop_requested,
            Some(Reason::Stopped),
            "the first one counts"
        );
        assert_eq!((state.hooks_fired_with, state.recorded), (Some(3), true));
    }

    #[test]
    fn an_impossible_journal_is_damaged() {
        let id = "a".repeat(64);
        let created = |id: &str| format!(r#"["{id}","created"]"#);
        let damage = |header: &str, id: &str| read(&[header, &created(id)]).damage_reason();
        assert_eq!(damage(HEADER, &id), None);
        assert_eq!(read(&[HEADER]).damage_reason(), None, "nobody knows its id");
        assert_eq!(read(&[]).damage_reason(), None, "it was torn");
        for invalid in ["", "demo.run.1", "Usage:", &id[1..], &id.to_uppercase()] {
            assert!(damage(HEADER, invalid).is_some(), "{invalid:?}");
        }
        for (part, other) in [
            (r#""app":"demo""#, r#""app":"../demo""#),
            (r#""app":"demo""#, r#""app":".""#),
            (r#""app":"demo""#, r#""app":"other""#),
            (r#""type":"run""#, r#""type":"cron""#),
            (r#""name":"demo.run.1""#, r#""name":"demo.run.2""#),
        ] {
            assert!(
                damage(&HEADER.replace(part, other), &id).is_some(),
                "{other}"
            );
        }
    }

    #[test]
    fn replay_skips_events_of_another_container_and_torn_lines() {
        let state = read(&[
            HEADER,
            r#"["old",{"hooks_fired":3}]"#,
            r#"["old","created"]"#,
            r#"["old","recorded"]"#,
            r#"["new","created"]"#,
            r#"["old",{"stop_requested":"stopped"}]"#,
            r#"["new",{"hooks_fi"#,
            r#"["new",{"hooks_fired":4}]"#,
            r#"["new",{"sung":4}]"#,
        ]);
        assert_eq!(state.id.as_deref(), Some("new"));
        assert_eq!((state.stop_requested, state.recorded), (None, false));
        assert_eq!(state.hooks_fired_with, Some(4));
        assert_eq!(read(&["{\"app\":"]), JournalState::default());
    }
}
