//! The tasks that `<app>` or `--container NAME` choose.

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_ls::Listed;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::task::listing;

/// Where the chosen tasks are.
pub(crate) enum Chosen {
    /// On this host: tasks of one app.
    Here {
        docker: Docker,
        app: App,
        tasks: Vec<Listed>,
    },
    /// On another scheduler.
    Elsewhere { app: App, scheduler: String },
}

/// With `cron` the app's cron tasks, too. `usage` is for the message when neither
/// is given.
///
/// # Errors
/// An app or a container that is not there, or docker gives no answer.
pub(crate) fn choose(
    host: &Host,
    app: Option<&str>,
    container: Option<&str>,
    cron: bool,
    usage: &str,
) -> Result<Chosen> {
    let app = app
        .or(host.flags.app.as_deref())
        .map(|name| host.app(name))
        .transpose()?;
    let owner = app
        .clone()
        .or_else(|| container.and_then(|name| listing::app_of(host, name)));
    if let Some(app) = owner {
        let scheduler = host.scheduler(&app)?;
        if scheduler != DOCKER_LOCAL {
            return Ok(Chosen::Elsewhere { app, scheduler });
        }
    }
    let docker = Docker::new(host.docker()?, host.trace);
    let (app, tasks) = match (container, app) {
        (Some(name), app) => {
            let (task, app) = listing::find(host, &docker, name, app.as_ref())?;
            (app, vec![task])
        }
        (None, Some(app)) => {
            let mut tasks = listing::tasks(&docker, Some(&app))?;
            tasks.retain(|task| cron || !task.is_cron());
            (app, tasks)
        }
        (None, None) => bail!("No container or app specified\nUsage: dokku {usage}"),
    };
    Ok(Chosen::Here { docker, app, tasks })
}
