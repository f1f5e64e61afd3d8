//! The Dokku installation that started this process, read from its exported variables.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::dokku::access::Access;
use crate::dokku::app_settings::AppSettings;
use crate::dokku::apps::{App, Apps};
use crate::dokku::argv::ancestors::ancestors;
use crate::dokku::argv::global_flags::{FlagSources, GlobalFlags};
use crate::dokku::argv::{global_flags, ssh};
use crate::dokku::deployed_image::DeployedImage;
use crate::dokku::properties::Properties;
use crate::dokku::scheduler_plugin::SchedulerPlugin;
use crate::dokku::triggers::Triggers;
use crate::sys::process::ProcessBuilder;
use crate::ui::message;

/// Directories of the installation, the requesting user, and the global flags.
///
/// Its methods are in its facets: one topic and one file per facet.
pub(crate) struct Host {
    /// `DOKKU_ROOT`: one directory per app.
    pub(crate) root: PathBuf,
    /// `DOKKU_LIB_ROOT`: properties are below `config`, plugin data below `data`.
    pub(crate) library: PathBuf,
    /// `PLUGIN_ENABLED_PATH`: the directory in which hooks are looked up.
    pub(crate) enabled: PathBuf,
    /// The requesting user, as core passes it to access hooks.
    pub(crate) user: String,
    pub(crate) key_name: String,
    pub(crate) flags: GlobalFlags,
    pub(super) docker_bin: String,
    pub(crate) quiet: bool,
    pub(crate) trace: bool,
    /// This process serves no user: the hooks that it starts get process groups of their own, so
    /// that a terminal's Ctrl-C does not reach them, and a hook's timeout kills its whole group.
    pub(crate) in_background: bool,
}

/// The key name that Dokku uses for a user without an SSH key.
const NO_KEY: &str = "default";

/// Every word of Dokku's command line that begins with two dashes, including words of the
/// user's own command.
pub(crate) const GLOBAL_FLAGS: &str = "DOKKU_GLOBAL_FLAGS";

impl Host {
    /// Reads the environment. `argv` are our arguments, the command word first.
    ///
    /// # Errors
    /// Dokku has not started this process, or the global flags are ambiguous.
    pub(crate) fn from_environment(argv: &[OsString]) -> Result<Self> {
        let flags = global_flags::find(&FlagSources {
            global_flags: &std::env::var_os(GLOBAL_FLAGS)
                .unwrap_or_default()
                .to_string_lossy(),
            app_name: text("DOKKU_APP_NAME").as_deref(),
            argv: &argv
                .iter()
                .map(|word| word.as_bytes().to_vec())
                .collect::<Vec<_>>(),
            ancestors: &ancestors()
                .iter()
                .filter_map(|ancestor| ancestor.words.clone())
                .collect::<Vec<_>>(),
            leading: ssh::command().map(|command| command.flags_before(argv)),
        })?;
        Self::with_flags(flags)
    }

    /// For a process that another process of the plugin started, which has evaluated the flags.
    ///
    /// # Errors
    /// `DOKKU_ROOT`, `DOKKU_LIB_ROOT` or `PLUGIN_ENABLED_PATH` is not set.
    pub(crate) fn without_flags() -> Result<Self> {
        Self::with_flags(GlobalFlags::default())
    }

    /// For a process that serves no user.
    pub(crate) fn in_background(self) -> Self {
        Self {
            in_background: true,
            ..self
        }
    }

    fn with_flags(flags: GlobalFlags) -> Result<Self> {
        let is_set = |variable: &'static str| {
            text(variable).is_some_and(|value| !value.is_empty())
                && !flags.misattributed.contains(&variable)
        };
        Ok(Self {
            root: directory("DOKKU_ROOT")?,
            enabled: directory("PLUGIN_ENABLED_PATH")?,
            user: first_of(&["SSH_USER", "USER"]).unwrap_or_default(),
            key_name: first_of(&["SSH_NAME", "NAME"]).unwrap_or_else(|| NO_KEY.to_owned()),
            quiet: is_set("DOKKU_QUIET_OUTPUT"),
            trace: is_set("DOKKU_TRACE"),
            in_background: false,
            docker_bin: first_of(&["DOCKER_BIN"]).unwrap_or_else(|| "docker".to_owned()),
            library: directory("DOKKU_LIB_ROOT")?,
            flags,
        })
    }

    /// The triggers that are fired at the hooks of its plugins.
    pub(crate) fn triggers(&self) -> Triggers<'_> {
        Triggers { host: self }
    }

    /// The stored properties of a plugin.
    pub(crate) fn properties<'a>(&'a self, plugin: &'a str) -> Properties<'a> {
        Properties { host: self, plugin }
    }

    /// The apps, and which of them the user may see.
    pub(crate) fn apps(&self) -> Apps<'_> {
        Apps { host: self }
    }

    /// What the access plugins allow the user.
    pub(crate) fn access(&self) -> Access<'_> {
        Access { host: self }
    }

    /// The plugin that serves the scheduler of this name.
    pub(crate) fn scheduler_plugin<'a>(&'a self, scheduler: &'a str) -> SchedulerPlugin<'a> {
        SchedulerPlugin {
            host: self,
            scheduler,
        }
    }

    /// What users have set for an app.
    pub(crate) fn settings_of<'a>(&'a self, app: &'a App) -> AppSettings<'a> {
        AppSettings { host: self, app }
    }

    /// The image that was deployed for an app.
    pub(crate) fn image_of<'a>(&'a self, app: &'a App) -> DeployedImage<'a> {
        DeployedImage { host: self, app }
    }

    /// Prints a progress message, unless `--quiet` is set.
    pub(crate) fn info(&self, text: &str) {
        if !self.quiet {
            message::info(text);
        }
    }

    /// The requesting user for people: the name of the SSH key, else the user name.
    pub(crate) fn requester(&self) -> &str {
        if self.key_name == NO_KEY {
            &self.user
        } else {
            &self.key_name
        }
    }

    /// Removes from the environment of a call what Dokku has set only because of words of the
    /// user's own command.
    pub(crate) fn without_misattributed_env(&self, call: ProcessBuilder) -> ProcessBuilder {
        let call = match &self.flags.scanned {
            Some(flags) => call.env(GLOBAL_FLAGS, flags),
            None => call,
        };
        self.flags
            .misattributed
            .iter()
            .fold(call, |call, variable| call.env_remove(variable))
    }
}

/// The variable's value. Invalid UTF-8 is replaced: the result is another name, not no name.
fn text(variable: &str) -> Option<String> {
    std::env::var_os(variable).map(|value| value.to_string_lossy().into_owned())
}

fn first_of(variables: &[&str]) -> Option<String> {
    variables
        .iter()
        .filter_map(|variable| text(variable))
        .find(|value| !value.is_empty())
}

fn directory(variable: &str) -> Result<PathBuf> {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(value) => Ok(value.into()),
        None => bail!(
            "{variable} is not set: this program is started by dokku, as in 'dokku run <app> <cmd>'"
        ),
    }
}
