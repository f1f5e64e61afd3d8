//! `dokku run:history [options] [<app>]`

use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::Parser;

use crate::cli::common::{args, table};
use crate::cli::usage;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::record::read::{RecordsNewestFirst, Skipped};
use crate::record::time_format;
use crate::record::{Reason, Record};
use crate::settings::{times, validate};
use crate::task::handoff::supervisor;
use crate::ui::exit::ExitStatus;
use crate::ui::json;
use crate::ui::message;
use crate::ui::message::escaped;
use crate::ui::output::print;

const JSON: &str = "json";

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// Output format: stdout (a table) or json
    #[arg(long, value_name = "FORMAT", default_value = "stdout", value_parser = ["stdout", JSON], hide_possible_values = true)]
    format: String,
    /// Number of tasks to show, or 'all'
    #[arg(short, long, value_name = "N", default_value = "20", value_parser = validate::lines)]
    num: String,
    /// Only tasks with a non-zero exit code
    #[arg(long)]
    failed: bool,
    /// Only tasks that ended at or after this time: 10m, 1.5h, 2026-08-03, 2026-08-03T05:47:44Z
    /// (without a zone: the host's)
    #[arg(long, value_name = "TIME", value_parser = times::point_in_time)]
    since: Option<SystemTime>,
    /// Only run or cron tasks
    #[arg(long = "type", value_name = "TYPE", value_parser = ["run", "cron"], hide_possible_values = true)]
    process_type: Option<String>,
    /// Omit the header
    #[arg(long)]
    quiet: bool,
    #[arg(hide = true)]
    app: Option<String>,
}

/// Prints the records of an app, or of every app that the user has access to, newest first.
///
/// # Errors
/// Wrong usage; the app does not exist, or has another scheduler and no records.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::HISTORY, arguments, show_history)
}

fn show_history(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    let name = options.app.as_ref().or(host.flags.app.as_ref());
    let app = name.map(|name| host.apps().find(name)).transpose()?;
    let apps = app
        .clone()
        .map_or_else(|| host.apps().visible(), |app| vec![app]);
    let (records, skipped) = matching_records(host, options, &apps);
    skipped.report();
    if let Some(app) = &app {
        report_other_scheduler(host, app, records.is_empty())?;
    }
    if options.format == JSON {
        print(&json::indented(&records)?)?;
    } else {
        let title = app.map_or_else(String::new, |app| format!("{} ", app.name()));
        print(&table_text(&title, &records, options.quiet || host.quiet))?;
    }
    Ok(ExitStatus::SUCCESS)
}

/// Tasks of another scheduler leave no records on this host. There may be records of tasks that ran
/// before the scheduler was changed.
fn report_other_scheduler(host: &Host, app: &App, no_records: bool) -> Result<()> {
    let scheduler = host.settings_of(app).scheduler()?;
    if scheduler == DOCKER_LOCAL {
        return Ok(());
    }
    let sentence = format!(
        "the app's scheduler is '{scheduler}': tasks that run there leave no record on this host"
    );
    if no_records {
        bail!(sentence);
    }
    message::warn(&sentence);
    Ok(())
}

/// The newest records of all `apps` that match the options.
fn matching_records(host: &Host, options: &Options, apps: &[App]) -> (Vec<Record>, Skipped) {
    let limit = options.num.parse().unwrap_or(usize::MAX);
    let mut sources: Vec<(RecordsNewestFirst, Option<Record>)> = apps
        .iter()
        .map(|app| {
            let mut newest = RecordsNewestFirst::of(host, app);
            let first = newest.find(|record| options.matches(record));
            (newest, first)
        })
        .collect();
    let mut records = Vec::new();
    while records.len() < limit {
        let next = sources.iter_mut().max_by(|(_, one), (_, other)| {
            let finished = |record: &Option<Record>| {
                let record = record.as_ref()?;
                Some(humantime::parse_rfc3339(&record.finished).unwrap_or(SystemTime::UNIX_EPOCH))
            };
            finished(one).cmp(&finished(other))
        });
        let Some((newest, next)) = next else { break };
        let Some(record) = next.take() else { break };
        records.push(record);
        *next = newest.find(|record| options.matches(record));
    }
    let mut skipped = Skipped::default();
    for (newest, _) in &sources {
        skipped.add(newest.skipped);
        newest.report_failure();
    }
    (records, skipped)
}

impl Options {
    fn matches(&self, record: &Record) -> bool {
        let ended_after = |since: SystemTime| {
            humantime::parse_rfc3339(&record.finished).is_ok_and(|finished| finished >= since)
        };
        (!self.failed || record.has_failed())
            && self.since.is_none_or(ended_after)
            && self
                .process_type
                .as_ref()
                .is_none_or(|wanted| *wanted == record.task.process_type)
    }
}

fn table_text(title: &str, records: &[Record], quiet: bool) -> String {
    let now = SystemTime::now();
    let rows: Vec<[String; 6]> = records
        .iter()
        .map(|record| {
            [
                record.task.name.clone(),
                time_format::ago(&record.finished, now),
                time_format::took(record.duration()),
                exit(record),
                record.task.user.clone(),
                shell_words::join(&record.task.command),
            ]
        })
        .collect();
    if quiet {
        let line = |row: &[String; 6]| row.each_ref().map(|cell| escaped(cell)).join("\t");
        return rows.iter().map(|row| line(row) + "\n").collect();
    }
    let heading = ["NAME", "ENDED", "TOOK", "EXIT", "USER", "COMMAND"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
    let text = table::aligned(&rows, true);
    let mut shown = format!("=====> {title}run history\n");
    let failed = std::iter::once(false).chain(records.iter().map(Record::has_failed));
    let terminal = Screen::of_stdout();
    for (line, failed) in text.lines().zip(failed) {
        shown += &terminal.line(line, failed);
    }
    shown
}

/// The exit code, and the reason in parentheses unless the task exited by itself.
fn exit(record: &Record) -> String {
    let code = record
        .exit_code
        .map_or_else(|| "?".to_owned(), |code| code.to_string());
    match record.reason {
        Reason::Exited => code,
        other => format!("{code} ({})", other.as_str()),
    }
}

/// How stdout displays lines.
struct Screen {
    /// The width in characters; `None` if lines are not limited.
    width: Option<usize>,
    colored: bool,
}

impl Screen {
    fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Self {
                width: None,
                colored: false,
            };
        }
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        Self {
            width: size
                .map(|size| usize::from(size.ws_col))
                .filter(|width| *width > 0),
            colored: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Formats a line: cut at the width of the terminal, and in red if it is highlighted.
    fn line(&self, line: &str, highlighted: bool) -> String {
        let mut line = line.to_owned();
        if let Some(width) = self.width
            && line.chars().count() > width
        {
            line = line.chars().take(width - 1).chain(['…']).collect();
        }
        if highlighted && self.colored {
            format!("\u{1b}[31m{line}\u{1b}[0m\n")
        } else {
            line + "\n"
        }
    }
}
