//! `dokku run:list [--format stdout|json] [--quiet] [--all] [<app>]`

use std::ffi::OsString;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use clap::Parser;
use serde::Serialize;
use serde_json::value::RawValue;

use super::options::{self, Parsed};
use super::{print, table};
use crate::docker::Docker;
use crate::docker::container_ls::Listed;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::task::supervisor::wake;
use crate::task::{journal, listing};

const HOOK: &str = "scheduler-run-list";
const JSON: &str = "json";

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true, args_override_self = true)]
struct Options {
    /// How to show them: stdout (a table) or json
    #[arg(long, value_name = "FORMAT", default_value = "stdout", value_parser = ["stdout", JSON], hide_possible_values = true)]
    format: String,
    /// Without the heading
    #[arg(long)]
    quiet: bool,
    /// Cron tasks too, and tasks that have ended but are not removed yet
    #[arg(long)]
    all: bool,
    #[arg(hide = true)]
    app: Option<String>,
}

/// Lists the tasks of an app, or of every app that the user may see.
///
/// # Errors
/// Wrong usage, an app that is not there, docker gives no answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let options: Options = match options::parse("run:list [options] [<app>]", arguments)? {
        Parsed::Options(options) => options,
        Parsed::Help(text) => return print(&text).map(|()| 0),
    };
    let host = Host::from_environment(arguments)?;
    wake::wake_for_the_lost(&host);
    match options.app.as_ref().or(host.flags.app.as_ref()) {
        Some(name) => list_one(&host, &options, &host.app(name)?),
        None => list_every(&host, &options),
    }
}

fn list_one(host: &Host, options: &Options, app: &App) -> Result<u8> {
    let scheduler = host.scheduler(app)?;
    if scheduler != DOCKER_LOCAL {
        return host.hand_over_command(HOOK, &scheduler, app, &[&options.format]);
    }
    let mut tasks = listing::tasks(&docker(host)?, Some(app))?;
    tasks.retain(|task| options.wants(task));
    print(&shown(host, options, &[(app, tasks)], Vec::new())?)?;
    Ok(0)
}

/// One question to docker, and one to each app's scheduler that is another.
fn list_every(host: &Host, options: &Options) -> Result<u8> {
    let apps = host.apps();
    let mut tasks = listing::tasks(&docker(host)?, None)?;
    tasks.retain(|task| options.wants(task));
    let mut groups = Vec::new();
    for app in &apps {
        let (own, others) = tasks
            .into_iter()
            .partition(|task: &Listed| task.app == app.name());
        tasks = others;
        groups.push((app, own));
    }
    groups.retain(|(_, tasks)| !tasks.is_empty());
    let mut code = 0;
    let mut elsewhere = Vec::new();
    for app in &apps {
        let Some(scheduler) = host.other_scheduler(app) else {
            continue;
        };
        match host.ask_scheduler(HOOK, &scheduler, app, &[&options.format]) {
            Ok(answer) => elsewhere.push(answer),
            Err(error) => {
                message::warn(&format!("{}: {error:#}", app.name()));
                code = 1;
            }
        }
    }
    print(&shown(host, options, &groups, elsewhere)?)?;
    Ok(code)
}

fn docker(host: &Host) -> Result<Docker> {
    Ok(Docker::new(host.docker()?, host.trace))
}

impl Options {
    fn wants(&self, task: &Listed) -> bool {
        self.all || !(task.is_cron() || task.has_ended())
    }
}

/// Core's keys as core has them, ours after them.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    state: &'a str,
    command: &'a str,
    created_at: &'a str,
    app: &'a str,
    #[serde(rename = "type")]
    container_type: &'a str,
    image: &'a str,
    started: Option<String>,
    deadline: Option<String>,
    exit_code: Option<u8>,
    cron_id: Option<&'a str>,
    user: Option<&'a str>,
}

/// An entry of the JSON list: of ours, or as another scheduler's plugin has it.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Here(Shown<'a>),
    Elsewhere(Box<RawValue>),
}

/// The text for the groups of tasks, and what other schedulers have answered.
fn shown(
    host: &Host,
    options: &Options,
    groups: &[(&App, Vec<Listed>)],
    elsewhere: Vec<String>,
) -> Result<String> {
    if options.format == JSON {
        let tasks = groups.iter().flat_map(|(_, tasks)| tasks);
        let mut entries: Vec<Entry<'_>> = tasks
            .map(|task| Entry::Here(for_programs(host, task)))
            .collect();
        for answer in elsewhere {
            let answer: Vec<Box<RawValue>> = serde_json::from_str(&answer)
                .with_context(|| format!("the answer of hook '{HOOK}' is no JSON list"))?;
            entries.extend(answer.into_iter().map(Entry::Elsewhere));
        }
        return Ok(serde_json::to_string_pretty(&entries)? + "\n");
    }
    let quiet = options.quiet || host.quiet;
    let terminal = std::io::stdout().is_terminal();
    let here = groups
        .iter()
        .map(|(app, tasks)| for_people(app.name(), tasks, quiet, terminal));
    Ok(here.chain(elsewhere).collect())
}

fn for_programs<'a>(host: &Host, task: &'a Listed) -> Shown<'a> {
    let filled = |text| Some(text).filter(|text: &&str| !text.is_empty());
    Shown {
        name: &task.name,
        state: &task.state,
        command: &task.command,
        created_at: &task.created_at,
        app: &task.app,
        container_type: &task.container_type,
        image: &task.image,
        started: journal::story(host, &task.name).and_then(|story| story.started),
        deadline: task.deadline(),
        exit_code: task.exit_code(),
        cron_id: filled(&task.cron_id),
        user: filled(&task.user),
    }
}

/// Docker's table under Dokku's heading; with `quiet` tabs between the columns, as
/// docker does without its word `table`.
fn for_people(app: &str, tasks: &[Listed], quiet: bool, terminal: bool) -> String {
    let rows = tasks
        .iter()
        .map(|task| [&task.name, &task.command, &task.running_for].map(String::clone));
    if quiet {
        return rows.map(|row| row.join("\t") + "\n").collect();
    }
    let heading = ["NAMES", "COMMAND", "CREATED"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
    format!(
        "=====> {app} run containers\n{}",
        table::aligned(&rows, terminal)
    )
}
