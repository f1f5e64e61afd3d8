//! The first line of a journal.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::docker::container_inspect::ContainerInfo;
use crate::dokku::apps::is_valid_name;
use crate::dokku::task_name::TaskName;
use crate::record::TaskInfo;
use crate::task::model::labels;

/// The facts about a task that are known before its container is created, one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct JournalHeader {
    #[serde(flatten)]
    pub(crate) task: TaskInfo,
    #[serde(flatten)]
    pub(crate) supervision: SupervisionInfo,
}

/// What the process that supervises the task has to know, in addition to the task info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SupervisionInfo {
    /// Seconds.
    pub(crate) stop_timeout: u64,
    /// Seconds.
    pub(crate) time_to_live: Option<u64>,
    /// The task is managed by core, which starts, stops and removes it and fires its hooks; the
    /// plugin only records the task.
    #[serde(default)]
    pub(crate) managed_by_core: bool,
    /// None of the container's labels can replace the exit code in docker's events.
    #[serde(default)]
    pub(crate) plain_events: bool,
}

/// The keys that a record may lack and a header may not: a header without one of them is rebuilt
/// from the container, which has all of them.
#[derive(Deserialize)]
struct RequiredKeys {
    #[serde(rename = "type")]
    _process_type: IgnoredAny,
    #[serde(rename = "command")]
    _command: IgnoredAny,
    #[serde(rename = "image")]
    _image: IgnoredAny,
    #[serde(rename = "user")]
    _user: IgnoredAny,
    #[serde(rename = "detached")]
    _detached: IgnoredAny,
    #[serde(rename = "created")]
    _created: IgnoredAny,
}

/// Where the header of a journal's state is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum HeaderOrigin {
    /// It is as it was written, or missing.
    #[default]
    AsWritten,
    /// It was missing and was rebuilt: a predecessor may have removed a journal of the same
    /// container before.
    Rebuilt,
    /// It was about another container and was ignored.
    OtherContainer,
}

impl JournalHeader {
    /// Parses the first line; `None` if the line is damaged or lacks a key.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        // The line is parsed once per part: to parse a flattened field, serde buffers all keys,
        // and the code for that would make `bin/run` larger by 8 KB.
        let _: RequiredKeys = serde_json::from_slice(line).ok()?;
        Some(Self {
            task: serde_json::from_slice(line).ok()?,
            supervision: serde_json::from_slice(line).ok()?,
        })
    }

    /// Rebuilds the header of a container whose journal has none, from the container's own data.
    pub(crate) fn from_container(info: &ContainerInfo, stop_timeout: u64) -> Self {
        let label = |name| info.label(name).unwrap_or_default().to_owned();
        let task = TaskInfo {
            app: label(labels::APP),
            name: info.name().to_owned(),
            process_type: label(labels::CONTAINER_TYPE),
            command: info.command.clone().unwrap_or_default(),
            image: info.image.clone(),
            // A container of core's can have the user label from its image.
            user: if info.has_own_name_label() {
                label(labels::USER)
            } else {
                String::new()
            },
            detached: true,
            created: info.created.clone(),
        };
        let supervision = SupervisionInfo {
            stop_timeout,
            time_to_live: labels::seconds(&label(labels::TIME_TO_LIVE)),
            managed_by_core: !info.has_own_name_label(),
            plain_events: info.has_trustworthy_events(),
        };
        Self { task, supervision }
    }

    /// Whether this header can belong to the container of this name: the name consists of its
    /// app, its type and a number, and the app's name is valid. Both are used in paths.
    pub(crate) fn describes(&self, name: &str) -> bool {
        let (app, process_type) = (self.task.app.as_str(), self.task.process_type.as_str());
        let named = TaskName { app, process_type };
        self.task.name == name && is_valid_name(app) && TaskName::read(name) == Some(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::journal::state::tests::HEADER;

    /// The header in JSON without this key.
    fn without(key: &str) -> Vec<u8> {
        let mut header: serde_json::Map<_, _> = serde_json::from_str(HEADER).unwrap();
        assert!(header.remove(key).is_some(), "{key}");
        serde_json::to_vec(&header).unwrap()
    }

    #[test]
    fn a_header_is_one_flat_object() {
        let header = JournalHeader::read(HEADER.as_bytes()).unwrap();
        let line = serde_json::to_string(&header).unwrap();
        let end = r#","managed_by_core":false,"plain_events":false}"#;
        assert_eq!(line, HEADER.strip_suffix('}').unwrap().to_owned() + end);
        assert_eq!(JournalHeader::read(line.as_bytes()), Some(header));
    }

    #[test]
    fn a_header_without_a_required_key_is_damaged() {
        for key in [
            "app",
            "name",
            "type",
            "command",
            "image",
            "user",
            "detached",
            "created",
            "stop_timeout",
        ] {
            assert_eq!(JournalHeader::read(&without(key)), None, "{key}");
        }
        // No time to live is no deadline.
        assert!(JournalHeader::read(&without("time_to_live")).is_some());
    }

    #[test]
    fn a_header_belongs_to_the_container_named_by_its_file() {
        let header = |app: &str, name: &str| {
            let mut header = JournalHeader::read(HEADER.as_bytes()).unwrap();
            app.clone_into(&mut header.task.app);
            name.clone_into(&mut header.task.name);
            header
        };
        assert!(header("demo", "demo.run.1").describes("demo.run.1"));
        assert!(header("my.app", "my.app.run.1").describes("my.app.run.1"));
        assert!(
            !header("demo", "demo.cron.1").describes("demo.cron.1"),
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
            assert!(!header(app, name).describes("demo.run.1"), "{app} {name}");
        }
        assert!(!header("..", "../x").describes("../x"));
        assert!(!header("Demo", "Demo.run.1").describes("Demo.run.1"));
    }
}
