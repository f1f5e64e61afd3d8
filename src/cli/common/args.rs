//! Parsing of options in Dokku's style, and the frame of every command that has options.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory, FromArgMatches};

use crate::cli::usage::Usage;
use crate::dokku::host::Host;
use crate::ui::exit::ExitStatus;
use crate::ui::output::print;

/// The result of parsing a command line.
pub(crate) enum ParsedArgs<T> {
    Options(T),
    /// The text for `--help`.
    Help(String),
}

/// Parses the options and runs the command on the host that started us. `arguments` begin with the
/// command word.
///
/// # Errors
/// Wrong usage, or an error of the command.
pub(crate) fn run<T>(
    usage: &Usage,
    arguments: &[OsString],
    command: impl FnOnce(&Host, &T) -> Result<ExitStatus>,
) -> Result<ExitStatus>
where
    T: CommandFactory + FromArgMatches,
{
    let options = match parse(usage, arguments, |_| None)? {
        ParsedArgs::Options(options) => options,
        ParsedArgs::Help(text) => return print(&text).map(|()| ExitStatus::SUCCESS),
    };
    let host = Host::from_environment(arguments)?;
    command(&host, &options)
}

/// Parses the arguments after the command word. `hint` is what to use in place of an option that the
/// command does not have.
///
/// # Errors
/// Wrong usage: one sentence that names the mistake, and the usage line.
pub(crate) fn parse<T>(
    usage: &Usage,
    arguments: &[OsString],
    hint: fn(&str) -> Option<&'static str>,
) -> Result<ParsedArgs<T>>
where
    T: CommandFactory + FromArgMatches,
{
    let usage = usage.line();
    let mut parser = T::command()
        .override_usage(usage.clone())
        .mut_args(repeatable_if_switch);
    let words = arguments.get(1..).unwrap_or_default();
    match parser
        .try_get_matches_from_mut(words)
        .and_then(|matches| T::from_arg_matches(&matches))
    {
        Ok(options) => Ok(ParsedArgs::Options(options)),
        Err(error) if !error.use_stderr() => Ok(ParsedArgs::Help(error.to_string())),
        Err(error) => {
            let text = error.to_string();
            let sentence: Vec<&str> = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.is_empty())
                .collect();
            let sentence = sentence.join(" ");
            let hint = unknown_option(&error).and_then(hint);
            bail!(
                "{}{}\nUsage: {usage}",
                sentence.strip_prefix("error: ").unwrap_or(&sentence),
                hint.map(|hint| format!(": {hint}")).unwrap_or_default()
            )
        }
    }
}

/// The option, as `--name` or `-n`, that the command does not have.
fn unknown_option(error: &clap::Error) -> Option<&str> {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(option))) => Some(option),
        _ => None,
    }
}

/// A switch may be repeated, as wrapper scripts do. An option with a value may not: only one of its
/// values would have an effect.
fn repeatable_if_switch(option: Arg) -> Arg {
    if option.get_action().takes_values() {
        return option;
    }
    let id = option.get_id().clone();
    option.overrides_with(id)
}
