//! Options and arguments of a command that creates a task.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::{ArgAction, Parser};

use crate::cli::common::args::ParsedArgs;
use crate::cli::common::{args, unknown_option};
use crate::cli::usage::Usage;
use crate::dokku::argv::global_flags::GlobalFlags;
use crate::dokku::host::Host;
use crate::settings::choices::{OnHangup, Policy};
use crate::settings::times::TimeToLive;
use crate::settings::{times, validate};
use crate::task::model::request::{CommandSyntax, Cron, Lock, Request, Tty};
use crate::task::spec::defaults::Settings;
use crate::ui::message;

// Options of core first, then those of the plugin. App and command are one list of words: if the
// app were a positional argument of its own, clap would parse options within the command.
#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct TaskOptions {
    /// Set a variable of the task's environment
    #[arg(short, long, value_name = "KEY=VALUE", action = ArgAction::Append, allow_hyphen_values = true)]
    env: Vec<OsString>,
    /// Do not allocate a terminal
    #[arg(long)]
    no_tty: bool,
    /// Allocate a terminal even if stdin and stdout are not both terminals
    #[arg(long)]
    force_tty: bool,
    /// Stop the task after this number of seconds [default: 86400]
    #[arg(long, value_name = "SECONDS", value_parser = times::seconds)]
    ttl_seconds: Option<u64>,
    /// The task's id in the app's crontab (deprecated)
    #[arg(long, value_name = "ID", value_parser = validate::identifier)]
    cron_id: Option<String>,
    /// If another task has the cron id or lock: allow (run anyway), forbid, or replace it
    #[arg(long, value_name = "POLICY", value_parser = str::parse::<Policy>)]
    concurrency_policy: Option<Policy>,
    /// Refuse to run while another task of the app has this lock
    #[arg(long, value_name = "NAME", value_parser = validate::identifier)]
    lock: Option<String>,
    /// Stop the task after this time: 90 (seconds), 10m, 1h30m, 2d, or 'none'
    #[arg(long, value_name = "TIME", value_parser = times::time_to_live, conflicts_with = "ttl_seconds")]
    timeout: Option<TimeToLive>,
    /// Label the container
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append, value_parser = validate::label)]
    label: Vec<(String, String)>,
    /// Memory limit, overriding the app's: 512m, 1g (without a unit: megabytes)
    #[arg(long, value_name = "SIZE", value_parser = validate::memory)]
    memory: Option<String>,
    /// CPU limit, overriding the app's: 0.5, 2
    #[arg(long, value_name = "NUMBER", value_parser = validate::cpus)]
    cpus: Option<String>,
    /// User (and group) inside the container
    #[arg(long, value_name = "USER[:GROUP]", value_parser = validate::user)]
    user: Option<String>,
    /// Working directory inside the container
    #[arg(long, value_name = "DIRECTORY", value_parser = validate::workdir)]
    workdir: Option<String>,
    /// Run the words of the command as one line by the image's shell
    #[arg(long)]
    shell: bool,
    /// Do not attach stdin
    #[arg(long)]
    no_stdin: bool,
    /// When the terminal hangs up or the output is no longer read: stop the task, or keep it
    /// running [default: stop for a terminal, keep for a pipe]
    #[arg(long, value_name = "stop|keep", value_parser = str::parse::<OnHangup>)]
    on_hangup: Option<OnHangup>,
    /// Show the docker command that would be run, without running it
    #[arg(long)]
    pub(crate) dry_run: bool,
    // Of old guides, where a container was removed only with it.
    #[arg(long, alias = "rm-container", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "true", value_parser = validate::always)]
    rm: Option<String>,
    #[arg(trailing_var_arg = true, hide = true)]
    words: Vec<OsString>,
    /// For messages.
    #[arg(skip)]
    usage: String,
}

impl TaskOptions {
    /// Parses a command line. `arguments` begin with the command word.
    ///
    /// # Errors
    /// Wrong usage: one sentence that names the mistake, and the usage line.
    pub(crate) fn parse(usage: &Usage, arguments: &[OsString]) -> Result<ParsedArgs<Self>> {
        Ok(
            match args::parse::<Self>(usage, arguments, unknown_option::hint)? {
                ParsedArgs::Options(options) => ParsedArgs::Options(Self {
                    usage: usage.line(),
                    ..options
                }),
                ParsedArgs::Help(text) => ParsedArgs::Help(text),
            },
        )
    }

    /// Returns the app's name (empty if none is given) and the request for its task.
    ///
    /// # Errors
    /// A value is not valid. The message contains no value of the environment.
    pub(crate) fn to_request(&self, flags: &GlobalFlags) -> Result<(String, Request)> {
        let words: Result<Vec<String>> =
            self.words.iter().map(|word| validate::utf8(word)).collect();
        let mut words = words?.into_iter();
        let app = flags
            .app
            .clone()
            .or_else(|| words.next())
            .unwrap_or_default();
        let mut words = words.peekable();
        let literal = words.next_if(|word| word == "--").is_some();
        Ok((app, self.request(flags, literal, words.collect())?))
    }

    /// Reports options that have no effect, and refuses global flags whose effect core has dropped.
    ///
    /// # Errors
    /// A task is to be detached by a flag before the command, and this command attaches it.
    pub(crate) fn check_old_options(&self, host: &Host, detached: bool) -> Result<()> {
        if host.flags.has("--detach") && !detached {
            bail!(
                "'--detach' before 'run' has no effect: {}",
                unknown_option::hint("--detach").unwrap_or_default()
            );
        }
        if self.rm.is_some() {
            host.info("'--rm' is not needed: the container of a task is always removed at its end");
        }
        Ok(())
    }

    /// Completes the request with the app's properties where the command line sets nothing.
    pub(crate) fn with_settings(&self, request: Request, settings: &Settings) -> Request {
        let time_to_live = match (self.timeout, self.ttl_seconds) {
            (None, None) => settings.time_to_live.0,
            _ => request.time_to_live,
        };
        Request {
            time_to_live,
            stdin: request.stdin && settings.stdin,
            on_hangup: request.on_hangup.or(settings.on_hangup),
            ..request
        }
    }

    fn request(&self, flags: &GlobalFlags, literal: bool, command: Vec<String>) -> Result<Request> {
        if self.no_tty && self.force_tty {
            bail!("Cannot specify both --force-tty and --no-tty");
        }
        let policy = self.concurrency_policy.unwrap_or_default();
        if policy != Policy::Allow && self.cron_id.is_none() && self.lock.is_none() {
            bail!(
                "'--concurrency-policy {}' needs a '--lock' or '--cron-id' to hold",
                policy.as_str()
            );
        }
        if self.shell && command.iter().all(|word| word.trim().is_empty()) {
            bail!("'--shell' needs a command to run");
        }
        let global_labels = global_labels(flags)?;
        for (name, _) in global_labels.iter().chain(&self.label) {
            if validate::has_prefix_of_dokku(name) {
                message::warn(&format!(
                    "The label '{name}' has the prefix of Dokku's own, which a later release may read"
                ));
            }
        }
        Ok(Request {
            environment: self.environment()?,
            global_labels,
            labels: self.label.clone(),
            time_to_live: self
                .timeout
                .map_or(self.ttl_seconds, |TimeToLive(seconds)| seconds),
            no_deadline: self.timeout == Some(TimeToLive(None)),
            cron: self.cron(),
            lock: self.lock(),
            memory: self.memory.clone(),
            cpus: self.cpus.clone(),
            user: self.user.clone(),
            workdir: self.workdir.clone(),
            stdin: !self.no_stdin,
            on_hangup: self.on_hangup,
            tty: match (self.no_tty, self.force_tty) {
                (true, _) => Tty::Never,
                (_, true) => Tty::Always,
                _ => Tty::Auto,
            },
            syntax: match (self.shell, literal) {
                (true, _) => CommandSyntax::ShellLine,
                (_, true) => CommandSyntax::Program,
                _ => CommandSyntax::EntryOrProgram,
            },
            command,
        })
    }

    /// The default policy of a lock is `forbid`: a lock that several tasks may have at the same
    /// time would have no effect.
    fn lock(&self) -> Option<Lock> {
        let policy = self.concurrency_policy.unwrap_or(Policy::Forbid);
        self.lock.clone().map(|name| Lock { name, policy })
    }

    fn cron(&self) -> Option<Cron> {
        let policy = self.concurrency_policy.unwrap_or_default();
        self.cron_id.clone().map(|id| Cron { id, policy })
    }

    fn environment(&self) -> Result<Vec<(String, String)>> {
        self.env
            .iter()
            .map(|pair| variable(pair, &self.usage))
            .collect()
    }
}

fn global_labels(flags: &GlobalFlags) -> Result<Vec<(String, String)>> {
    let pair = |label: &String| {
        // docker accepts a label without a value, and so does core's global flag.
        let pair = if label.contains('=') {
            label.clone()
        } else {
            format!("{label}=")
        };
        validate::label(&pair)
            .map_err(|reason| anyhow::anyhow!("invalid value '{label}' for '--label': {reason}"))
    };
    flags.labels.iter().map(pair).collect()
}

/// Parses one argument of `--env`.
fn variable(pair: &OsString, usage: &str) -> Result<(String, String)> {
    let shown = pair.to_string_lossy();
    let name = shown.split('=').next().unwrap_or_default();
    let Some(text) = pair.to_str() else {
        bail!("the value of '{name}' is not valid UTF-8, so docker would alter it");
    };
    let (name, value) = validate::key_value(text).map_err(|reason| {
        let masked = if text.contains('=') { "=***" } else { "" };
        anyhow::anyhow!(
            "invalid value '{name}{masked}' for '--env <KEY=VALUE>': {reason}\nUsage: {usage}"
        )
    })?;
    if ['\'', '"']
        .iter()
        .any(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote))
    {
        message::warn(&format!(
            "The value of '{name}' keeps the quotes around it; they are not needed"
        ));
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests;
