//! `dokku run:report [<app>|--global] [<flag>] [--format stdout|json]`

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::cli::usage;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::properties::GLOBAL;
use crate::settings::report;
use crate::ui::exit::ExitStatus;
use crate::ui::json;
use crate::ui::message::on_stdout;
use crate::ui::output::print;

/// Prints the properties of one app, of every app, or the global ones.
///
/// # Errors
/// The app does not exist, or a flag or the format is unknown.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    let host = Host::from_environment(arguments)?;
    let words = arguments
        .iter()
        .skip(1)
        .map(|word| crate::settings::validate::utf8(word))
        .collect::<Result<Vec<_>>>()?;
    let args = ReportArgs::read(words, host.flags.app.clone())?;
    if args.global {
        return show(&host, None, &args);
    }
    let apps = match &args.app {
        Some(name) => vec![host.apps().find(name)?],
        None => host.apps().visible(),
    };
    for app in &apps {
        show(&host, Some(app), &args)?;
    }
    Ok(ExitStatus::SUCCESS)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct ReportArgs {
    app: Option<String>,
    global: bool,
    flag: Option<String>,
    json: bool,
}

impl ReportArgs {
    /// Parses the arguments. As in Dokku's other reports, flags are names of properties and may be
    /// at any position.
    fn read(words: Vec<String>, app: Option<String>) -> Result<Self> {
        let mut args = Self {
            app,
            ..Self::default()
        };
        let mut words = words.into_iter();
        let mut has_format = false;
        while let Some(word) = words.next() {
            let format = match word.strip_prefix("--format=") {
                Some(format) => Some(format.to_owned()),
                None if word == "--format" => Some(words.next().unwrap_or_default()),
                None => None,
            };
            if format.is_some() && has_format {
                bail!(
                    "the argument '--format' cannot be used multiple times\nUsage: {}",
                    usage::REPORT.line()
                );
            }
            has_format |= format.is_some();
            match (format.as_deref(), word.as_str()) {
                (Some("json"), _) => args.json = true,
                (Some("stdout"), _) => args.json = false,
                (Some(other), _) => {
                    bail!("invalid value '{other}' for '--format': expected stdout or json")
                }
                (None, GLOBAL) => args.global = true,
                (None, flag) if flag.starts_with("--") => {
                    if let Some(first) = args.flag.replace(flag.to_owned()) {
                        bail!(
                            "'{first}' and '{flag}' cannot be used together: one flag selects one value"
                        );
                    }
                }
                (None, _) if args.app.is_none() => args.app = Some(word),
                (None, _) => {
                    bail!(
                        "unexpected argument '{word}'\nUsage: {}",
                        usage::REPORT.line()
                    )
                }
            }
        }
        Ok(args)
    }
}

fn show(host: &Host, app: Option<&App>, args: &ReportArgs) -> Result<ExitStatus> {
    let values = report::values(host, app);
    let text = if let Some(flag) = &args.flag {
        let Some(value) = flag
            .strip_prefix("--run-")
            .and_then(|name| values.get(name))
        else {
            let flags: Vec<String> = values.keys().map(|name| format!("--run-{name}")).collect();
            bail!("Invalid flag passed, valid flags: {}", flags.join(", "));
        };
        format!("{}\n", on_stdout(value))
    } else if args.json {
        json::line(&values)?
    } else {
        report::table(host, app, &values)
    };
    print(&text)?;
    Ok(ExitStatus::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<ReportArgs> {
        ReportArgs::read(words.split_whitespace().map(str::to_owned).collect(), None)
    }

    #[test]
    fn report_accepts_flags_before_and_after_the_app() {
        let expected = ReportArgs {
            app: Some("demo".into()),
            flag: Some("--run-stdin".into()),
            ..ReportArgs::default()
        };
        assert_eq!(read("demo --run-stdin").unwrap(), expected);
        assert_eq!(read("--run-stdin demo").unwrap(), expected);
        assert!(read("--format json --global").unwrap().json);
        assert!(read("--format=json").unwrap().json);
        for words in [
            "--format",
            "--format yaml",
            "demo other",
            "--format json --format=stdout",
            "--run-stdin --run-memory",
            "--run-stdin --run-stdin",
        ] {
            assert!(read(words).is_err(), "{words}");
        }
    }
}
