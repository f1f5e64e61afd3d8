//! Supervision of an attached task: its exit, its deadline, and signals.
//!
//! * INT, TERM and QUIT are forwarded to the task. A hang-up is forwarded as TERM, or as HUP to a
//!   task with a terminal (interactive shells end on HUP, not on TERM); with `--on-hangup keep` it
//!   is not forwarded.
//!   A second signal, or the end of the stop timeout, kills the task.
//! * Any other signal (USR1, ALRM …) is forwarded and does not stop the task.
//! * At the deadline the task gets TERM, and KILL after the stop timeout. The exit status is then
//!   124, whatever the task's own exit code is.
//! * The reason for a stop is written into the journal before the signal is sent. A task that has
//!   ended by itself while its output waits to be read gets no signal.
//! * When docker's client ends, the container's state decides. A lost client (its stdout was
//!   closed, for example) does not end the task: the monitor keeps waiting. It also waits for a
//!   daemon that does not answer, for docker's timeout at most. It fails if docker has not started
//!   the task within that timeout.

pub(crate) mod polling;
pub(crate) mod stopping;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM, SIGWINCH};

use crate::docker::Docker;
use crate::record::Reason;
use crate::settings::choices::OnHangup;
use crate::sys::process::Child;
use crate::task::attach::monitor::polling::Poll;
use crate::task::attach::terminal::TerminalGuard;
use crate::task::events::{DRAIN_TIMEOUT, Event, Events};
use crate::task::launch::create::CreatedContainer;
use crate::task::model::deadline;
use crate::task::model::task_exit::TaskExit;
use crate::ui::message;

/// Interval between two attempts to deliver a signal. Docker refuses a signal until the task
/// runs.
const DELIVERY_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Interval between two inspections of a task with a terminal that has been asked to stop. A
/// signal to our process group also reaches docker's client, and a client that got QUIT does not
/// end when the task does (seen with docker 20.10).
const TERMINAL_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Supervises one container from its start to its exit.
pub(crate) struct AttachMonitor<'a> {
    docker: &'a Docker,
    container: &'a CreatedContainer<'a>,
    stop_timeout: Duration,
    /// The signal that the task gets when our terminal hangs up; `None` with `--on-hangup keep`.
    hangup_signal: Option<i32>,
    deadline: Option<Instant>,
    /// A signal that docker has not delivered yet.
    pending_signal: Option<i32>,
    /// How many times docker has refused to deliver the pending signal.
    failed_deliveries: u32,
    /// Other signals to forward, in the order in which they arrived.
    signals_to_forward: VecDeque<i32>,
    /// How many times docker has refused to deliver the first of them.
    failed_forwards: u32,
    /// When the task is killed; `Some` once the task has been asked to stop.
    kill_at: Option<Instant>,
    /// When the container is inspected next.
    poll_at: Option<Instant>,
    /// When docker counts as unreachable; `Some` while docker does not answer.
    unreachable_deadline: Option<Instant>,
    /// When docker must have started the task.
    start_deadline: Option<Instant>,
}

/// How the supervision of an attached task has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttachOutcome {
    /// The task has ended or could not be started, or its container is removed.
    Exited(TaskExit),
    /// The user has pressed the detach keys; the task keeps running.
    Detached,
    /// The terminal has hung up, and the task keeps running (`--on-hangup keep`).
    HungUp,
}

impl<'a> AttachMonitor<'a> {
    /// The deadline is `time_to_live` seconds from now.
    pub(crate) fn new(
        docker: &'a Docker,
        container: &'a CreatedContainer<'a>,
        stop_timeout: u64,
        time_to_live: Option<u64>,
    ) -> Self {
        let time_to_live = time_to_live.map(Duration::from_secs);
        let from_now = |time_to_live| deadline::monotonic_from(Instant::now(), time_to_live);
        Self {
            docker,
            container,
            stop_timeout: Duration::from_secs(stop_timeout),
            hangup_signal: Some(SIGTERM),
            deadline: time_to_live.and_then(from_now),
            pending_signal: None,
            failed_deliveries: 0,
            signals_to_forward: VecDeque::new(),
            failed_forwards: 0,
            kill_at: None,
            poll_at: None,
            unreachable_deadline: None,
            start_deadline: Instant::now().checked_add(docker.timeout()),
        }
    }

    /// Sets the signal for a hang-up. `terminal`: whether the task has a terminal.
    pub(crate) fn on_hangup(self, terminal: bool, on_hangup: Option<OnHangup>) -> Self {
        let hangup_signal = match on_hangup {
            Some(OnHangup::Keep) => None,
            _ if terminal => Some(SIGHUP),
            _ => Some(SIGTERM),
        };
        Self {
            hangup_signal,
            ..self
        }
    }

    /// Supervises the task until it has ended, or its user has detached. `client` is the docker
    /// client that is attached to the task. If it has the user's `terminal` and ends with exit
    /// code 0 while the task runs, the user has pressed the detach keys.
    ///
    /// # Errors
    /// Docker does not answer, or has not started the task in time.
    pub(crate) fn run(
        &mut self,
        events: &Events,
        client: &Arc<Child>,
        terminal: Option<&TerminalGuard>,
    ) -> Result<AttachOutcome> {
        events.watch_client(Arc::clone(client));
        let outcome = self.event_loop(events, terminal);
        if terminal.is_some() || !matches!(outcome, Ok(AttachOutcome::Exited(_))) {
            // The client would continue to write to an output that may be closed, or to read
            // input that is meant for other processes.
            let _ = client.kill();
        }
        outcome
    }

    fn event_loop(
        &mut self,
        events: &Events,
        mut terminal: Option<&TerminalGuard>,
    ) -> Result<AttachOutcome> {
        let on_terminal = terminal.is_some();
        // `Some` once the client has ended: whether its exit code was 0.
        let mut ended = None;
        loop {
            match events.next(self.next_timer()) {
                Event::Signal(SIGHUP) if self.hangup_signal.is_none() && self.kill_at.is_none() => {
                    return Ok(AttachOutcome::HungUp);
                }
                Event::Signal(SIGHUP) => self.request_stop(SIGHUP, Reason::Hangup),
                Event::Signal(signal) => self.request_stop(signal, Reason::Stopped),
                // docker's client sets the new size of the container's terminal itself.
                Event::OtherSignal(SIGWINCH) if on_terminal => {}
                Event::OtherSignal(signal) => {
                    self.signals_to_forward.push_back(signal);
                    self.forward_signals();
                }
                Event::OutputClosed => self.request_stop(SIGTERM, Reason::Hangup),
                Event::Timeout => self.on_timer(),
                Event::ClientExited { succeeded } => {
                    ended = Some(succeeded);
                    self.poll_at = Some(Instant::now());
                }
            }
            // If docker has refused KILL too often, the task has ended and its client has not
            // noticed: another process has stopped the client with SIGSTOP, for example.
            let now = Instant::now();
            if on_terminal && self.kill_at.is_some() && self.poll_at.is_none() {
                self.poll_at = now.checked_add(TERMINAL_POLL_INTERVAL);
            }
            let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            if !self.delivery_failed(SIGKILL)
                && !is_due(self.poll_at)
                && !is_due(self.start_deadline)
            {
                continue;
            }
            match self.poll()? {
                Poll::Exited(end) => {
                    if ended.is_none() {
                        events.wait_for_client(DRAIN_TIMEOUT);
                    }
                    return Ok(AttachOutcome::Exited(end));
                }
                Poll::Unreachable => {}
                Poll::Running => {
                    self.kill_even_if_paused();
                    let Some(succeeded) = ended.take() else {
                        continue;
                    };
                    if let Some(terminal) = terminal.take() {
                        let was_stopped = self.kill_at.is_some();
                        if succeeded && !was_stopped {
                            return Ok(AttachOutcome::Detached);
                        }
                        terminal.restore();
                        if !was_stopped {
                            message::warn(
                                "Lost the docker client; the task is still running (Ctrl-C stops it)",
                            );
                        }
                    }
                    events.watch_client(self.docker.container_wait(&self.container.id)?);
                }
            }
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let is_pending = self.pending_signal.is_some() || !self.signals_to_forward.is_empty();
        let retry_at = is_pending.then(|| Instant::now() + DELIVERY_RETRY_INTERVAL);
        [
            retry_at,
            self.kill_at,
            self.deadline,
            self.poll_at,
            self.start_deadline,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
