//! `dokku run:exec [options] --container NAME <cmd>…`

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use signal_hook::consts::SIGKILL;

use crate::cli::common::args;
use crate::cli::common::selection::{SingleTask, select_one};
use crate::cli::usage;
use crate::docker::Docker;
use crate::docker::container_exec::ExecSpec;
use crate::dokku::host::Host;
use crate::settings::validate;
use crate::sys::process;
use crate::sys::process::Child;
use crate::task::attach;
use crate::task::attach::terminal::TerminalGuard;
use crate::task::events::{Event, Events};
use crate::ui::exit::ExitStatus;
use crate::ui::message;

#[derive(Debug, Parser)]
#[command(name = "dokku", no_binary_name = true)]
pub(super) struct Options {
    /// The task
    #[arg(long, value_name = "NAME", value_parser = validate::container)]
    container: Option<String>,
    /// Do not allocate a terminal
    #[arg(long)]
    no_tty: bool,
    /// Allocate a terminal even if stdin and stdout are not both terminals
    #[arg(long)]
    force_tty: bool,
    #[arg(trailing_var_arg = true, hide = true)]
    words: Vec<OsString>,
}

/// Environment variable by which the processes of one `run:exec` are recognised among those of the
/// container.
const ENV_MARKER: &str = "DOKKU_ONEOFF_EXEC";

/// Executes another command in a task's container and returns its exit code. The task's own command
/// is not affected.
///
/// # Errors
/// Wrong usage; the container does not exist or has ended.
pub(crate) fn main(arguments: &[OsString]) -> Result<ExitStatus> {
    args::run(&usage::EXEC, arguments, exec_in)
}

fn exec_in(host: &Host, options: &Options) -> Result<ExitStatus> {
    if options.no_tty && options.force_tty {
        bail!("Cannot specify both --force-tty and --no-tty");
    }
    let words = options.words.iter().map(|word| validate::utf8(word));
    let words = words.collect::<Result<Vec<_>>>()?;
    if words.is_empty() {
        bail!("No command specified\nUsage: {}", usage::EXEC.line());
    }
    let (docker, task) = match select_one(host, options.container.as_deref(), &usage::EXEC)? {
        SingleTask::Ended(record) => bail!(
            "{} has ended already: no command can run in it",
            record.task.name
        ),
        SingleTask::Present { docker, task, .. } => (docker, task),
    };
    let Some(config) = docker.container_config(&task.id)? else {
        bail!("{} has ended already: no command can run in it", task.name)
    };
    let terminals = || std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let launcher = config.launcher().map(str::to_owned);
    exec(
        &docker,
        &task.id,
        options.force_tty || (!options.no_tty && terminals()),
        &launcher.into_iter().chain(words).collect::<Vec<_>>(),
    )
}

fn exec(docker: &Docker, id: &str, terminal: bool, command: &[String]) -> Result<ExitStatus> {
    let random = std::hash::RandomState::new().build_hasher().finish();
    let marker = format!("{ENV_MARKER}={random:016x}");
    let mut environment = vec![marker.clone()];
    if terminal && std::env::var_os("TERM").is_some() {
        environment.push("TERM".to_owned()); // docker reads the value from our environment
    }
    let events = Events::watch()?;
    let mut guard = if terminal {
        TerminalGuard::save()?
    } else {
        None
    };
    let client = docker.container_exec(&ExecSpec {
        id,
        terminal,
        environment: &environment,
        command,
    })?;
    if let Some(guard) = &mut guard {
        guard.set_client(client.pid());
    }
    let client = Arc::new(client);
    events.watch_client(Arc::clone(&client));
    let mut pending: Option<PendingSignal> = None;
    loop {
        let polled = pending.as_ref().filter(|pending| pending.needs_polling());
        match events.next(polled.map(|_| Instant::now() + FORWARD_RETRY_INTERVAL)) {
            Event::ClientExited { .. } => {
                let status = ExitStatus::of(process::exit_code(client.wait()?.status));
                return Ok(attach::check_output(&client, "the command", status));
            }
            Event::Signal(signal) => {
                pending = Some(match pending {
                    None => PendingSignal::new(signal),
                    Some(pending) => pending.escalate(),
                });
            }
            Event::Timeout | Event::OutputClosed | Event::OtherSignal(_) => {}
        }
        if let Some(pending) = &mut pending
            && !pending.poll(docker, id, &marker)?
        {
            client.kill()?;
            message::warn("The command could not be stopped and is still running in the container");
            return Ok(ExitStatus::from_signal(pending.signal));
        }
    }
}

/// A signal that is being forwarded to the command.
#[derive(Default)]
struct PendingSignal {
    signal: i32,
    /// The docker call that forwards the signal, and when it was started.
    call: Option<(Child, Instant)>,
    /// How many calls have not found the process: the command may not have started yet, or the
    /// image has no shell or tools to find it.
    misses: u32,
    is_forwarded: bool,
    /// When to stop waiting and kill the client, even if the call that forwards the signal has
    /// succeeded.
    give_up_at: Option<Instant>,
}

const FORWARD_RETRY_INTERVAL: Duration = Duration::from_millis(200);
const MAX_MISSES: u32 = 5;

/// How long the client may take to exit after the command was killed on the second signal.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

impl PendingSignal {
    fn new(signal: i32) -> Self {
        Self {
            signal,
            ..Self::default()
        }
    }

    /// On a second signal the command gets KILL.
    fn escalate(self) -> Self {
        if self.give_up_at.is_some() {
            return self;
        }
        self.kill_call();
        Self {
            signal: SIGKILL,
            give_up_at: Instant::now().checked_add(KILL_TIMEOUT),
            ..Self::default()
        }
    }

    fn needs_polling(&self) -> bool {
        !self.is_forwarded || self.give_up_at.is_some()
    }

    /// Forwards the signal without waiting for the docker call, because another signal may arrive
    /// meanwhile. Returns `false` when there is no prospect of success any more.
    fn poll(&mut self, docker: &Docker, id: &str, marker: &str) -> Result<bool> {
        if self.give_up_at.is_some_and(|at| at <= Instant::now()) {
            self.kill_call();
            return Ok(false);
        }
        let Some((call, since)) = &self.call else {
            if !self.is_forwarded {
                let call = forward_signal(docker, id, marker, self.signal)?;
                self.call = Some((call, Instant::now()));
            }
            return Ok(true);
        };
        match call.try_wait()? {
            Some(output) if output.status.success() => self.is_forwarded = true,
            Some(_) => self.misses += 1,
            None if since.elapsed() < docker.timeout() => return Ok(true),
            None => {
                self.kill_call();
                return Ok(false);
            }
        }
        self.call = None;
        Ok(self.misses <= MAX_MISSES)
    }

    fn kill_call(&self) {
        if let Some((call, _)) = &self.call {
            process::kill_group(call.pid().unwrap_or(0));
        }
    }
}

/// docker forwards no signal to a process of `exec` (moby issue 9098). Therefore a shell of the
/// image, if it has one, searches for the process by its environment. Children of the process have
/// the same variable, but only the process itself has its parent outside the container (parent id
/// 0). The call exits with 0 if the process was signalled.
fn forward_signal(docker: &Docker, id: &str, marker: &str, signal: i32) -> Result<Child> {
    let script = format!(
        "found=1
        for process in /proc/[0-9]*; do
            tr '\\0' '\\n' <$process/environ | grep -qxF \"$1\" &&
            grep -q '^PPid:[[:space:]]*0$' $process/status &&
            kill -{signal} ${{process#/proc/}} && found=0
        done 2>/dev/null
        exit $found"
    );
    docker.container_exec_silently(id, &["sh", "-c", &script, "sh", marker])
}
