//! `dokku run:logs [options] <app>|--container NAME`

use std::ffi::OsString;
use std::io::{BufWriter, IsTerminal};

use anyhow::Result;
use clap::Parser;

use super::chosen::{Chosen, choose};
use super::options::{self, Parsed};
use super::print;
use crate::docker::Docker;
use crate::docker::container_logs::Part;
use crate::docker::container_ls::Listed;
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::grammar;
use crate::task::logs::{self, Prefix, Source};

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true, args_override_self = true)]
struct Options {
    /// Show this task only
    #[arg(long, value_name = "NAME", value_parser = grammar::container)]
    container: Option<String>,
    /// So many lines of each task, from the end, or all
    #[arg(short, long, value_name = "N", default_value = "100", value_parser = grammar::lines)]
    num: String,
    /// Show what is still to come, until the last task ends
    #[arg(short, long)]
    tail: bool,
    /// Without times and names
    #[arg(short, long)]
    quiet: bool,
    /// From this time on: 10m, 2026-08-03T05:47:44Z
    #[arg(long, value_name = "TIME", value_parser = grammar::since)]
    since: Option<String>,
    /// What the tasks wrote to stderr goes to stderr
    #[arg(long)]
    stderr: bool,
    #[arg(hide = true)]
    app: Option<String>,
}

/// Core's colours, in core's order.
const COLORS: [u8; 5] = [36, 33, 32, 35, 31];

/// Shows the logs of one task, or of an app's.
///
/// # Errors
/// Wrong usage, an app or a container that is not there, docker gives no answer.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    const USAGE: &str = "run:logs [options] <app>|--container NAME";
    let options: Options = match options::parse(USAGE, arguments)? {
        Parsed::Options(options) => options,
        Parsed::Help(text) => return print(&text).map(|()| 0),
    };
    let host = Host::from_environment(arguments)?;
    let container = options.container.as_deref();
    match choose(&host, options.app.as_deref(), container, false, USAGE)? {
        Chosen::Elsewhere { app, scheduler } => {
            let flag = |on: bool| if on { "true" } else { "false" };
            let rest = [
                container.unwrap_or_default(),
                flag(options.tail),
                flag(options.quiet),
                &options.num,
            ];
            host.hand_over_command("scheduler-run-logs", &scheduler, &app, &rest)
        }
        Chosen::Here { docker, tasks, .. } => {
            if tasks.is_empty() {
                message::plain("No run containers exist");
            }
            show(&docker, &tasks, &options)
        }
    }
}

fn show(docker: &Docker, tasks: &[Listed], options: &Options) -> Result<u8> {
    let part = Part {
        tail: options.num.clone(),
        follow: options.tail,
        since: options.since.clone(),
    };
    let colored = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (mut sources, mut clients) = (Vec::new(), Vec::new());
    for (number, task) in tasks.iter().enumerate() {
        let logs = docker.container_logs(&task.id, &part, options.stderr)?;
        let prefix = (!options.quiet).then(|| Prefix {
            text: format!("app[{}]:", task.name.rsplit('.').next().unwrap_or_default()),
            color: colored.then_some(COLORS[number % COLORS.len()]),
        });
        sources.push(Source {
            reader: logs.stdout,
            to_stderr: false,
            prefix: prefix.clone(),
        });
        sources.extend(logs.stderr.map(|reader| Source {
            reader,
            to_stderr: true,
            prefix,
        }));
        clients.push(logs.client);
    }
    logs::merge(
        sources,
        &mut BufWriter::new(std::io::stdout().lock()),
        &mut std::io::stderr(),
    );
    // A client that nobody reads any more ends by itself.
    let failed = clients.iter().any(
        |client| matches!(client.try_wait(), Ok(Some(output)) if output.status.code() == Some(1)),
    );
    Ok(u8::from(failed))
}
