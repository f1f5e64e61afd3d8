//! `dokku run:report [<app>|--global] [<flag>] [--format stdout|json]`

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::cli::common::time_format;
use crate::cli::json;
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_inspect::Status;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::property::GLOBAL;
use crate::record::Record;
use crate::record::read::RecordsNewestFirst;
use crate::settings::properties::{PLUGIN, PROPERTIES};
use crate::task::control::find;
use crate::task::handoff::supervisor;
use crate::ui::message::on_stdout;
use crate::ui::output::print;

/// Dokku pads the names of a report to this.
const NAME_COLUMN_WIDTH: usize = 31;

/// Shows the properties of an app, of every app, or the global ones.
///
/// # Errors
/// An app that is not there, an unknown flag or format.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let host = Host::from_environment(arguments)?;
    supervisor::adopt_orphans(&host);
    let words = arguments
        .iter()
        .skip(1)
        .map(|word| crate::settings::validate::utf8(word))
        .collect::<Result<Vec<_>>>()?;
    let asked = ReportArgs::read(words, host.flags.app.clone())?;
    if asked.global {
        return show(&host, None, &asked);
    }
    let apps = match &asked.app {
        Some(name) => vec![host.app(name)?],
        None => host.apps(),
    };
    for app in &apps {
        show(&host, Some(app), &asked)?;
    }
    Ok(0)
}

/// The hook: `report <app>`, a part of `dokku report`.
///
/// # Errors
/// The app is not there.
pub(crate) fn hook(arguments: &[OsString]) -> Result<u8> {
    let host = Host::without_flags()?;
    let Some(name) = arguments.first().and_then(|word| word.to_str()) else {
        bail!("no app was given")
    };
    let app = host.app(name)?;
    show(&host, Some(&app), &ReportArgs::default())?;
    print(&tasks_of(&host, &app))?;
    Ok(0)
}

/// How many tasks run, and which one failed last. A report without docker is one,
/// too.
fn tasks_of(host: &Host, app: &App) -> String {
    let running = || -> Result<usize> {
        let docker = Docker::for_host(&host)?;
        let tasks = find::list_tasks(&docker, Some(app))?;
        Ok(tasks
            .iter()
            .filter(|task| task.status == Status::Running)
            .count())
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
            on_stdout(&record.name),
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
    .map(|(name, value)| format!("       {name:NAME_COLUMN_WIDTH$}{value}\n"))
    .concat()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct ReportArgs {
    app: Option<String>,
    global: bool,
    flag: Option<String>,
    json: bool,
}

impl ReportArgs {
    /// In Dokku's manner flags are names of properties, and may stand anywhere.
    fn read(words: Vec<String>, app: Option<String>) -> Result<Self> {
        let mut asked = Self {
            app,
            ..Self::default()
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let format = match word.strip_prefix("--format=") {
                Some(format) => Some(format.to_owned()),
                None if word == "--format" => Some(words.next().unwrap_or_default()),
                None => None,
            };
            match (format.as_deref(), word.as_str()) {
                (Some("json"), _) => asked.json = true,
                (Some("stdout"), _) => asked.json = false,
                (Some(other), _) => {
                    bail!("invalid value '{other}' for '--format': expected stdout or json")
                }
                (None, GLOBAL) => asked.global = true,
                (None, flag) if flag.starts_with("--") => asked.flag = Some(word),
                (None, _) if asked.app.is_none() => asked.app = Some(word),
                (None, _) => {
                    bail!(
                        "'{word}' is one word too many\nUsage: {}",
                        usage::REPORT.line()
                    )
                }
            }
        }
        Ok(asked)
    }
}

/// Every value by its name: an app's own, the global one, and what holds.
fn values(host: &Host, app: Option<&App>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for key in PROPERTIES {
        let global = host.property(PLUGIN, GLOBAL, key.name).unwrap_or_default();
        let mut computed = Some(&global)
            .filter(|value| !value.is_empty())
            .map_or(key.default, String::as_str)
            .to_owned();
        if let (Some(app), false) = (app, key.global) {
            values.insert(
                key.name.to_owned(),
                host.property(PLUGIN, app.name(), key.name)
                    .unwrap_or_default(),
            );
            computed = key.effective(host, app);
        }
        values.insert(format!("computed-{}", key.name), computed);
        values.insert(format!("global-{}", key.name), global);
    }
    values
}

fn show(host: &Host, app: Option<&App>, asked: &ReportArgs) -> Result<u8> {
    let values = values(host, app);
    let text = if let Some(flag) = &asked.flag {
        let Some(value) = flag
            .strip_prefix("--run-")
            .and_then(|name| values.get(name))
        else {
            let flags: Vec<String> = values.keys().map(|name| format!("--run-{name}")).collect();
            bail!("Invalid flag passed, valid flags: {}", flags.join(", "));
        };
        format!("{}\n", on_stdout(value))
    } else if asked.json {
        json::line(&values)?
    } else {
        let heading = format!("=====> {} run information\n", app.map_or(GLOBAL, App::name));
        let lines = values.iter().map(|(name, value)| {
            let name = format!("Run {}:", name.replace('-', " "));
            format!("       {name:NAME_COLUMN_WIDTH$}{}\n", on_stdout(value))
        });
        std::iter::once(heading)
            .filter(|_| !host.quiet)
            .chain(lines)
            .collect()
    };
    print(&text)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<ReportArgs> {
        ReportArgs::read(words.split_whitespace().map(str::to_owned).collect(), None)
    }

    #[test]
    fn flags_may_stand_anywhere() {
        let expected = ReportArgs {
            app: Some("demo".into()),
            flag: Some("--run-stdin".into()),
            ..ReportArgs::default()
        };
        assert_eq!(read("demo --run-stdin").unwrap(), expected);
        assert_eq!(read("--run-stdin demo").unwrap(), expected);
        assert!(read("--format json --global").unwrap().json);
        assert!(read("--format=json").unwrap().json);
        for words in ["--format", "--format yaml", "demo other"] {
            assert!(read(words).is_err(), "{words}");
        }
    }
}
