//! The plugin that serves a scheduler: its hooks do the work for the apps of that scheduler.

use anyhow::{Result, bail};

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::sys::process::ProcessBuilder;
use crate::ui::exit::ExitStatus;

/// The scheduler that runs containers on this host, through the docker CLI.
pub(crate) const DOCKER_LOCAL: &str = "docker-local";

/// The schedulers whose plugins are part of Dokku and have a hook `scheduler-run`.
const CORE_SCHEDULERS: [&str; 2] = [DOCKER_LOCAL, "k3s"];

/// The plugin that serves the scheduler of this name.
pub(crate) struct SchedulerPlugin<'a> {
    pub(super) host: &'a Host,
    pub(super) scheduler: &'a str,
}

impl SchedulerPlugin<'_> {
    /// Lets the plugin serve a command about its tasks. Returns the exit status for our process.
    ///
    /// # Errors
    /// No plugin has such a hook, or the hook cannot be started.
    pub(crate) fn delegate(&self, trigger: &str, app: &App, rest: &[&str]) -> Result<ExitStatus> {
        let arguments = self.arguments_for(trigger, app, rest)?;
        let triggers = self.host.triggers();
        triggers.delegate(trigger, &arguments, ProcessBuilder::run)
    }

    /// The plugin's answer about its tasks.
    ///
    /// # Errors
    /// No plugin has such a hook, or the hook fails.
    pub(crate) fn query(&self, trigger: &str, app: &App, rest: &[&str]) -> Result<String> {
        let arguments = self.arguments_for(trigger, app, rest)?;
        self.host.triggers().query(trigger, &arguments)
    }

    fn arguments_for<'b>(
        &'b self,
        trigger: &str,
        app: &'b App,
        rest: &[&'b str],
    ) -> Result<Vec<&'b str>> {
        let scheduler = self.scheduler;
        if !self.may_serve(trigger) {
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
    pub(crate) fn may_serve(&self, trigger: &str) -> bool {
        let others: Vec<String> = CORE_SCHEDULERS
            .into_iter()
            .filter(|name| *name != self.scheduler)
            .map(|name| format!("scheduler-{name}"))
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        self.host.triggers().has_hook_besides(trigger, &others)
    }
}
