//! An entry in the JSON of `run:list`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::docker::container_ls::ContainerSummary;
use crate::dokku::host::Host;
use crate::record::{Reason, Record};
use crate::task::journal;

/// A task on this host, or an entry in the form of another scheduler's plugin.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Entry<'a> {
    Task(Box<ListedTask<'a>>),
    Delegated(Box<RawValue>),
}

/// The keys of core's JSON in core's form, followed by those that the plugin adds.
#[derive(Serialize)]
pub(crate) struct ListedTask<'a> {
    name: &'a str,
    state: &'a str,
    command: Cow<'a, str>,
    created_at: Cow<'a, str>,
    app: &'a str,
    #[serde(rename = "type")]
    container_type: &'a str,
    image: &'a str,
    started: Option<String>,
    deadline: Option<String>,
    exit_code: Option<u8>,
    finished: Option<&'a str>,
    reason: Option<Reason>,
    cron_id: Option<&'a str>,
    user: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// An entry for a task whose container exists.
    pub(crate) fn from_container(host: &Host, task: &'a ContainerSummary) -> Self {
        let started = journal::state(host, &task.name).and_then(|state| state.started);
        Self::Task(Box::new(ListedTask {
            name: &task.name,
            state: &task.state,
            command: Cow::from(&task.command),
            created_at: Cow::from(&task.created_at),
            app: &task.app,
            container_type: &task.container_type,
            image: &task.image,
            deadline: task.deadline(started.as_deref()),
            started,
            exit_code: task.exit_code(),
            finished: None,
            reason: None,
            // Containers of core may have inherited labels of the same names from their image.
            cron_id: filled(&task.cron_id).filter(|_| task.is_cron()),
            user: filled(&task.user).filter(|_| task.is_ours(host)),
        }))
    }

    /// An entry for a task whose container is removed, with the formats that docker uses for an
    /// existing container.
    pub(crate) fn from_record(record: &'a Record) -> Self {
        let task = &record.task;
        let created = task.created.get(..19).unwrap_or_default();
        Self::Task(Box::new(ListedTask {
            name: &task.name,
            state: "exited",
            command: quoted(&task.command).into(),
            created_at: format!("{} +0000 UTC", created.replace('T', " ")).into(),
            app: &task.app,
            container_type: &task.process_type,
            image: &task.image,
            started: record.started.clone(),
            deadline: None,
            exit_code: record.exit_code,
            finished: Some(&record.finished),
            reason: Some(record.reason),
            cron_id: None,
            user: filled(&task.user),
        }))
    }
}

/// A command as docker prints it: the words joined with spaces, in double quotes.
pub(crate) fn quoted(command: &[String]) -> String {
    format!("{:?}", command.join(" "))
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
