//! Looking after an attached task: its end, its deadline, signals.
//!
//! * INT, TERM and QUIT are passed on to the task, a hang-up as TERM, or as it is
//!   to a task with a terminal (shells end by that alone), unless it is to be kept
//!   then. A second signal, or the
//!   stop timeout gone by, kills it.
//! * At its deadline a task gets TERM, after the stop timeout KILL; then the exit
//!   status is 124, whatever the task made of it.
//! * Why it is ended stands in its journal before it gets the signal. One that has
//!   ended by itself, with an output that waits to be read, gets none.
//! * Where docker's events tell of the end, the container's own state is read at once:
//!   how it has ended a label may say in them. Docker's client is left with the last output.
//! * When docker's client ends first, the container's own state decides. A client that
//!   was lost (its stdout closed, say) does not end the task: we wait on. So we do
//!   for a daemon that gives no answer, as long as docker may take for one. A task
//!   that docker has not started by then is given up.

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

/// How long until a signal is sent again that docker did not deliver: it does
/// not before the task runs.
const DELIVERY_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// How often a task on its user's terminal is looked at that was asked to end: a signal
/// to our process group reaches docker's client, too, and one that got QUIT does not
/// end with the task (seen with 20.10).
const TERMINAL_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// For so many seconds from its start docker is asked to tell of a task's end: who has
/// waited longer does not feel the time that it saves.
const EVENT_WINDOW_SECONDS: u64 = 5;

/// How long after its client's end docker may tell of the task's: 26 does both at once,
/// 20.10 tells of it 50 ms before.
const EVENT_GRACE: Duration = Duration::from_millis(100);

/// How long after its client's end its state may be being read, since docker has told of
/// the task's.
const BEING_READ: Duration = Duration::from_secs(1);

/// Looks after one container from its start to its end.
pub(crate) struct AttachMonitor<'a> {
    docker: &'a Docker,
    container: &'a CreatedContainer<'a>,
    stop_timeout: Duration,
    /// What the task gets for a hang-up of ours; nothing when it is kept then.
    hangup_signal: Option<i32>,
    deadline: Option<Instant>,
    /// A signal that docker has not delivered yet.
    pending_signal: Option<i32>,
    /// How often docker would not deliver that.
    failed_deliveries: u32,
    /// When the task is killed: it was asked to end.
    kill_at: Option<Instant>,
    /// When its state is looked at.
    poll_at: Option<Instant>,
    /// When docker is given up: it gives no answer.
    unreachable_deadline: Option<Instant>,
    /// When docker must have started it.
    start_deadline: Option<Instant>,
    /// How long after its client's end docker may still tell of the task's.
    telling: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttachOutcome {
    /// It has ended, could not be started, or its container has gone.
    Exited(TaskExit),
    /// Docker has told of its end, and its client may still hand on the last output.
    ExitedDraining {
        end: TaskExit,
        /// It was asked to end: nobody waits for long.
        asked: bool,
    },
    /// Its user left it by the detach keys; it runs on.
    Detached,
    /// Its terminal hung up, and it is to run on.
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

    /// `terminal` when the task has one, and what was wished for a hang-up.
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

    /// From here on docker tells of the task's end, some time before its client ends: it
    /// frees what the container had meanwhile, and we look at the container. For a few seconds only: it costs a second
    /// client. Without it nothing but this time is lost.
    pub(crate) fn subscribe_to_events(self, events: &Events, since: SystemTime) -> Self {
        let deaths = self
            .docker
            .die_event(&self.container.id, since, EVENT_WINDOW_SECONDS);
        let told = deaths.map(|deaths| events.watch_exit(self.docker, deaths));
        let telling = told.map_or(Duration::ZERO, |()| EVENT_GRACE);
        Self { telling, ..self }
    }

    /// Stays until the task has ended. `client` is attached to it. With the user's
    /// `terminal` a client that ends well while the task runs was told to by the
    /// detach keys.
    ///
    /// # Errors
    /// Docker gives no answer.
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
            // It would go on writing to what may have gone, or reading what is meant
            // for others.
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
        // The client that has ended, and whether well.
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
            // With too many refusals it has ended, and its client does not see it:
            // somebody has stopped the client, say.
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
