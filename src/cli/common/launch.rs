//! What every command that starts a task does first.

use std::ffi::OsString;
use std::io::IsTerminal;

use anyhow::Result;

use crate::cli::common::args::Parsed;
use crate::cli::common::task_args::TaskOptions;
use crate::cli::print;
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::settings::properties::Settings;
use crate::task::delegate::Handover;
use crate::task::handoff::supervisor;
use crate::task::model::request::{Request, Tty};
use crate::task::spec::resolve::Gathered;
use crate::task::spec::{Streams, Task, resolve};
use crate::ui::message::on_stdout;

/// Where the words of a command line lead.
pub(crate) enum Start {
    /// What was asked for is shown; there is nothing to start.
    Shown,
    Here {
        host: Host,
        docker: Docker,
        task: Box<Task>,
    },
    Elsewhere {
        host: Host,
        task: Handover,
    },
}

/// `arguments` begin with the command word; `command` is its name in messages.
///
/// # Errors
/// Wrong usage, an app that is not there, a task that cannot be made.
pub(crate) fn prepare(
    command: &'static str,
    arguments: &[OsString],
    detached: bool,
) -> Result<Start> {
    let options = match TaskOptions::parse_words(command, arguments)? {
        Parsed::Options(options) => options,
        Parsed::Help(text) => return print(&text).map(|()| Start::Shown),
    };
    let host = Host::from_environment(arguments)?;
    supervisor::wake_for_the_lost(&host);
    let (app, request) = options.asked(&host.flags)?;
    let app = host.app(&app)?;
    let settings = Settings::of(&host, &app)?;
    let request = options.with_settings(request, &settings);
    let (docker, answers) = match resolve::gather(&host, &app, &request, settings)? {
        Gathered::Here(docker, answers) => (docker, *answers),
        Gathered::Elsewhere(scheduler) => {
            let task = Handover::new(&host, &app, &scheduler, &request, detached)?;
            if options.dry_run {
                return print(task.shown()).map(|()| Start::Shown);
            }
            return Ok(Start::Elsewhere { host, task });
        }
    };
    let streams = streams(&request, detached);
    let task = Task::new(answers, request, streams)?;
    if options.dry_run {
        return show(&task).map(|()| Start::Shown);
    }
    if let Some(entry) = &task.entry {
        host.info(&format!(
            "Found '{entry}' in Procfile, running that command"
        ));
    }
    Ok(Start::Here {
        host,
        docker,
        task: Box::new(task),
    })
}

/// A detached task has an input only with a terminal: nobody would ever end it.
fn streams(request: &Request, detached: bool) -> Streams {
    let terminals = || std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let terminal = match request.tty {
        Tty::Always => true,
        Tty::Never => false,
        Tty::Auto => !detached && request.stdin && terminals(),
    };
    Streams {
        terminal,
        stdin: request.stdin && (terminal || !detached),
    }
}

/// The call of docker's that would make the container, and the names of the
/// values that go with it.
fn show(task: &Task) -> Result<()> {
    const NUMBER: u32 = 0;
    let call = shell_words::join(task.container(NUMBER)?.arguments());
    let environment = task.numbered_environment(NUMBER);
    let names: Vec<String> = environment
        .names()
        .map(|name| format!("  {}=***\n", on_stdout(name)))
        .collect();
    print(&format!("docker {}\n{}", on_stdout(&call), names.concat()))
}
