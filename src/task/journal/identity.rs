//! Decides which containers are tasks, and which of them this plugin created: the only place
//! that does.
//!
//! A container has the labels of its image next to its own, so labels alone prove nothing:
//! containers of build steps and of deploys have them, too. The name is chosen by the creator
//! of a container, not by its image. A task has the name `<app>.<type>.<number>`, which agrees
//! with its labels and is given by core or by this plugin. A container of this plugin has that
//! name as a label as well, with a number that no image can know.

use crate::docker::container_inspect::ContainerInfo;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::host::Host;
use crate::dokku::task_name::TaskName;
use crate::task::journal;
use crate::task::journal::JournalState;
use crate::task::model::labels;

/// Whether a container of this name, with these labels, is a task.
fn is_task(name: &str, app: &str, process_type: &str) -> bool {
    TaskName::read(name) == Some(TaskName { app, process_type })
}

impl ContainerSummary {
    pub(crate) fn is_task(&self) -> bool {
        is_task(&self.name, &self.app, &self.container_type)
    }

    /// Whether this plugin created the container.
    pub(crate) fn is_ours(&self, host: &Host) -> bool {
        self.own_name == self.name || has_own_journal(host, &self.name, &self.id)
    }
}

impl ContainerInfo {
    pub(crate) fn is_task(&self) -> bool {
        let label = |name| self.label(name).unwrap_or_default();
        is_task(
            self.name(),
            label(labels::APP),
            label(labels::CONTAINER_TYPE),
        )
    }

    /// Whether the container's own labels prove that this plugin created the container.
    /// Containers of older plugin versions lack that label.
    pub(crate) fn has_own_name_label(&self) -> bool {
        self.label(labels::NAME) == Some(self.name())
    }

    /// Whether this plugin created the container.
    pub(crate) fn is_ours(&self, host: &Host) -> bool {
        self.has_own_name_label() || has_own_journal(host, self.name(), &self.id)
    }

    /// Whether this is the container that a journal with this id describes. If the journal has
    /// no id yet (`None`), the container has to be one that this plugin created.
    pub(crate) fn belongs_to(&self, id: Option<&str>) -> bool {
        id.map_or_else(|| self.has_own_name_label(), |id| id == self.id)
    }
}

fn has_own_journal(host: &Host, name: &str, id: &str) -> bool {
    journal::state(host, name).is_some_and(|state| is_own_journal(&state, id))
}

fn is_own_journal(state: &JournalState, id: &str) -> bool {
    let is_ours = state
        .header
        .as_ref()
        .is_some_and(|header| !header.supervision.managed_by_core);
    is_ours && state.id.as_deref() == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::journal::JournalHeader;

    #[test]
    fn a_task_name_agrees_with_its_labels() {
        for (name, app, process_type, expected) in [
            ("demo.run.7", "demo", "run", true),
            ("demo.cron.65535", "demo", "cron", true),
            ("my.app.run.7", "my.app", "run", true),
            ("my.run.run.7", "my.run", "run", true),
            ("demo.run.7", "other", "run", false),
            ("demo.run.7", "demo", "cron", false),
            ("demo.run.7", "", "run", false),
            (".run.7", "", "run", false),
            ("demo.web.7", "demo", "web", false),
            ("demo.deploy.7", "demo", "deploy", false),
            ("demo.run.", "demo", "run", false),
            ("demo.run.x", "demo", "run", false),
            ("demo.run.-7", "demo", "run", false),
            ("demo.run.+7", "demo", "run", false),
            ("demo.run.٧", "demo", "run", false),
            ("demo.run.12345678901", "demo", "run", false),
            ("demo.run.7.old", "demo", "run", false),
            ("demo.run.7/alias", "demo", "run", false),
            ("demo.run", "demo", "run", false),
            ("demo", "demo", "run", false),
            ("", "", "", false),
        ] {
            assert_eq!(is_task(name, app, process_type), expected, "{name}");
        }
    }

    fn info(labels: &str) -> ContainerInfo {
        let json = format!(
            r#"["id","/demo.run.7","",{{"Status":"exited","ExitCode":0}},{labels},null,"i"]"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn an_own_container_has_its_name_as_a_label() {
        for (labels, expected) in [
            (r#"{"dokku-oneoff.name":"demo.run.7"}"#, true),
            (r#"{"dokku-oneoff.name":"demo.run.8"}"#, false),
            (r#"{"dokku-oneoff.name":""}"#, false),
            (r#"{"dokku-oneoff.user":"eve"}"#, false),
            ("null", false),
        ] {
            let info = info(labels);
            assert_eq!(info.has_own_name_label(), expected, "{labels}");
            assert_eq!(info.belongs_to(None), expected, "{labels}");
            assert!(info.belongs_to(Some("id")) && !info.belongs_to(Some("other")));
        }
    }

    #[test]
    fn the_journal_of_an_older_version_proves_ownership() {
        let header = |managed_by_core: bool| {
            format!(
                r#"{{"app":"demo","name":"demo.run.7","type":"run","command":[],"image":"i","user":"ada",
                    "detached":true,"created":"","stop_timeout":30,"time_to_live":null,"managed_by_core":{managed_by_core}}}"#
            )
        };
        for (header, id, expected) in [
            (Some(header(false)), Some("id"), true),
            (Some(header(false)), Some("other"), false),
            (Some(header(false)), None, false),
            (Some(header(true)), Some("id"), false),
            (None, Some("id"), false),
        ] {
            let state = JournalState {
                header: header.map(|header| JournalHeader::read(header.as_bytes()).unwrap()),
                id: id.map(str::to_owned),
                ..JournalState::default()
            };
            assert_eq!(is_own_journal(&state, "id"), expected, "{state:?}");
        }
    }
}
