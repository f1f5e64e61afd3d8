//! Fires triggers: queries and notifies the hooks of other plugins.

use std::ffi::OsStr;
use std::io;
use std::process::Output;

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::dokku::timeouts::HOOK_TIMEOUT;
use crate::dokku::trigger_runner::access::{AccessHooks, ExecutableHooks};
use crate::dokku::trigger_runner::{TriggerOutcome, TriggerRunner};
use crate::sys::process;
use crate::sys::process::{ProcessBuilder, Stderr, Stdout};
use crate::ui::exit::{ExitStatus, Failure};
use crate::ui::message;

/// Triggers for which our own hooks are skipped when we fire them: they would only learn what
/// this process already knows.
const OWN_TRIGGERS: [&str; 2] = ["post-container-create", "scheduler-post-run"];

/// The triggers of the installation: each is fired at the hooks of its enabled plugins.
pub(crate) struct Triggers<'a> {
    pub(super) host: &'a Host,
}

impl Triggers<'_> {
    /// What the hooks print, concatenated.
    ///
    /// # Errors
    /// A hook cannot be started or fails; the hooks after it are not run.
    pub(crate) fn query(&self, trigger: &str, arguments: &[&str]) -> Result<String> {
        text_of(
            trigger,
            self.fire(trigger, arguments, |call| {
                call.stdout(Stdout::Capture).run()
            })?,
        )
    }

    /// Like [`Triggers::query`], but a failure results in an empty string, and the hooks' stderr is
    /// discarded. Invalid UTF-8 is replaced by U+FFFD.
    pub(crate) fn query_or_empty(&self, trigger: &str, arguments: &[&str]) -> String {
        self.query_if_successful(trigger, arguments)
            .unwrap_or_default()
    }

    /// Like [`Triggers::query_or_empty`], but a failure results in `None`.
    pub(crate) fn query_if_successful(&self, trigger: &str, arguments: &[&str]) -> Option<String> {
        match self.fire_silently(trigger, arguments) {
            Ok(TriggerOutcome::Succeeded(output)) => {
                Some(String::from_utf8_lossy(&output).into_owned())
            }
            _ => None,
        }
    }

    /// Whether the hooks succeed and print something that is not valid UTF-8.
    pub(crate) fn answers_with_invalid_utf8(&self, trigger: &str, arguments: &[&str]) -> bool {
        let outcome = self.fire_silently(trigger, arguments);
        matches!(outcome, Ok(TriggerOutcome::Succeeded(output)) if std::str::from_utf8(&output).is_err())
    }

    fn fire_silently(&self, trigger: &str, arguments: &[&str]) -> Result<TriggerOutcome> {
        let run = |call: ProcessBuilder| {
            self.host
                .without_misattributed_env(call)
                .stdout(Stdout::Capture)
                .stderr(Stderr::Null)
                .run()
        };
        self.runner().fire(trigger, &words(arguments), |_| {}, run)
    }

    /// Notifies the hooks of an event. Their output goes to our stderr. A hook that exceeds its
    /// time limit (property `hook-timeout`) is killed.
    ///
    /// # Errors
    /// As [`Triggers::query`]; the error has the hook's exit code.
    pub(crate) fn notify(&self, trigger: &str, arguments: &[&str]) -> Result<()> {
        let run = |call: ProcessBuilder| self.run_with_timeout(call.stdout(Stdout::OurStderr));
        text_of(trigger, self.fire(trigger, arguments, run)?).map(|_| ())
    }

    fn run_with_timeout(&self, call: ProcessBuilder) -> io::Result<Output> {
        let limit = HOOK_TIMEOUT.in_effect(self.host);
        let call = if self.host.in_background {
            call.own_group()
        } else {
            call
        };
        call.limit(limit).run().map_err(|error| {
            if !process::is_over_limit(&error) {
                return error;
            }
            let seconds = limit.as_secs();
            let reason = format!(
                "it has not ended within {seconds} seconds (change this with 'dokku run:set --global hook-timeout')"
            );
            io::Error::new(io::ErrorKind::TimedOut, reason)
        })
    }

    /// The hooks of a trigger that decides on access, or why there are none to run.
    pub(crate) fn access_hooks(&self, trigger: &str) -> AccessHooks {
        self.runner().access_hooks(trigger)
    }

    /// What the access hooks print on the stream that `redirect` captures, concatenated. A hook
    /// that exceeds its time limit is killed.
    ///
    /// # Errors
    /// A hook cannot be started or fails, or the answer is not valid UTF-8.
    pub(crate) fn ask_for_access(
        &self,
        hooks: &ExecutableHooks,
        trigger: &str,
        arguments: &[&str],
        redirect: fn(ProcessBuilder) -> ProcessBuilder,
    ) -> Result<String> {
        let run = |call| self.run_with_timeout(redirect(self.host.without_misattributed_env(call)));
        let output = self
            .runner()
            .ask_for_access(hooks, trigger, &words(arguments), run)?;
        String::from_utf8(output)
            .with_context(|| format!("the answer of hook '{trigger}' is not valid UTF-8"))
    }

    /// Lets the hooks do the work: `run` starts each hook and waits for its end. Returns the exit
    /// code of the first hook that fails, else 0.
    ///
    /// # Errors
    /// A hook cannot be started.
    pub(crate) fn delegate(
        &self,
        trigger: &str,
        arguments: &[&str],
        run: impl Fn(ProcessBuilder) -> io::Result<Output>,
    ) -> Result<ExitStatus> {
        match self.fire(trigger, arguments, run)? {
            TriggerOutcome::Succeeded(_) => Ok(ExitStatus::SUCCESS),
            TriggerOutcome::Failed { code, .. } => Ok(ExitStatus::of(code)),
        }
    }

    /// Whether a plugin other than the event log and those in `excluded` has a hook for this
    /// trigger.
    pub(crate) fn has_hook_besides(&self, trigger: &str, excluded: &[&str]) -> bool {
        self.runner().has_hook_besides(trigger, excluded)
    }

    fn fire(
        &self,
        trigger: &str,
        arguments: &[&str],
        run: impl Fn(ProcessBuilder) -> io::Result<Output>,
    ) -> Result<TriggerOutcome> {
        let runner = if OWN_TRIGGERS.contains(&trigger) {
            self.runner().skip_own_hooks()
        } else {
            self.runner()
        };
        runner.fire(trigger, &words(arguments), message::raw, |call| {
            run(self.host.without_misattributed_env(call))
        })
    }

    fn runner(&self) -> TriggerRunner {
        let enabled = &self.host.enabled;
        TriggerRunner::new(enabled.parent().unwrap_or(enabled))
    }
}

fn words<'a>(arguments: &[&'a str]) -> Vec<&'a OsStr> {
    arguments.iter().copied().map(OsStr::new).collect()
}

/// The printed output as text; a failed hook becomes an error with the hook's exit code.
fn text_of(trigger: &str, outcome: TriggerOutcome) -> Result<String> {
    match outcome {
        TriggerOutcome::Succeeded(output) => String::from_utf8(output)
            .with_context(|| format!("the answer of hook '{trigger}' is not valid UTF-8")),
        TriggerOutcome::Failed { description, code } => Err(Failure::error(
            ExitStatus::of(code),
            format!("{description} failed with exit code {code}"),
        )),
    }
}
