//! The tasks that `<app>` or `--container NAME` select.

use anyhow::{Result, bail};

use crate::cli::usage::Usage;
use crate::docker::Docker;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::record::{Record, read};
use crate::task::control::find;

/// The selected tasks, by the place where they are.
pub(crate) enum Selection {
    /// Tasks of one app on this host.
    DockerLocal {
        docker: Docker,
        app: App,
        tasks: Vec<ContainerSummary>,
    },
    /// A task that has ended and of which there is a record.
    Ended { app: App, record: Box<Record> },
    /// Tasks of an app with another scheduler.
    Delegated { app: App, scheduler: String },
}

/// Selects tasks. `cron` includes the app's cron tasks. `usage` is printed if neither an app nor a
/// container is given.
///
/// # Errors
/// The app or the container does not exist, or docker does not answer.
pub(crate) fn select(
    host: &Host,
    app: Option<&str>,
    container: Option<&str>,
    cron: bool,
    usage: &Usage,
) -> Result<Selection> {
    let app = app
        .or(host.flags.app.as_deref())
        .map(|name| host.apps().find(name))
        .transpose()?;
    let owner = app
        .clone()
        .or_else(|| container.and_then(|name| host.apps().of_task(name)));
    if let Some(app) = owner {
        let scheduler = host.settings_of(&app).scheduler()?;
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

/// The task that `--container` names: its container, or its record if the container is removed.
pub(crate) enum SingleTask {
    Present {
        docker: Docker,
        app: App,
        task: Box<ContainerSummary>,
    },
    Ended(Box<Record>),
}

/// Selects one task for a command that works on this host only. `usage` is printed if no name is
/// given.
///
/// # Errors
/// As [`select`]; or the task is of another scheduler.
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
