//! Listing and finding the containers of tasks.

use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::task::model::deadline::Deadline;
use crate::task::model::labels;

impl ContainerSummary {
    pub(crate) fn is_cron(&self) -> bool {
        self.container_type == "cron"
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.status.has_exited()
    }

    /// When the container was created; `None` if docker prints the time in another form than the
    /// one below.
    pub(crate) fn created(&self) -> Option<SystemTime> {
        // `2022-08-03 05:47:44 +0200 CEST`
        let mut words = self.created_at.split(' ');
        let (date, time, offset) = (words.next()?, words.next()?, words.next()?);
        let local = humantime::parse_rfc3339(&format!("{date}T{time}Z")).ok()?;
        let minutes = |digits: &str| -> Option<u64> {
            Some(
                digits.get(..2)?.parse::<u64>().ok()? * 60
                    + digits.get(2..4)?.parse::<u64>().ok()?,
            )
        };
        let (sign, digits) = offset.split_at_checked(1)?;
        let offset = Duration::from_secs(minutes(digits)? * 60);
        if sign == "-" {
            local.checked_add(offset)
        } else {
            local.checked_sub(offset)
        }
    }

    /// The task's deadline in RFC 3339, UTC; `None` without one. It counts from the start
    /// (`started`, RFC 3339), or from the creation if the task was never started.
    pub(crate) fn deadline(&self, started: Option<&str>) -> Option<String> {
        let deadline = Deadline::from_label(&self.time_to_live, started, self.created());
        deadline.ok().flatten()?.to_rfc3339()
    }
}

/// Lists the tasks of an app, or of every app; newest first.
///
/// # Errors
/// Docker does not answer.
pub(crate) fn list_tasks(docker: &Docker, app: Option<&App>) -> Result<Vec<ContainerSummary>> {
    let mut labels = vec![labels::CONTAINER_TYPE.to_owned()];
    labels.extend(app.map(|app| format!("{}={}", labels::APP, app.name())));
    let mut tasks = docker.container_ls(&labels)?;
    tasks.retain(ContainerSummary::is_task);
    Ok(tasks)
}

/// Finds the task whose container has exactly this name, id or 12-character short id, and whose app
/// the user may access.
///
/// # Errors
/// Docker does not answer, no such task exists, or the task is not of this app. The message is the
/// same for a container that does not exist, a container that is not a task, and a task that the
/// user may not access.
pub(crate) fn find(
    host: &Host,
    docker: &Docker,
    container: &str,
    app: Option<&App>,
) -> Result<(ContainerSummary, App)> {
    let is_short_id = container.len() == 12;
    let found = list_tasks(docker, app)?.into_iter().find(|task| {
        task.name == container
            || task.id == container
            || (is_short_id && task.id.starts_with(container))
    });
    let Some(task) = found else {
        bail!("there is no one-off container '{container}'")
    };
    match host.apps().find(&task.app) {
        Ok(app) => Ok((task, app)),
        Err(_) => bail!("there is no one-off container '{container}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(created_at: &str, time_to_live: &str) -> ContainerSummary {
        let line = format!(
            r#"["id","demo.run.1","running","running","Up","\"ls\"","{created_at}","","i","demo","run","{time_to_live}","","",""]"#
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_listed_deadline_is_converted_to_utc() {
        for (created_at, time_to_live, expected) in [
            (
                "2026-08-03 23:59:30 +0000 UTC",
                "60",
                Some("2026-08-04T00:00:30Z"),
            ),
            (
                "2026-08-04 01:59:30 +0200 CEST",
                "60",
                Some("2026-08-04T00:00:30Z"),
            ),
            (
                "2026-08-03 20:29:30 -0330 NDT",
                "60",
                Some("2026-08-04T00:00:30Z"),
            ),
            ("2026-08-03 23:59:30 +0000 UTC", "", None),
            ("2026-08-03 23:59:30 +0000 UTC", "soon", None),
            (
                "2026-08-03 23:59:30 +0000 UTC",
                "18446744073709551615",
                None,
            ),
            ("2026-08-03 23:59:30 +0000 UTC", "253402300800", None),
            ("9999-12-31 23:59:30 +0000 UTC", "60", None),
            ("1970-01-01 00:00:00 +1400 X", "60", None),
            ("yesterday", "60", None),
            ("2026-08-03 23:59:30 é", "60", None),
        ] {
            assert_eq!(
                listed(created_at, time_to_live).deadline(None).as_deref(),
                expected,
                "{created_at}"
            );
        }
    }

    #[test]
    fn a_listed_deadline_counts_from_the_start() {
        let listed = listed("2026-08-03 23:59:30 +0000 UTC", "60");
        for (started, expected) in [
            (Some("2026-08-03T23:59:50.120Z"), "2026-08-04T00:00:50Z"),
            (Some("soon"), "2026-08-04T00:00:30Z"),
            (None, "2026-08-04T00:00:30Z"),
        ] {
            assert_eq!(listed.deadline(started).as_deref(), Some(expected));
        }
    }
}
