//! The scheduler of an app, and settings of containers on this host.

use anyhow::{Context, Result, bail};

use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::timeouts::MAX_SECONDS;
use crate::sys::process::ProcessBuilder;

/// The scheduler that runs containers on this host, through the docker CLI.
pub(crate) const DOCKER_LOCAL: &str = "docker-local";

/// The schedulers whose plugins are part of Dokku and have a hook `scheduler-run`.
const CORE_SCHEDULERS: [&str; 2] = [DOCKER_LOCAL, "k3s"];

impl Host {
    /// The name of the app's scheduler.
    ///
    /// # Errors
    /// The hook `scheduler-detect` fails.
    pub(crate) fn scheduler(&self, app: &App) -> Result<String> {
        let answer = self.query("scheduler-detect", &[app.name()])?;
        Ok(Some(answer.trim())
            .filter(|name| !name.is_empty())
            .unwrap_or(DOCKER_LOCAL)
            .to_owned())
    }

    /// The app's scheduler if its property names another one than `docker-local`. Reading the
    /// property saves firing a trigger per app of a list.
    pub(crate) fn other_scheduler(&self, app: &App) -> Option<String> {
        let selected = self.property_or_global("scheduler", app.name(), "selected")?;
        (selected != DOCKER_LOCAL).then_some(selected)
    }

    /// Lets the plugin of another scheduler serve a command about its tasks. Returns the exit
    /// status for our process.
    ///
    /// # Errors
    /// No plugin has such a hook, or the hook cannot be started.
    pub(crate) fn delegate_command(
        &self,
        trigger: &str,
        scheduler: &str,
        app: &App,
        rest: &[&str],
    ) -> Result<u8> {
        let arguments = self.arguments_for(trigger, scheduler, app, rest)?;
        self.delegate(trigger, &arguments, ProcessBuilder::run)
    }

    /// The answer of another scheduler's plugin about its tasks.
    ///
    /// # Errors
    /// No plugin has such a hook, or the hook fails.
    pub(crate) fn ask_scheduler(
        &self,
        trigger: &str,
        scheduler: &str,
        app: &App,
        rest: &[&str],
    ) -> Result<String> {
        self.query(trigger, &self.arguments_for(trigger, scheduler, app, rest)?)
    }

    fn arguments_for<'a>(
        &self,
        trigger: &str,
        scheduler: &'a str,
        app: &'a App,
        rest: &[&'a str],
    ) -> Result<Vec<&'a str>> {
        if !self.has_plugin_for(trigger, scheduler) {
            bail!(
                "the app's scheduler is '{scheduler}', and no enabled plugin serves this command for it"
            );
        }
        Ok([scheduler, app.name()]
            .iter()
            .chain(rest)
            .copied()
            .collect())
    }

    /// Whether a plugin may serve this trigger for the scheduler. Each scheduler plugin ignores
    /// other schedulers' names, with exit code 0. For core's plugins the name is known; any other
    /// plugin with such a hook may be the right one.
    pub(crate) fn has_plugin_for(&self, trigger: &str, scheduler: &str) -> bool {
        let others: Vec<String> = CORE_SCHEDULERS
            .into_iter()
            .filter(|name| *name != scheduler)
            .map(|name| format!("scheduler-{name}"))
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        self.has_hook_besides(trigger, &others)
    }

    /// The program of a task without a command; `None` if none is configured.
    pub(crate) fn shell(&self, app: &App) -> Option<String> {
        std::env::var("DOKKU_SHELL")
            .ok()
            .filter(|shell| !shell.is_empty())
            .or_else(|| self.property_or_global("scheduler", app.name(), "shell"))
    }

    /// Whether containers of the app get an init process, as in its deployments.
    pub(crate) fn wants_init(&self, app: &App) -> bool {
        self.property_or_global("scheduler-docker-local", app.name(), "init-process")
            .as_deref()
            != Some("false")
    }

    /// The app's stop timeout: seconds between TERM and KILL.
    ///
    /// # Errors
    /// The property is not a number.
    pub(crate) fn stop_timeout(&self, app: &App) -> Result<u64> {
        self.stop_timeout_of(app.name())
    }

    /// Like [`Host::stop_timeout`], for the name of an app that may have been destroyed.
    ///
    /// # Errors
    /// As [`Host::stop_timeout`].
    pub(crate) fn stop_timeout_of(&self, app: &str) -> Result<u64> {
        const DEFAULT: u64 = 30;
        let answer = self.query_or_empty("ps-get-property", &[app, "stop-timeout-seconds"]);
        match answer.trim() {
            "" => Ok(DEFAULT),
            seconds => seconds
                .parse()
                .ok()
                .filter(|seconds| *seconds <= MAX_SECONDS)
                .with_context(|| {
                    format!(
                        "the app's stop-timeout-seconds is '{seconds}', which is not a number of seconds"
                    )
                }),
        }
    }
}
