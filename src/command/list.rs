//! `dokku run:list [--format stdout|json] [--quiet] [--all] [<app>]`

use std::ffi::OsString;
use std::io::IsTerminal;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;

use super::options::{self, Parsed};
use super::{print, table};
use crate::docker::Docker;
use crate::docker::container_ls::Listed;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::task::listing;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true, args_override_self = true)]
struct Options {
    /// How to show them: stdout (a table) or json
    #[arg(long, value_name = "FORMAT", default_value = "stdout", value_parser = ["stdout", "json"], hide_possible_values = true)]
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
    match options.app.as_ref().or(host.flags.app.as_ref()) {
        Some(name) => list_one(&host, &options, &host.app(name)?),
        None => list_every(&host, &options),
    }
}

fn list_one(host: &Host, options: &Options, app: &App) -> Result<u8> {
    let scheduler = host.scheduler(app)?;
    if scheduler != DOCKER_LOCAL {
        return host.hand_over_command("scheduler-run-list", &scheduler, app, &[&options.format]);
    }
    let tasks = listing::tasks(&docker(host)?, Some(app))?;
    let tasks: Vec<Listed> = tasks
        .into_iter()
        .filter(|task| options.wants(task))
        .collect();
    print(&shown(host, options, &[(app.name(), tasks)]))?;
    Ok(0)
}

fn list_every(host: &Host, options: &Options) -> Result<u8> {
    let apps = host.apps();
    let mut tasks = listing::tasks(&docker(host)?, None)?;
    tasks.retain(|task| options.wants(task));
    let mut groups = Vec::new();
    for app in &apps {
        let own: Vec<Listed> = tasks
            .iter()
            .filter(|task| task.app == app.name())
            .cloned()
            .collect();
        if !own.is_empty() {
            groups.push((app.name(), own));
        }
    }
    print(&shown(host, options, &groups))?;
    let mut code = 0;
    for app in apps.iter().filter(|_| options.format == "stdout") {
        if let Some(scheduler) = host.other_scheduler(app) {
            code = code.max(host.hand_over_command(
                "scheduler-run-list",
                &scheduler,
                app,
                &[&options.format],
            )?);
        }
    }
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
    deadline: Option<String>,
    exit_code: Option<u8>,
    cron_id: Option<&'a str>,
    user: Option<&'a str>,
}

fn shown(host: &Host, options: &Options, groups: &[(&str, Vec<Listed>)]) -> String {
    if options.format == "json" {
        let tasks: Vec<Shown<'_>> = groups
            .iter()
            .flat_map(|(_, tasks)| tasks)
            .map(for_programs)
            .collect();
        // Strings, numbers and nothing else: it cannot fail.
        return serde_json::to_string_pretty(&tasks).unwrap_or_default() + "\n";
    }
    let quiet = options.quiet || host.quiet;
    let terminal = std::io::stdout().is_terminal();
    groups
        .iter()
        .map(|(app, tasks)| for_people(app, tasks, quiet, terminal))
        .collect()
}

fn for_programs(task: &Listed) -> Shown<'_> {
    let filled = |text| Some(text).filter(|text: &&str| !text.is_empty());
    Shown {
        name: &task.name,
        state: &task.state,
        command: &task.command,
        created_at: &task.created_at,
        app: &task.app,
        container_type: &task.container_type,
        image: &task.image,
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
