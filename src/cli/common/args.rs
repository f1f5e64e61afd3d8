//! Reading options with clap, in Dokku's manners.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::{CommandFactory, FromArgMatches};

/// What the words of a command line come to.
pub(crate) enum ParsedArgs<T> {
    Options(T),
    /// The help that was asked for.
    Help(String),
}

/// Reads what follows the command word. `usage` is the line after `dokku`.
///
/// # Errors
/// Wrong usage: one sentence that names what is wrong, and the usage line.
pub(crate) fn parse<T>(usage: &str, arguments: &[OsString]) -> Result<ParsedArgs<T>>
where
    T: CommandFactory + FromArgMatches,
{
    let usage = format!("dokku {usage}");
    let mut parser = T::command().override_usage(usage.clone());
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
            bail!(
                "{}\nUsage: {usage}",
                sentence.strip_prefix("error: ").unwrap_or(&sentence)
            )
        }
    }
}
