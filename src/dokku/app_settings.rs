//! What users have set for an app in Dokku and its core plugins: config, docker options, Procfile,
//! limits, scheduler.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::dokku::apps::App;
use crate::dokku::argv::xargs_split;
use crate::dokku::host::Host;
use crate::dokku::procfile;
use crate::dokku::resource::Resources;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::dokku::timeouts::MAX_SECONDS;

/// The port that core gives a Procfile entry of an app without a config value `PORT`.
pub(crate) const ENTRY_PORT: &str = "5000";

/// The settings of an app.
pub(crate) struct AppSettings<'a> {
    pub(super) host: &'a Host,
    pub(super) app: &'a App,
}

impl AppSettings<'_> {
    /// The config values of the app and, below them, the global ones, byte for byte.
    ///
    /// # Errors
    /// The hook fails, its answer is not a JSON object of strings, or a value is not valid
    /// UTF-8. The message contains no value.
    pub(crate) fn config(&self) -> Result<BTreeMap<String, String>> {
        const HOOK: &str = "config-export";
        let triggers = self.host.triggers();
        let json = triggers.query(HOOK, &[self.app.name(), "false", "true", "json"])?;
        if json.trim().is_empty() {
            return Ok(BTreeMap::new());
        }
        let config: BTreeMap<String, String> = serde_json::from_str(&json)
            .map_err(|error| anyhow::anyhow!("line {}, column {}", error.line(), error.column()))
            .with_context(|| {
                format!("the answer of hook '{HOOK}' is not a JSON object of strings")
            })?;
        // JSON has U+FFFD in place of invalid UTF-8. The raw bytes show whether it is in the value.
        for name in config
            .iter()
            .filter(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER))
            .map(|(name, _)| name)
        {
            if triggers.answers_with_invalid_utf8("config-get", &[self.app.name(), name])
                || triggers.answers_with_invalid_utf8("config-get-global", &[name])
            {
                bail!("the config value of '{name}' is not valid UTF-8, so docker would alter it");
            }
        }
        Ok(config)
    }

    /// A value of the app's own config, independent of the global one; empty if there is none.
    pub(crate) fn own_config(&self, name: &str) -> String {
        let triggers = self.host.triggers();
        let answer = triggers.query_or_empty("config-get", &[self.app.name(), name]);
        answer.trim().to_owned()
    }

    /// The options for one-off containers of the app: storage, and docker options of phase `run`.
    ///
    /// # Errors
    /// A hook fails, or a quote in its answer is not closed.
    pub(crate) fn docker_options(&self, tag: &str) -> Result<Vec<String>> {
        self.option_words("docker-args-run", &[self.app.name(), tag])
    }

    /// The options that depend on how the image was built: network, buildpack launcher.
    ///
    /// # Errors
    /// As [`AppSettings::docker_options`].
    pub(crate) fn process_docker_options(
        &self,
        image_type: &str,
        tag: &str,
    ) -> Result<Vec<String>> {
        let arguments = [self.app.name(), image_type, tag];
        self.option_words("docker-args-process-run", &arguments)
    }

    fn option_words(&self, hook: &str, arguments: &[&str]) -> Result<Vec<String>> {
        // Dokku splits one long string, in which a space follows each answer. An empty quoted word
        // before a space counts, at the end of the string it does not.
        let text = self.host.triggers().query(hook, arguments)? + " ";
        xargs_split::split(&text)
            .with_context(|| format!("the docker options of hook '{hook}' cannot be split"))
    }

    /// The command of the app's Procfile entry `process_type` as it is written, nothing expanded;
    /// `None` when there is no such entry.
    ///
    /// The hook decides whether there is one. Its answer has config values in it and counts only
    /// for an app without a Procfile: it is another plugin's then.
    ///
    /// # Errors
    /// The entry cannot be read from the stored Procfile, or is not valid UTF-8.
    pub(crate) fn procfile_command(&self, process_type: &str) -> Result<Option<String>> {
        let arguments = [self.app.name(), process_type, ENTRY_PORT];
        let triggers = self.host.triggers();
        let Some(answer) = triggers.query_if_successful("procfile-get-command", &arguments) else {
            return Ok(None);
        };
        let stored = procfile::read(self.host, self.app);
        let written = match &stored {
            Ok(Some(text)) => procfile::find(text, process_type),
            _ => None,
        };
        let command = match (written, answer.trim(), stored.as_ref()) {
            // An entry that only refers to unset variables is empty in the hook's answer.
            (Some(command), ..) => command,
            (None, "", _) => return Ok(None),
            (None, answer, Ok(None)) => answer,
            (None, _, Ok(Some(_))) => {
                bail!("the Procfile entry '{process_type}' is not in the stored Procfile")
            }
            (None, _, Err(error)) => {
                bail!("the Procfile entry '{process_type}' cannot be read: {error:#}")
            }
        };
        if command.contains(char::REPLACEMENT_CHARACTER) {
            bail!(
                "the Procfile entry '{process_type}' is not valid UTF-8, so docker would alter it"
            );
        }
        Ok(Some(command.to_owned()))
    }

    /// The resource limits that are set for process type `run`.
    pub(crate) fn resources(&self) -> Resources {
        Resources::read(self.host, self.app)
    }

    /// The name of the app's scheduler.
    ///
    /// # Errors
    /// The hook `scheduler-detect` fails.
    pub(crate) fn scheduler(&self) -> Result<String> {
        let triggers = self.host.triggers();
        let answer = triggers.query("scheduler-detect", &[self.app.name()])?;
        Ok(Some(answer.trim())
            .filter(|name| !name.is_empty())
            .unwrap_or(DOCKER_LOCAL)
            .to_owned())
    }

    /// The app's scheduler if its property names another one than `docker-local`. Reading the
    /// property saves firing a trigger per app of a list.
    pub(crate) fn other_scheduler(&self) -> Option<String> {
        let selected = self.property_or_global("scheduler", "selected")?;
        (selected != DOCKER_LOCAL).then_some(selected)
    }

    /// The program of a task without a command; `None` if none is configured.
    pub(crate) fn shell(&self) -> Option<String> {
        std::env::var("DOKKU_SHELL")
            .ok()
            .filter(|shell| !shell.is_empty())
            .or_else(|| self.property_or_global("scheduler", "shell"))
    }

    /// Whether containers of the app get an init process, as in its deployments.
    pub(crate) fn wants_init(&self) -> bool {
        self.property_or_global("scheduler-docker-local", "init-process")
            .as_deref()
            != Some("false")
    }

    fn property_or_global(&self, plugin: &str, name: &str) -> Option<String> {
        let properties = self.host.properties(plugin);
        properties.get_or_global(self.app.name(), name)
    }

    /// The app's stop timeout: seconds between TERM and KILL.
    ///
    /// # Errors
    /// The property is not a number.
    pub(crate) fn stop_timeout(&self) -> Result<u64> {
        stop_timeout_of(self.host, self.app.name())
    }
}

/// Like [`AppSettings::stop_timeout`], for the name of an app that may have been destroyed.
///
/// # Errors
/// As [`AppSettings::stop_timeout`].
pub(crate) fn stop_timeout_of(host: &Host, app: &str) -> Result<u64> {
    const DEFAULT: u64 = 30;
    let triggers = host.triggers();
    let answer = triggers.query_or_empty("ps-get-property", &[app, "stop-timeout-seconds"]);
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
