//! The tasks that `<app>` or `--container NAME` choose.

use anyhow::{Result, bail};

use crate::cli::usage::Usage;
use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::record::{Record, read};
use crate::task::control::find;

/// Where the chosen tasks are.
pub(crate) enum Selection {
    /// On this host: tasks of one app.
    DockerLocal {
        docker: Docker,
        app: App,
        tasks: Vec<ContainerSummary>,
    },
    /// It has ended, and there is a record of it.
    Ended { app: App, record: Box<Record> },
    /// On another scheduler.
    Delegated { app: App, scheduler: String },
}

/// With `cron` the app's cron tasks, too. `usage` is for the message when neither
/// is given.
///
/// # Errors
/// An app or a container that is not there, or docker gives no answer.
pub(crate) fn select(
    host: &Host,
    app: Option<&str>,
    container: Option<&str>,
    cron: bool,
    usage: &Usage,
) -> Result<Selection> {
    let app = app
        .or(host.flags.app.as_deref())
        .map(|name| host.app(name))
        .transpose()?;
    let owner = app
        .clone()
        .or_else(|| container.and_then(|name| host.visible_app_of(name)));
    if let Some(app) = owner {
        let scheduler = host.scheduler(&app)?;
        if scheduler != DOCKER_LOCAL {
            return Ok(Selection::Delegated { app, scheduler });
        }
    }
    let docker = Docker::for_host(host)?;
    let (app, tasks) = match (container, app) {
        (Some(name), app) => match find::find(host, &docker, name, app.as_ref()) {
            Ok((task, app)) => (app, vec![task]),
            Err(error) => {
                let (record, app) = read::find_and_report(host, name, app.as_ref()).ok_or(error)?;
                let record = Box::new(record);
                return Ok(Selection::Ended { app, record });
            }
        },
        (None, Some(app)) => {
            let mut tasks = find::list_tasks(&docker, Some(&app))?;
            tasks.retain(|task| cron || !task.is_cron());
            (app, tasks)
        }
        (None, None) => bail!("No container or app specified\nUsage: {}", usage.line()),
    };
    Ok(Selection::DockerLocal { docker, app, tasks })
}

/// The one task that `--container` names: as it runs, or as it was.
pub(crate) enum SingleTask {
    Present {
        docker: Docker,
        app: App,
        task: Box<ContainerSummary>,
    },
    Ended(Box<Record>),
}

/// For a command that only this host can serve. `usage` is for the message when
/// there is no name.
///
/// # Errors
/// As [`select`], and a task of another scheduler.
pub(crate) fn select_one(
    host: &Host,
    container: Option<&str>,
    usage: &Usage,
) -> Result<SingleTask> {
    let Some(container) = container else {
        bail!("No container specified\nUsage: {}", usage.line())
    };
    match select(host, None, Some(container), true, usage)? {
        Selection::DockerLocal {
            docker,
            app,
            mut tasks,
        } => match tasks.pop() {
            Some(task) => Ok(SingleTask::Present {
                docker,
                app,
                task: Box::new(task),
            }),
            None => bail!("there is no one-off container '{container}'"),
        },
        Selection::Ended { record, .. } => Ok(SingleTask::Ended(record)),
        Selection::Delegated { scheduler, .. } => bail!(
            "the app's scheduler is '{scheduler}': this command is for tasks on this host only"
        ),
    }
}
