//! Supervision of an attached task: its exit, its deadline, and signals.
//!
//! * INT, TERM and QUIT are forwarded to the task. A hang-up is forwarded as TERM, or as HUP to a
//!   task with a terminal (interactive shells end on HUP, not on TERM); with `--on-hangup keep` it
//!   is not forwarded.
//!   A second signal, or the end of the stop timeout, kills the task.
//! * At the deadline the task gets TERM, and KILL after the stop timeout. The exit status is then
//!   124, whatever the task's own exit code is.
//! * The reason for a stop is written into the journal before the signal is sent. A task that has
//!   ended by itself while its output waits to be read gets no signal.
//! * When a die event reports the exit, the container is inspected immediately: the event's own
//!   exit code may be a label's. Docker's client meanwhile forwards the last output.
//! * When docker's client ends first, the container's state decides. A lost client (its stdout was
//!   closed, for example) does not end the task: the monitor keeps waiting. It also waits for a
//!   daemon that does not answer, for docker's timeout at most. It fails if docker has not started
//!   the task within that timeout.

pub(crate) mod polling;
pub(crate) mod stopping;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use duct::Handle;
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM};

use crate::docker::Docker;
use crate::record::Reason;
use crate::settings::choices::OnHangup;
use crate::task::attach::monitor::polling::Poll;
use crate::task::attach::terminal::TerminalGuard;
use crate::task::events::{DRAIN_TIMEOUT, Event, Events};
use crate::task::launch::create::CreatedContainer;
use crate::task::model::task_exit::TaskExit;
use crate::ui::message;

/// Interval between two attempts to deliver a signal. Docker refuses a signal until the task
/// runs.
const DELIVERY_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Interval between two inspections of a task with a terminal that has been asked to stop. A
/// signal to our process group also reaches docker's client, and a client that got QUIT does not
/// end when the task does (seen with docker 20.10).
const TERMINAL_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Seconds from the task's start during which docker's event stream is read. The stream saves a
/// fraction of a second, which a user does not notice after a longer wait.
const EVENT_WINDOW_SECONDS: u64 = 5;

/// How long to wait for the die event after the exit of docker's client. Docker 26 sends the event
/// at the moment of the client's exit, docker 20.10 about 50 ms earlier.
const EVENT_GRACE: Duration = Duration::from_millis(100);

/// How long to wait, after the client's exit, for the inspection that a die event has started.
const BEING_READ: Duration = Duration::from_secs(1);

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
    /// When the task is killed; `Some` once the task has been asked to stop.
    kill_at: Option<Instant>,
    /// When the container is inspected next.
    poll_at: Option<Instant>,
    /// When docker counts as unreachable; `Some` while docker does not answer.
    unreachable_deadline: Option<Instant>,
    /// When docker must have started the task.
    start_deadline: Option<Instant>,
    /// How long after the client's exit the monitor waits for docker's event, or for the
    /// inspection that the event has started.
    telling: Duration,
}

/// How the supervision of an attached task has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttachOutcome {
    /// The task has ended or could not be started, or its container is removed.
    Exited(TaskExit),
    /// A die event has reported the exit; docker's client may still forward the last output.
    ExitedDraining {
        end: TaskExit,
        /// The task was asked to stop: its last output is awaited for a short time only.
        asked: bool,
    },
    /// The user has pressed the detach keys; the task keeps running.
    Detached,
    /// The terminal has hung up, and the task keeps running (`--on-hangup keep`).
    HungUp,
}

impl<'a> AttachMonitor<'a> {
    /// The deadline is `time_to_live` seconds from now.
    pub(crate) fn new(
        docker: &'a Docker,
        made: &'a CreatedContainer<'a>,
        stop_timeout: u64,
        time_to_live: Option<u64>,
    ) -> Self {
        let deadline = time_to_live
            .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        Self {
            docker,
            container: made,
            stop_timeout: Duration::from_secs(stop_timeout),
            hangup_signal: Some(SIGTERM),
            deadline,
            pending_signal: None,
            failed_deliveries: 0,
            kill_at: None,
            poll_at: None,
            unreachable_deadline: None,
            start_deadline: Instant::now().checked_add(docker.timeout()),
            telling: Duration::ZERO,
        }
    }

    /// Sets the signal for a hang-up. `terminal`: whether the task has a terminal.
    pub(crate) fn on_hangup(self, terminal: bool, on_hangup: Option<OnHangup>) -> Self {
        let hang_up = match on_hangup {
            Some(OnHangup::Keep) => None,
            _ if terminal => Some(SIGHUP),
            _ => Some(SIGTERM),
        };
        Self {
            hangup_signal: hang_up,
            ..self
        }
    }

    /// Subscribes to the container's die event, which comes some time before the exit of docker's
    /// client: the container is inspected while docker frees its resources. The subscription needs
    /// a second client, so it lasts [`EVENT_WINDOW_SECONDS`] only. If the second client cannot be
    /// started, only the saved time is lost.
    pub(crate) fn subscribe_to_events(self, events: &Events, since: SystemTime) -> Self {
        let deaths = self
            .docker
            .die_event(&self.container.id, since, EVENT_WINDOW_SECONDS);
        let told = deaths.map(|deaths| events.watch_exit(self.docker, deaths));
        let telling = told.map_or(Duration::ZERO, |()| EVENT_GRACE);
        Self { telling, ..self }
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
        client: Handle,
        terminal: Option<&TerminalGuard>,
    ) -> Result<AttachOutcome> {
        let client = Arc::new(client);
        events.watch_client(Arc::clone(&client));
        let kept = self.event_loop(events, terminal);
        if terminal.is_some()
            || !matches!(
                kept,
                Ok(AttachOutcome::Exited(_) | AttachOutcome::ExitedDraining { .. })
            )
        {
            // The client would continue to write to an output that may be closed, or to read
            // input that is meant for other processes.
            let _ = client.kill();
        }
        kept
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
                Event::OutputClosed => self.request_stop(SIGTERM, Reason::Hangup),
                Event::Timeout => self.on_timer(),
                Event::ExitReported(Some(end)) if ended.is_some() => {
                    return Ok(AttachOutcome::Exited(end));
                }
                Event::ExitReported(Some(end)) => {
                    let asked = self.kill_at.is_some();
                    return Ok(AttachOutcome::ExitedDraining { end, asked });
                }
                Event::Died => {
                    self.telling = BEING_READ;
                    if ended.is_some() {
                        self.poll_at = Instant::now().checked_add(self.telling);
                    }
                }
                Event::ExitReported(None) => {
                    self.telling = Duration::ZERO;
                    if ended.is_some() {
                        self.poll_at = Some(Instant::now());
                    }
                }
                Event::ClientExited { well } => {
                    ended = Some(well);
                    self.poll_at = Instant::now().checked_add(self.telling);
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
                    let Some(well) = ended.take() else {
                        continue;
                    };
                    if let Some(terminal) = terminal.take() {
                        let asked = self.kill_at.is_some();
                        if well && !asked {
                            return Ok(AttachOutcome::Detached);
                        }
                        terminal.restore();
                        if !asked {
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
        let again = self
            .pending_signal
            .map(|_| Instant::now() + DELIVERY_RETRY_INTERVAL);
        [
            again,
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
