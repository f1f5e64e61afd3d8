//! `dokku run [options] <app> [<cmd>…]`

use std::ffi::OsString;

use anyhow::Result;

use super::print;
use super::task_options::{Parsed, TaskOptions};
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::task::container::Task;
use crate::task::{answers, attached};

/// Runs an attached task; gives its exit code. `arguments` begin with the command
/// word.
///
/// # Errors
/// Wrong usage, an app that is not there, a task that could not be made.
pub(crate) fn main(arguments: &[OsString]) -> Result<u8> {
    let words = arguments.get(1..).unwrap_or_default();
    let options = match TaskOptions::parse_words(words)? {
        Parsed::Options(options) => options,
        Parsed::Help(text) => return print(&text).map(|()| 0),
    };
    let host = Host::from_environment(arguments)?;
    let (app, request) = options.asked(&host.flags)?;
    let app = host.app(&app)?;
    let docker = Docker::new(host.docker()?, host.trace);
    let task = Task::new(answers::gather(&host, &docker, &app, &request)?, request)?;
    if options.dry_run {
        return show(&task).map(|()| 0);
    }
    if let (Some(entry), false) = (&task.entry, host.quiet) {
        message::info(&format!(
            "Found '{entry}' in Procfile, running that command"
        ));
    }
    attached::run(&host, &docker, &task)
}

/// The call of docker's that would make the container, and the names of the
/// values that go with it.
fn show(task: &Task) -> Result<()> {
    const NUMBER: u32 = 0;
    let call = shell_words::join(task.container(NUMBER)?.arguments());
    let environment = task.numbered_environment(NUMBER);
    let names: Vec<String> = environment
        .names()
        .map(|name| format!("  {name}=***\n"))
        .collect();
    print(&format!("docker {call}\n{}", names.concat()))
}
