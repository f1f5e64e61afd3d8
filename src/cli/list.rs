//! `dokku run:list [--format stdout|json] [--quiet] [--all] [<app>]`

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::value::RawValue;

use crate::cli::common::list_entry::{Entry, quoted};
use crate::cli::common::{args, table};
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::record::Record;
use crate::record::read::RecordsNewestFirst;
use crate::record::time_format;
use crate::sys::parallel::joined;
use crate::task::control::find;
use crate::task::handoff::supervisor;
use crate::ui::exit::ExitStatus;
use crate::ui::json;
use crate::ui::message;
use crate::ui::message::escaped;
use crate::ui::output::print;

const HOOK: &str = "scheduler-run-list";
const JSON: &str = "json";

/// How many tasks whose containers are removed are listed per app with `--all`; `run:history` lists
/// the others.
const MAX_FINISHED_TASKS: usize = 20;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// Output format: stdout (a table) or json
    #[arg(long, value_name = "FORMAT", default_value = "stdout", value_parser = ["stdout", JSON], hide_possible_values = true)]
    format: String,
    /// Omit the header
    #[arg(long)]
    quiet: bool,
    /// Include cron tasks and recently finished tasks
    #[arg(long)]
    all: bool,
    #[arg(hide = true)]
    app: Option<String>,
}

/// Lists the tasks of an app, or of every app that the user has access to.
///
/// # Errors
/// Wrong usage, the app does not exist, or docker does not answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::LIST, arguments, list)
}

fn list(host: &Host, options: &Options) -> Result<ExitStatus> {
    supervisor::adopt_orphans(host);
    match options.app.as_ref().or(host.flags.app.as_ref()) {
        Some(name) => list_one(host, options, &host.apps().find(name)?),
        None => list_every(host, options),
    }
}

fn list_one(host: &Host, options: &Options, app: &App) -> Result<ExitStatus> {
    // Nearly every app uses this host's docker, so docker is called in parallel with the query for
    // the scheduler.
    let (scheduler, tasks) = std::thread::scope(|scope| {
        let tasks = scope.spawn(|| find::list_tasks(&Docker::for_host(host)?, Some(app)));
        (host.settings_of(app).scheduler(), joined(tasks))
    });
    let scheduler = scheduler?;
    if scheduler != DOCKER_LOCAL {
        return host
            .scheduler_plugin(&scheduler)
            .delegate(HOOK, app, &[&options.format]);
    }
    let mut tasks = tasks?;
    tasks.retain(|task| options.matches(task));
    let group = Group {
        finished: options.finished(host, app, &tasks),
        app,
        tasks,
    };
    print(&rendered(
        host,
        options,
        &[group],
        OtherSchedulers::default(),
    )?)?;
    Ok(ExitStatus::SUCCESS)
}

/// Lists the tasks of every app with one docker call, and one call per app that has another
/// scheduler.
fn list_every(host: &Host, options: &Options) -> Result<ExitStatus> {
    let apps = host.apps().visible();
    let mut tasks = find::list_tasks(&Docker::for_host(host)?, None)?;
    tasks.retain(|task| options.matches(task));
    let mut groups = Vec::new();
    for app in &apps {
        let (own, others) = tasks
            .into_iter()
            .partition(|task: &ContainerSummary| task.app == app.name());
        tasks = others;
        groups.push(Group {
            finished: options.finished(host, app, &own),
            app,
            tasks: own,
        });
    }
    groups.retain(|group| !(group.tasks.is_empty() && group.finished.is_empty()));
    let mut has_failed = false;
    let mut other_schedulers = OtherSchedulers::default();
    for app in &apps {
        let Some(scheduler) = host.settings_of(app).other_scheduler() else {
            continue;
        };
        let answer = host
            .scheduler_plugin(&scheduler)
            .query(HOOK, app, &[&options.format]);
        if let Err(error) = answer.and_then(|answer| other_schedulers.add(options, &answer)) {
            message::warn(&format!("{}: {error:#}", app.name()));
            has_failed = true;
        }
    }
    print(&rendered(host, options, &groups, other_schedulers)?)?;
    Ok(ExitStatus::failure_if(has_failed))
}

impl Options {
    fn matches(&self, task: &ContainerSummary) -> bool {
        self.all || !(task.is_cron() || task.has_ended())
    }

    /// Records of tasks that have ended and whose containers are removed.
    fn finished(&self, host: &Host, app: &App, tasks: &[ContainerSummary]) -> Vec<Record> {
        if !self.all {
            return Vec::new();
        }
        let existing: HashSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
        let mut newest = RecordsNewestFirst::of(host, app);
        let finished = newest
            .by_ref()
            .filter(|record| !existing.contains(record.id.as_str()))
            .take(MAX_FINISHED_TASKS)
            .collect();
        newest.skipped.report();
        newest.report_failure();
        finished
    }
}

/// The answers of other schedulers.
#[derive(Default)]
struct OtherSchedulers {
    entries: Vec<Box<RawValue>>,
    text: String,
}

impl OtherSchedulers {
    /// Adds an answer. The hook of a scheduler without tasks may print nothing.
    fn add(&mut self, options: &Options, answer: &str) -> Result<()> {
        if options.format != JSON {
            self.text.push_str(answer);
        } else if !answer.trim().is_empty() {
            let entries: Vec<_> = serde_json::from_str(answer)
                .with_context(|| format!("the answer of hook '{HOOK}' is not a JSON list"))?;
            self.entries.extend(entries);
        }
        Ok(())
    }
}

/// The tasks of one app.
struct Group<'a> {
    app: &'a App,
    tasks: Vec<ContainerSummary>,
    finished: Vec<Record>,
}

/// The output for the tasks of this host and those of other schedulers.
fn rendered(
    host: &Host,
    options: &Options,
    groups: &[Group<'_>],
    other_schedulers: OtherSchedulers,
) -> Result<String> {
    if options.format == JSON {
        let mut entries = Vec::new();
        for group in groups {
            let existing = group
                .tasks
                .iter()
                .map(|task| Entry::from_container(host, task));
            entries.extend(existing.chain(group.finished.iter().map(Entry::from_record)));
        }
        entries.extend(other_schedulers.entries.into_iter().map(Entry::Delegated));
        return json::indented(&entries);
    }
    let quiet = options.quiet || host.quiet;
    let terminal = std::io::stdout().is_terminal();
    let tables = groups
        .iter()
        .map(|group| table_text(group, options.all, quiet, terminal));
    Ok(tables.chain([other_schedulers.text]).collect())
}

/// docker's table with Dokku's heading. With `quiet`, columns are separated by tabs, as in docker's
/// formats without `table`. With `all`, finished tasks are included, and a column has the status.
fn table_text(group: &Group<'_>, all: bool, quiet: bool, terminal: bool) -> String {
    let mut rows: Vec<[String; 4]> = group
        .tasks
        .iter()
        .map(|task| {
            [
                &task.name,
                &task.command,
                &task.running_for,
                &task.status_text,
            ]
            .map(String::clone)
        })
        .collect();
    rows.extend(group.finished.iter().map(|record| {
        let now = SystemTime::now();
        let code = record
            .exit_code
            .map_or_else(|| "?".to_owned(), |code| code.to_string());
        [
            record.task.name.clone(),
            quoted(&record.task.command),
            time_format::ago(&record.task.created, now),
            format!(
                "Exited ({code}) {}",
                time_format::ago(&record.finished, now)
            ),
        ]
    }));
    let columns = if all { 4 } else { 3 };
    if quiet {
        let rendered = |cell: &String| {
            if terminal {
                escaped(cell)
            } else {
                cell.clone()
            }
        };
        return rows
            .iter()
            .map(|row| row[..columns].iter().map(rendered).collect::<Vec<_>>())
            .map(|cells| cells.join("\t") + "\n")
            .collect();
    }
    let heading = ["NAMES", "COMMAND", "CREATED", "STATUS"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
    let rows = if all {
        table::aligned(&rows, terminal)
    } else {
        let rows: Vec<[String; 3]> = rows
            .into_iter()
            .map(|[name, command, created, _]| [name, command, created])
            .collect();
        table::aligned(&rows, terminal)
    };
    format!("=====> {} run containers\n{rows}", group.app.name())
}
