//! The state that results from the lines of a journal.

use serde::{Deserialize, Serialize};

use crate::docker::container_create;
use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::app::is_valid_name;
use crate::dokku::task_name::TaskName;
use crate::record::Reason;
use crate::task::model::labels;

/// The facts about a task that are known before its container is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskInfo {
    pub(crate) app: String,
    /// The container's name.
    pub(crate) name: String,
    /// `run` or `cron`.
    #[serde(rename = "type")]
    pub(crate) process_type: String,
    /// The command and its arguments, as docker runs them.
    pub(crate) command: Vec<String>,
    pub(crate) image: String,
    /// The user that requested the task.
    pub(crate) user: String,
    pub(crate) detached: bool,
    /// RFC 3339, UTC.
    pub(crate) created: String,
    /// Seconds.
    pub(crate) stop_timeout: u64,
    pub(crate) time_to_live: Option<u64>,
    /// The task is managed by core, which starts, stops and removes it and fires its hooks; the
    /// plugin only records the task.
    #[serde(default)]
    pub(crate) foreign: bool,
    /// None of the container's labels can replace the exit code in docker's events.
    #[serde(default)]
    pub(crate) plain_events: bool,
}

/// One step in the life of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JournalEvent {
    /// Docker has created the container and reported its id.
    Created,
    /// The container is about to be started, at this time (RFC 3339, UTC).
    Started(String),
    /// The user has detached from the task: the task keeps running, detached.
    Left,
    /// The task is about to be stopped, for this reason.
    Ending(Reason),
    /// The hooks are about to be notified of the task's end, with this exit code.
    Told(u8),
    /// The task's record is written.
    Recorded,
}

/// The state of a task, from all lines of its journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JournalState {
    /// `None` if the first line is missing or incomplete.
    pub(crate) info: Option<TaskInfo>,
    /// The container's id; `None` until docker has reported it.
    pub(crate) id: Option<String>,
    pub(crate) started: Option<String>,
    pub(crate) left: bool,
    /// The first reason in the journal counts.
    pub(crate) ending: Option<Reason>,
    pub(crate) told: Option<u8>,
    pub(crate) recorded: bool,
    pub(crate) header: Header,
}

/// What is known of a journal's first line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Header {
    /// It is as it was written, or missing.
    #[default]
    AsWritten,
    /// It was missing and was rebuilt: a predecessor may have removed a journal of the same
    /// container before.
    Rebuilt,
    /// It was about another container and was ignored.
    OfAnother,
}

impl TaskInfo {
    /// Rebuilds the task info of a container whose journal has none, from the container's own
    /// data.
    pub(crate) fn from_container(facts: &ContainerInfo, stop_timeout: u64) -> Self {
        let label = |name| facts.label(name).unwrap_or_default().to_owned();
        Self {
            app: label(labels::APP),
            name: facts.name().to_owned(),
            process_type: label(labels::CONTAINER_TYPE),
            command: facts.command.clone().unwrap_or_default(),
            image: facts.image.clone(),
            // A container of core's can have the user label from its image.
            user: if facts.has_own_name_label() {
                label(labels::USER)
            } else {
                String::new()
            },
            detached: true,
            created: facts.created.clone(),
            stop_timeout,
            time_to_live: labels::seconds(&label(labels::TIME_TO_LIVE)),
            foreign: !facts.has_own_name_label(),
            plain_events: facts.has_trustworthy_events(),
        }
    }
}

impl TaskInfo {
    /// Whether this task info can belong to the container of this name: the name consists of
    /// its app, its type and a number, and the app's name is valid. Both are used in paths.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        let (app, process_type) = (self.app.as_str(), self.process_type.as_str());
        let named = TaskName { app, process_type };
        self.name == name && is_valid_name(app) && TaskName::read(name) == Some(named)
    }
}

impl JournalState {
    /// Why the journal cannot belong to the container of its name; `None` if it can.
    pub(crate) fn damage_reason(&self) -> Option<&'static str> {
        let is_odd = |id: &String| !container_create::is_id(id);
        if self.id.as_ref().is_some_and(is_odd) {
            return Some("it has no container's id");
        }
        (self.header == Header::OfAnother).then_some("its first line is about another container")
    }

    /// Replays the lines of the journal of the container of this name. Incomplete and unknown
    /// lines are skipped, and so is a first line about another container.
    pub(crate) fn read(name: &str, text: &[u8]) -> Self {
        let mut story = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok((id, mark)) = serde_json::from_slice::<(String, JournalEvent)>(line) {
                story.add(id, mark);
            } else if story.info.is_none() {
                story.info = serde_json::from_slice(line).ok();
            }
        }
        if story.info.as_ref().is_some_and(|head| !head.is_of(name)) {
            story.info = None;
            story.header = Header::OfAnother;
        }
        story
    }

    pub(crate) fn add(&mut self, id: String, mark: JournalEvent) {
        if mark == JournalEvent::Created {
            *self = Self {
                info: self.info.take(),
                id: Some(id),
                header: self.header,
                ..Self::default()
            };
        } else if self.id.as_ref() == Some(&id) {
            match mark {
                JournalEvent::Created => {}
                JournalEvent::Started(at) => self.started = Some(at),
                JournalEvent::Left => self.left = true,
                JournalEvent::Ending(reason) => self.ending = self.ending.or(Some(reason)),
                JournalEvent::Told(code) => self.told = self.told.or(Some(code)),
                JournalEvent::Recorded => self.recorded = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"app":"demo","name":"demo.run.1","type":"run","command":["true"],"image":"i","user":"ada","detached":true,"created":"2026-01-01T00:00:00Z","stop_timeout":30,"time_to_live":null}"#;

    fn read(lines: &[&str]) -> JournalState {
        JournalState::read("demo.run.1", lines.join("\n").as_bytes())
    }

    #[test]
    fn journal_lines_are_replayed_into_the_journal_state() {
        let story = read(&[
            HEAD,
            "",
            r#"["id","created"]"#,
            r#"["id",{"started":"2026-01-01T00:00:01Z"}]"#,
            r#"["id",{"ending":"stopped"}]"#,
            r#"["id",{"ending":"deadline"}]"#,
            r#"["id",{"told":3}]"#,
            r#"["id","recorded"]"#,
        ]);
        assert_eq!(story.info.unwrap().name, "demo.run.1");
        assert_eq!(story.id.as_deref(), Some("id"));
        assert_eq!(story.started.as_deref(), Some("2026-01-01T00:00:01Z"));
        assert_eq!(story.ending, Some(Reason::Stopped), "the first one counts");
        assert_eq!((story.told, story.recorded), (Some(3), true));
    }

    #[test]
    fn task_info_belongs_to_the_container_named_by_its_file() {
        let head = |app: &str, name: &str| TaskInfo {
            app: app.to_owned(),
            name: name.to_owned(),
            ..read(&[HEAD]).info.unwrap()
        };
        assert!(head("demo", "demo.run.1").is_of("demo.run.1"));
        assert!(head("my.app", "my.app.run.1").is_of("my.app.run.1"));
        assert!(
            !head("demo", "demo.cron.1").is_of("demo.cron.1"),
            "its type is run"
        );
        for (app, name) in [
            ("../../demo", "demo.run.1"),
            ("", "demo.run.1"),
            (".", "demo.run.1"),
            ("other", "demo.run.1"),
            ("demo", "demo.run.2"),
            ("demo", "../demo.run.1"),
        ] {
            assert!(!head(app, name).is_of("demo.run.1"), "{app} {name}");
        }
        assert!(!head("..", "../x").is_of("../x"));
        assert!(!head("Demo", "Demo.run.1").is_of("Demo.run.1"));
    }

    #[test]
    fn an_impossible_journal_is_damaged() {
        let id = "a".repeat(64);
        let created = |id: &str| format!(r#"["{id}","created"]"#);
        let damage = |head: &str, id: &str| read(&[head, &created(id)]).damage_reason();
        assert_eq!(damage(HEAD, &id), None);
        assert_eq!(read(&[HEAD]).damage_reason(), None, "nobody knows its id");
        assert_eq!(read(&[]).damage_reason(), None, "it was torn");
        for odd in ["", "demo.run.1", "Usage:", &id[1..], &id.to_uppercase()] {
            assert!(damage(HEAD, odd).is_some(), "{odd:?}");
        }
        for (part, other) in [
            (r#""app":"demo""#, r#""app":"../demo""#),
            (r#""app":"demo""#, r#""app":".""#),
            (r#""app":"demo""#, r#""app":"other""#),
            (r#""type":"run""#, r#""type":"cron""#),
            (r#""name":"demo.run.1""#, r#""name":"demo.run.2""#),
        ] {
            assert!(damage(&HEAD.replace(part, other), &id).is_some(), "{other}");
        }
    }

    #[test]
    fn replay_skips_events_of_another_container_and_torn_lines() {
        let story = read(&[
            HEAD,
            r#"["old",{"told":3}]"#,
            r#"["old","created"]"#,
            r#"["old","recorded"]"#,
            r#"["new","created"]"#,
            r#"["old",{"ending":"stopped"}]"#,
            r#"["new",{"tol"#,
            r#"["new",{"told":4}]"#,
            r#"["new",{"sung":4}]"#,
        ]);
        assert_eq!(story.id.as_deref(), Some("new"));
        assert_eq!((story.ending, story.recorded), (None, false));
        assert_eq!(story.told, Some(4));
        assert_eq!(read(&["{\"app\":"]), JournalState::default());
    }
}
