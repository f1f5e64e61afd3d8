//! The options and words of a command that makes a task.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};

use super::value::{self, TimeToLive};
use crate::dokku::flags::GlobalFlags;
use crate::dokku::message;
use crate::task::request::{Cron, Request, Tty};

/// Core's default for `--ttl-seconds`: a day.
const DEFAULT_TIME_TO_LIVE: u64 = 24 * 60 * 60;

// Core's options first, ours after them. The words are one list: with the app as
// a positional of its own clap would take options out of the command.
#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true, args_override_self = true)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct TaskOptions {
    /// Set a variable of the task's environment
    #[arg(short, long, value_name = "KEY=VALUE", action = ArgAction::Append, allow_hyphen_values = true)]
    env: Vec<OsString>,
    /// Allocate no terminal
    #[arg(long)]
    no_tty: bool,
    /// Allocate a terminal in any case
    #[arg(long)]
    force_tty: bool,
    /// Stop the task after so many seconds [default: 86400]
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    ttl_seconds: Option<u64>,
    /// The task's id in the app's crontab (deprecated)
    #[arg(long, value_name = "ID", value_parser = value::identifier)]
    cron_id: Option<String>,
    /// What a cron task does while one of its id runs (deprecated): allow, forbid or replace
    #[arg(long, value_name = "POLICY", value_parser = ["allow", "forbid", "replace"], hide_possible_values = true)]
    concurrency_policy: Option<String>,
    /// Stop the task after 90 (seconds), 10m, 2h or never: none
    #[arg(long, value_name = "TIME", value_parser = value::time_to_live, conflicts_with = "ttl_seconds")]
    timeout: Option<TimeToLive>,
    /// Label the container
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append, value_parser = value::label)]
    label: Vec<(String, String)>,
    /// Memory in place of the app's limit: 512m, 1g (a bare number is megabytes)
    #[arg(long, value_name = "SIZE", value_parser = value::memory)]
    memory: Option<String>,
    /// Processors in place of the app's limit: 0.5, 2
    #[arg(long, value_name = "NUMBER", value_parser = value::cpus)]
    cpus: Option<String>,
    /// Run as this user (and group) of the image
    #[arg(long, value_name = "USER[:GROUP]", value_parser = value::user)]
    user: Option<String>,
    /// Run in this directory of the container
    #[arg(long, value_name = "DIRECTORY", value_parser = value::workdir)]
    workdir: Option<String>,
    /// Attach no input
    #[arg(long)]
    no_stdin: bool,
    /// Show the container that would be made, and make none
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[arg(trailing_var_arg = true, hide = true)]
    words: Vec<OsString>,
    /// For messages.
    #[arg(skip)]
    usage: String,
}

/// What the words of the command line come to.
pub(crate) enum Parsed {
    Options(Box<TaskOptions>),
    /// The help that was asked for.
    Help(String),
}

impl TaskOptions {
    /// `command` is what stands after `dokku`.
    ///
    /// # Errors
    /// Wrong usage: one sentence that names what is wrong, and the usage line.
    pub(crate) fn parse_words(command: &str, words: &[OsString]) -> Result<Parsed> {
        let usage = format!("dokku {command} [options] <app> [<cmd>...]");
        let mut parser = Self::command().override_usage(usage.clone());
        match parser
            .try_get_matches_from_mut(words)
            .and_then(|matches| Self::from_arg_matches(&matches))
        {
            Ok(options) => Ok(Parsed::Options(Box::new(Self { usage, ..options }))),
            Err(error) if !error.use_stderr() => Ok(Parsed::Help(error.to_string())),
            Err(error) => {
                let text = error.to_string();
                let sentence: Vec<&str> = text
                    .lines()
                    .map(str::trim)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let sentence = sentence.join(" ");
                bail!(
                    "{}\nUsage: {usage}",
                    sentence.strip_prefix("error: ").unwrap_or(&sentence)
                )
            }
        }
    }

    /// The app's name (empty when none is given), and what is asked of its task.
    ///
    /// # Errors
    /// A value that cannot be taken. No value of the environment is part of the
    /// message.
    pub(crate) fn asked(&self, flags: &GlobalFlags) -> Result<(String, Request)> {
        let words: Result<Vec<String>> = self.words.iter().map(|word| value::utf8(word)).collect();
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

    fn request(&self, flags: &GlobalFlags, literal: bool, command: Vec<String>) -> Result<Request> {
        if self.no_tty && self.force_tty {
            bail!("Cannot specify both --force-tty and --no-tty");
        }
        Ok(Request {
            environment: self.environment()?,
            global_labels: global_labels(flags)?,
            labels: self.label.clone(),
            time_to_live: match (self.timeout, self.ttl_seconds) {
                (Some(TimeToLive(seconds)), _) => seconds,
                (None, seconds) => Some(seconds.unwrap_or(DEFAULT_TIME_TO_LIVE)),
            },
            cron: self.cron(),
            memory: self.memory.clone(),
            cpus: self.cpus.clone(),
            user: self.user.clone(),
            workdir: self.workdir.clone(),
            stdin: !self.no_stdin,
            tty: match (self.no_tty, self.force_tty) {
                (true, _) => Tty::Never,
                (_, true) => Tty::Always,
                _ => Tty::Auto,
            },
            literal,
            command,
        })
    }

    fn cron(&self) -> Option<Cron> {
        let policy = self.concurrency_policy.as_deref().unwrap_or("allow");
        self.cron_id.clone().map(|id| Cron {
            id,
            concurrency_policy: policy.to_owned(),
        })
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
        // Docker takes a label without a value; so does core's global flag.
        let pair = if label.contains('=') {
            label.clone()
        } else {
            format!("{label}=")
        };
        value::label(&pair)
            .map_err(|why| anyhow::anyhow!("invalid value '{label}' for '--label': {why}"))
    };
    flags.labels.iter().map(pair).collect()
}

/// One pair of `--env`.
fn variable(pair: &OsString, usage: &str) -> Result<(String, String)> {
    let shown = pair.to_string_lossy();
    let name = shown.split('=').next().unwrap_or_default();
    let Some(text) = pair.to_str() else {
        bail!("the value of '{name}' is no UTF-8: docker cannot pass it on unchanged");
    };
    let (name, value) = value::pair(text).map_err(|why| {
        anyhow::anyhow!("invalid value '{shown}' for '--env <KEY=VALUE>': {why}\nUsage: {usage}")
    })?;
    if ['\'', '"']
        .iter()
        .any(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote))
    {
        message::warn(&format!(
            "The value of '{name}' keeps the quotes around it: they are not needed here"
        ));
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<TaskOptions> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match TaskOptions::parse_words("run", &words)? {
            Parsed::Options(options) => Ok(*options),
            Parsed::Help(text) => bail!("help: {text}"),
        }
    }

    #[test]
    fn the_parser_is_sound() {
        TaskOptions::command().debug_assert();
    }

    #[test]
    fn options_end_at_the_app() {
        for (words, expected) in [
            ("demo ls --help -e  --no-tty", "demo ls --help -e  --no-tty"),
            ("--no-tty -e A=b demo -x", "demo -x"),
            ("demo -- ls", "demo -- ls"),
            ("-- demo -- ls --", "demo -- ls --"),
            ("demo ls -- x", "demo ls -- x"),
            (" ls", " ls"),
        ] {
            let given: Vec<&str> = words.split(' ').collect();
            assert_eq!(
                parsed(&given).unwrap().words,
                expected.split(' ').collect::<Vec<_>>(),
                "{words:?}"
            );
        }
    }

    #[test]
    fn the_command_is_what_follows_the_app() {
        let no_flags = GlobalFlags::default();
        let with_app = GlobalFlags {
            app: Some("other".to_owned()),
            ..GlobalFlags::default()
        };
        for (words, flags, app, command, literal) in [
            ("demo ls -l", &no_flags, "demo", "ls -l", false),
            ("demo -- ls -- -l", &no_flags, "demo", "ls -- -l", true),
            ("-- demo ls", &no_flags, "demo", "ls", false),
            ("demo", &no_flags, "demo", "", false),
            ("ls -l", &with_app, "other", "ls -l", false),
            ("-e A=b ls", &with_app, "other", "ls", false),
        ] {
            let given: Vec<&str> = words.split(' ').collect();
            let (name, request) = parsed(&given).unwrap().asked(flags).unwrap();
            assert_eq!(
                (name.as_str(), request.command.join(" ").as_str()),
                (app, command),
                "{words}"
            );
            assert_eq!(request.literal, literal, "{words}");
        }
    }

    #[test]
    fn every_spelling_of_env() {
        for words in [
            vec!["-e", "A=b"],
            vec!["-e=A=b"],
            vec!["--env", "A=b"],
            vec!["--env=A=b"],
            vec!["-eA=b"],
        ] {
            let given: Vec<&str> = words.iter().copied().chain(["demo"]).collect();
            assert_eq!(parsed(&given).unwrap().env, ["A=b"], "{words:?}");
        }
    }

    #[test]
    fn the_last_of_an_option_wins() {
        assert_eq!(
            parsed(&["--ttl-seconds", "5", "--ttl-seconds", "7", "demo"])
                .unwrap()
                .ttl_seconds,
            Some(7)
        );
    }

    #[test]
    fn a_mistake_is_named_in_one_sentence() {
        for (words, named) in [
            (vec!["--wrong", "demo"], "--wrong"),
            (vec!["-x", "demo"], "-x"),
            (vec!["--timeout", "soon", "demo"], "soon"),
            (vec!["--ttl-seconds", "0", "demo"], "'0'"),
            (vec!["--ttl-seconds"], "--ttl-seconds"),
            (vec!["--ttl-seconds=5", "--timeout=5", "demo"], "--timeout"),
            (vec!["--label", "x", "demo"], "--label"),
            (vec!["--concurrency-policy=no", "demo"], "no"),
        ] {
            let error = parsed(&words).unwrap_err().to_string();
            let (sentence, usage) = error.split_once('\n').unwrap();
            assert!(sentence.contains(named), "{words:?}: {error}");
            assert_eq!(
                usage, "Usage: dokku run [options] <app> [<cmd>...]",
                "{words:?}"
            );
        }
    }
}
