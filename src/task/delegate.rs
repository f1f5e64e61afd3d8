//! Delegated tasks: the app's scheduler is not `docker-local`, and a hook of that scheduler's
//! plugin runs the task.

use std::io::IsTerminal;
use std::process::Output;
use std::sync::Arc;

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::sys::process::{ProcessBuilder, Stdin};
use crate::task::events::{Event, Events};
use crate::task::model::request::{CommandSyntax, Request, Tty};
use crate::ui::exit::ExitStatus;
use crate::ui::message::on_stdout;

/// The trigger whose hook runs the task.
const SCHEDULER_RUN: &str = "scheduler-run";

/// A task that is ready to be delegated to the scheduler's plugin.
pub(crate) struct SchedulerDelegate {
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
    /// The hook's call for display, with the values of the task's environment masked.
    display_text: String,
    stdin: bool,
}

impl SchedulerDelegate {
    /// Builds the hook's arguments and environment.
    ///
    /// # Errors
    /// No enabled plugin runs tasks for this scheduler, or the request has an option that only
    /// `docker-local` supports.
    pub(crate) fn new(
        host: &Host,
        app: &App,
        scheduler: &str,
        request: &Request,
        detached: bool,
    ) -> Result<Self> {
        refuse_docker_only_options(scheduler, request)?;
        if !host.scheduler_plugin(scheduler).may_serve(SCHEDULER_RUN) {
            bail!("the app's scheduler is '{scheduler}', and no enabled plugin runs tasks on it");
        }
        let variables = variables(request, detached);
        Ok(Self {
            arguments: arguments(app.name(), scheduler, request, |value| value),
            display_text: display_text(
                &arguments(app.name(), scheduler, request, |_| "***"),
                &variables,
            ),
            variables,
            stdin: request.stdin,
        })
    }

    /// The hook's call that [`SchedulerDelegate::run`] would make, for `--dry-run`.
    pub(crate) fn display_text(&self) -> &str {
        &self.display_text
    }

    /// Runs the task through the hook, which inherits our streams (stdin only if requested), and
    /// returns the hook's exit status.
    ///
    /// # Errors
    /// The hook cannot be started.
    pub(crate) fn run(&self, host: &Host) -> Result<ExitStatus> {
        let events = Events::watch_all()?;
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        host.triggers().delegate(SCHEDULER_RUN, &arguments, |call| {
            let call = self
                .variables
                .iter()
                .fold(call, |call, (name, value)| call.env(name, value));
            run_hook(
                &events,
                if self.stdin {
                    call.stdin(Stdin::Inherit)
                } else {
                    call
                },
            )
        })
    }
}

/// Waits until the hook has ended, and forwards signals to it. With a terminal, INT and QUIT are
/// not forwarded: the hook is in our process group and gets them from the terminal's keys.
fn run_hook(events: &Events, call: ProcessBuilder) -> std::io::Result<Output> {
    let hook = Arc::new(call.spawn()?);
    let pid = hook
        .pid()
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    events.watch_client(Arc::clone(&hook));
    loop {
        match events.next(None) {
            Event::Signal(SIGINT | SIGQUIT) if std::io::stdin().is_terminal() => {}
            Event::Signal(signal) | Event::OtherSignal(signal) => {
                if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
                    let _ = kill_process(pid, signal);
                }
            }
            Event::ClientExited { .. } => return hook.wait().cloned(),
            Event::Timeout | Event::OutputClosed => {}
        }
    }
}

/// The hook's arguments, `<scheduler> <app> <env count> <env>… -- <command>…`. Each value of the
/// task's environment is passed through `mask`, which can mask it.
fn arguments(app: &str, scheduler: &str, request: &Request, mask: fn(&str) -> &str) -> Vec<String> {
    let mut arguments = vec![
        scheduler.to_owned(),
        app.to_owned(),
        request.environment.len().to_string(),
    ];
    arguments.extend(
        request
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={}", mask(value))),
    );
    arguments.push("--".to_owned());
    arguments.extend(request.command.iter().cloned());
    arguments
}

/// The hook's call as a shell command, then the variables in its environment, one per line.
fn display_text(arguments: &[String], variables: &[(&str, String)]) -> String {
    let variables: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("  {name}={}\n", on_stdout(value)))
        .collect();
    format!(
        "plugn trigger {SCHEDULER_RUN} {}\n{}",
        on_stdout(&shell_words::join(arguments)),
        variables.concat()
    )
}

/// The environment variables in which core passes options of a task to a scheduler's hook.
fn variables(request: &Request, detached: bool) -> Vec<(&'static str, String)> {
    let yes = || "true".to_owned();
    let cron = request.cron.as_ref();
    [
        Some(("DOKKU_RM_CONTAINER", "1".to_owned())),
        detached.then(|| ("DOKKU_DETACH_CONTAINER", "1".to_owned())),
        (request.tty == Tty::Never || (detached && request.tty != Tty::Always))
            .then(|| ("DOKKU_DISABLE_TTY", yes())),
        (request.tty == Tty::Always).then(|| ("DOKKU_FORCE_TTY", yes())),
        request
            .time_to_live
            .map(|seconds| ("DOKKU_RUN_TTL_SECONDS", seconds.to_string())),
        Some((
            "DOKKU_CRON_ID",
            cron.map(|cron| cron.id.clone()).unwrap_or_default(),
        )),
        Some((
            "DOKKU_CONCURRENCY_POLICY",
            cron.map(|cron| cron.policy)
                .unwrap_or_default()
                .as_str()
                .to_owned(),
        )),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rejects options that the hook's interface cannot express: they would be ignored silently.
fn refuse_docker_only_options(scheduler: &str, request: &Request) -> Result<()> {
    let unsupported = [
        ("--label", !request.labels.is_empty()),
        ("--lock", request.lock.is_some()),
        ("--memory", request.memory.is_some()),
        ("--cpus", request.cpus.is_some()),
        ("--user", request.user.is_some()),
        ("--workdir", request.workdir.is_some()),
        ("--shell", request.syntax == CommandSyntax::ShellLine),
        ("--timeout none", request.no_deadline),
    ];
    match unsupported.iter().find(|(_, is_set)| *is_set) {
        Some((option, _)) => {
            bail!("'{option}' cannot be passed on to the app's scheduler '{scheduler}'")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::choices::Policy;
    use crate::task::model::request::Cron;

    #[test]
    fn the_scheduler_hook_arguments_equal_those_of_core() {
        let request = Request {
            environment: vec![("A".into(), "b c".into()), ("D".into(), String::new())],
            command: vec!["ls".into(), "--".into(), String::new()],
            ..Request::default()
        };
        let expected = ["k3s", "demo", "2", "A=b c", "D=", "--", "ls", "--", ""];
        assert_eq!(arguments("demo", "k3s", &request, |value| value), expected);
    }

    #[test]
    fn the_scheduler_hook_variables_describe_the_request() {
        let cron = Some(Cron {
            id: "x".into(),
            policy: Policy::Allow,
        });
        for (request, detached, expected) in [
            (
                Request {
                    time_to_live: Some(5),
                    ..Request::default()
                },
                false,
                "DOKKU_RUN_TTL_SECONDS=5 DOKKU_CRON_ID=",
            ),
            (
                Request::default(),
                true,
                "DOKKU_DETACH_CONTAINER=1 DOKKU_DISABLE_TTY=true DOKKU_CRON_ID=",
            ),
            (
                Request {
                    tty: Tty::Never,
                    ..Request::default()
                },
                false,
                "DOKKU_DISABLE_TTY=true DOKKU_CRON_ID=",
            ),
            (
                Request {
                    tty: Tty::Always,
                    cron,
                    ..Request::default()
                },
                true,
                "DOKKU_DETACH_CONTAINER=1 DOKKU_FORCE_TTY=true DOKKU_CRON_ID=x",
            ),
        ] {
            let variables = variables(&request, detached)
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"));
            let variables = variables.collect::<Vec<_>>().join(" ");
            assert_eq!(
                variables,
                format!("DOKKU_RM_CONTAINER=1 {expected} DOKKU_CONCURRENCY_POLICY=allow")
            );
        }
    }
}
