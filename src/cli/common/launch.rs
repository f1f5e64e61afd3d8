//! The first steps of every command that starts a task.

use std::ffi::OsString;
use std::io::IsTerminal;

use anyhow::Result;

use crate::cli::common::args::ParsedArgs;
use crate::cli::common::task_args::TaskOptions;
use crate::cli::usage::Usage;
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::task::delegate::SchedulerDelegate;
use crate::task::handoff::supervisor;
use crate::task::model::request::{Request, Tty};
use crate::task::spec::defaults::Settings;
use crate::task::spec::resolve::Placement;
use crate::task::spec::{TaskSpec, TaskStreams, resolve};
use crate::ui::message::on_stdout;
use crate::ui::output::print;

/// How a command line is to be executed.
pub(crate) enum Launch {
    /// The dry run or the help has been printed; no task is started.
    DryRun,
    DockerLocal {
        host: Host,
        docker: Docker,
        task: Box<TaskSpec>,
    },
    Delegated {
        host: Host,
        task: SchedulerDelegate,
    },
}

/// Parses the command line and resolves the task. `arguments` begin with the command word.
///
/// # Errors
/// Wrong usage, the app does not exist, or the task cannot be created.
pub(crate) fn prepare(usage: &Usage, arguments: &[OsString], detached: bool) -> Result<Launch> {
    let options = match TaskOptions::parse(usage, arguments)? {
        ParsedArgs::Options(options) => options,
        ParsedArgs::Help(text) => return print(&text).map(|()| Launch::DryRun),
    };
    let host = Host::from_environment(arguments)?;
    options.check_old_options(&host, detached)?;
    supervisor::adopt_orphans(&host);
    let (app, request) = options.to_request(&host.flags)?;
    let app = host.apps().find(&app)?;
    let settings = Settings::of(&host, &app)?;
    let request = options.with_settings(request, &settings);
    let (docker, facts) = match resolve::resolve(&host, &app, &request, settings)? {
        Placement::DockerLocal(docker, facts) => (docker, *facts),
        Placement::Delegated(scheduler) => {
            let task = SchedulerDelegate::new(&host, &app, &scheduler, &request, detached)?;
            if options.dry_run {
                return print(task.display_text()).map(|()| Launch::DryRun);
            }
            return Ok(Launch::Delegated { host, task });
        }
    };
    let streams = streams(&request, detached);
    let task = TaskSpec::new(facts, request, streams)?;
    if options.dry_run {
        return print_dry_run(&task).map(|()| Launch::DryRun);
    }
    if let Some(entry) = &task.procfile_entry {
        host.info(&format!(
            "Found '{entry}' in Procfile, running that command"
        ));
    }
    Ok(Launch::DockerLocal {
        host,
        docker,
        task: Box::new(task),
    })
}

/// A detached task has stdin only with a terminal: stdin without a terminal would never be closed.
fn streams(request: &Request, detached: bool) -> TaskStreams {
    let terminals = || std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let terminal = match request.tty {
        Tty::Always => true,
        Tty::Never => false,
        Tty::Auto => !detached && request.stdin && terminals(),
    };
    TaskStreams {
        terminal,
        stdin: request.stdin && (terminal || !detached),
    }
}

/// Prints the docker call that would create the container, and the names of its environment
/// variables.
fn print_dry_run(task: &TaskSpec) -> Result<()> {
    const NUMBER: u32 = 0;
    let call = shell_words::join(task.container(NUMBER)?.arguments());
    let environment = task.environment_for(NUMBER);
    let names: Vec<String> = environment
        .names()
        .map(|name| format!("  {}=***\n", on_stdout(name)))
        .collect();
    print(&format!("docker {}\n{}", on_stdout(&call), names.concat()))
}
