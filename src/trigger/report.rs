//! Trigger `report <app>`, for `dokku report`.

use std::ffi::OsString;
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::record::read::RecordsNewestFirst;
use crate::record::{Record, time_format};
use crate::settings::report;
use crate::task::control::find;
use crate::ui::exit::ExitStatus;
use crate::ui::message::on_stdout;
use crate::ui::output::print;

/// Prints the app's properties, the number of its running tasks, and its last failure.
///
/// # Errors
/// The app does not exist.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let host = Host::without_flags()?;
    let Some(name) = arguments.first().and_then(|word| word.to_str()) else {
        bail!("no app was given")
    };
    let app = host.apps().find(name)?;
    let values = report::values(&host, Some(&app));
    print(&report::table(&host, Some(&app), &values))?;
    print(&tasks_of(&host, &app))?;
    Ok(ExitStatus::SUCCESS)
}

/// The lines for the number of running tasks and the last failed task. If docker does not answer,
/// the number is `unknown`, and the report succeeds nevertheless.
fn tasks_of(host: &Host, app: &App) -> String {
    let running = || -> Result<usize> {
        let docker = Docker::for_host(host)?;
        let tasks = find::list_tasks(&docker, Some(app))?;
        Ok(tasks.iter().filter(|task| task.status.is_running()).count())
    };
    let running = running().map_or_else(|_| "unknown".to_owned(), |count| count.to_string());
    let mut newest = RecordsNewestFirst::of(host, app);
    let failed = newest.find(Record::has_failed).map(|record| {
        let code = record
            .exit_code
            .map_or_else(|| "?".to_owned(), |code| code.to_string());
        let ago = time_format::ago(&record.finished, SystemTime::now());
        format!(
            "{}, exit code {code} ({}), {ago}",
            on_stdout(&record.task.name),
            record.reason.as_str()
        )
    });
    newest.report_failure();
    [
        ("Run tasks running:", running),
        (
            "Run last failure:",
            failed.unwrap_or_else(|| "none".to_owned()),
        ),
    ]
    .map(|(name, value)| report::line(name, value))
    .concat()
}
