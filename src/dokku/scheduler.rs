//! Which scheduler runs an app, and how tasks run on this host.

use anyhow::{Context, Result};

use super::app::App;
use super::host::Host;

/// The scheduler that runs containers on this host, through the docker CLI.
pub(crate) const DOCKER_LOCAL: &str = "docker-local";

/// Those whose plugins come with Dokku and have hook `scheduler-run`.
const CORES: [&str; 2] = [DOCKER_LOCAL, "k3s"];

impl Host {
    /// The scheduler's name.
    ///
    /// # Errors
    /// The hook fails.
    pub(crate) fn scheduler(&self, app: &App) -> Result<String> {
        let answer = self.ask("scheduler-detect", &[app.name()])?;
        Ok(Some(answer.trim())
            .filter(|name| !name.is_empty())
            .unwrap_or(DOCKER_LOCAL)
            .to_owned())
    }

    /// Whether a plugin may run tasks for this scheduler. Each answers to its own
    /// name only and passes others over with success: of core's it is known to
    /// which, of the rest there is no telling.
    pub(crate) fn is_run_by_plugin(&self, scheduler: &str) -> bool {
        let others: Vec<String> = CORES
            .into_iter()
            .filter(|name| *name != scheduler)
            .map(|name| format!("scheduler-{name}"))
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        self.is_answered("scheduler-run", &others)
    }

    /// The program of a task without a command, where one was chosen.
    pub(crate) fn shell(&self, app: &App) -> Option<String> {
        std::env::var("DOKKU_SHELL")
            .ok()
            .filter(|shell| !shell.is_empty())
            .or_else(|| self.property_or_global("scheduler", app.name(), "shell"))
    }

    /// Whether containers of the app get an init process, as its deploys do.
    pub(crate) fn wants_init(&self, app: &App) -> bool {
        self.property_or_global("scheduler-docker-local", app.name(), "init-process")
            .as_deref()
            != Some("false")
    }

    /// Seconds between TERM and KILL.
    ///
    /// # Errors
    /// The property is no number.
    pub(crate) fn stop_timeout(&self, app: &App) -> Result<u64> {
        const DEFAULT: u64 = 30;
        let answer = self.ask_softly("ps-get-property", &[app.name(), "stop-timeout-seconds"]);
        match answer.trim() {
            "" => Ok(DEFAULT),
            seconds => seconds.parse().with_context(|| {
                format!(
                    "the app's stop-timeout-seconds is '{seconds}', which is no number of seconds"
                )
            }),
        }
    }
}
