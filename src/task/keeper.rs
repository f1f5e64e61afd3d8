//! Looking after a task that runs: its end, its deadline, signals.
//!
//! * INT, TERM and QUIT are passed on to the task, a hang-up as TERM, or as it is
//!   to a task with a terminal (shells end by that alone), unless it is to be kept
//!   then. A second signal, or the
//!   stop timeout gone by, kills it.
//! * At its deadline a task gets TERM, after the stop timeout KILL; then the exit
//!   status is 124, whatever the task made of it.
//! * When docker's client ends, the container's own state decides. A client that
//!   was lost (its stdout closed, say) does not end the task: we wait on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use duct::Handle;
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM};

use super::made::code_of;
use super::request::OnHangup;
use super::signals::{Event, Events};
use super::terminal::Terminal;
use crate::docker::Docker;
use crate::dokku::message;
use crate::exit::{self, Failure};

/// How long until a signal is sent again that docker did not deliver: it does
/// not before the task runs.
const AGAIN: Duration = Duration::from_millis(100);

/// So often docker may refuse to kill a task until its state is looked at: the
/// client of one that has just ended still hands on its last output.
const PATIENCE: u32 = 20;

/// Looks after one container from its start to its end.
pub(crate) struct Keeper<'a> {
    docker: &'a Docker,
    id: &'a str,
    stop_timeout: Duration,
    /// What the task gets for a hang-up of ours; nothing when it is kept then.
    hang_up: Option<i32>,
    deadline: Option<Instant>,
    /// A signal that docker has not delivered yet.
    owed: Option<i32>,
    /// How often docker would not kill it.
    refusals: u32,
    /// When the task is killed: it was asked to end.
    kill_at: Option<Instant>,
    past_deadline: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The task's exit code, or 124.
    Ended(u8),
    /// Its user left it by the detach keys; it runs on.
    Left,
    /// Its terminal hung up, and it is to run on.
    HungUp,
}

impl<'a> Keeper<'a> {
    /// The deadline is `time_to_live` seconds from now.
    pub(crate) fn new(
        docker: &'a Docker,
        id: &'a str,
        stop_timeout: u64,
        time_to_live: Option<u64>,
    ) -> Self {
        let deadline = time_to_live
            .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        Self {
            docker,
            id,
            stop_timeout: Duration::from_secs(stop_timeout),
            hang_up: Some(SIGTERM),
            deadline,
            owed: None,
            refusals: 0,
            kill_at: None,
            past_deadline: false,
        }
    }

    /// For an attached task: `terminal` when it has one, and what was wished for a
    /// hang-up.
    pub(crate) fn attached(self, terminal: bool, on_hangup: Option<OnHangup>) -> Self {
        let hang_up = match on_hangup {
            Some(OnHangup::Keep) => None,
            _ if terminal => Some(SIGHUP),
            _ => Some(SIGTERM),
        };
        Self { hang_up, ..self }
    }

    /// Seconds until the deadline, for whoever takes over.
    pub(crate) fn time_left(&self) -> Option<u64> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()).as_secs())
    }

    /// Stays until the task has ended. `client` shows it: one that is attached, or
    /// one that waits. With the user's `terminal` a client that ends well while the
    /// task runs was told to by the detach keys.
    ///
    /// # Errors
    /// Docker gives no answer, or the container has gone.
    pub(crate) fn keep(
        &mut self,
        events: &Events,
        client: Handle,
        mut terminal: Option<&Terminal>,
    ) -> Result<Kept> {
        let client = Arc::new(client);
        events.watch_client(Arc::clone(&client));
        loop {
            match events.next(self.due()) {
                Event::Signal(SIGHUP) if self.hang_up.is_none() && self.kill_at.is_none() => {
                    // It would go on writing to a terminal that has gone.
                    let _ = client.kill();
                    return Ok(Kept::HungUp);
                }
                Event::Signal(signal) => self.ask_to_end(signal)?,
                Event::ReaderGone => self.ask_to_end(SIGTERM)?,
                Event::Due => self.act_on_time()?,
                Event::ClientEnded { well } => {
                    if let Some(code) = self.end()? {
                        return Ok(Kept::Ended(code));
                    }
                    if let Some(terminal) = terminal.take() {
                        let asked = self.kill_at.is_some();
                        if well && !asked {
                            return Ok(Kept::Left);
                        }
                        terminal.give_back();
                        if !asked {
                            message::warn(
                                "docker's client was lost: the task runs on, Ctrl-C asks it to end",
                            );
                        }
                    }
                    events.watch_client(self.docker.container_wait(self.id)?);
                }
            }
            // It has ended, and its client does not see it: somebody has stopped the
            // client, say.
            if self.refusals >= PATIENCE
                && let Some(code) = self.end()?
            {
                return Ok(Kept::Ended(code));
            }
        }
    }

    /// The exit code when the task has ended or could not be started.
    fn end(&self) -> Result<Option<u8>> {
        let Some(state) = self.docker.container_state(self.id)? else {
            return Err(Failure::error(
                exit::DOCKER,
                "the task's container was removed by somebody else",
            ));
        };
        Ok(code_of(&state).map(|code| {
            if self.past_deadline {
                exit::DEADLINE
            } else {
                code
            }
        }))
    }

    fn due(&self) -> Option<Instant> {
        let again = self.owed.map(|_| Instant::now() + AGAIN);
        [again, self.kill_at, self.deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// The first time the signal is passed on, the second time the task is killed.
    fn ask_to_end(&mut self, signal: i32) -> Result<()> {
        let again = self.kill_at.is_some();
        self.owed = Some(match signal {
            _ if again => SIGKILL,
            SIGHUP => self.hang_up.unwrap_or(SIGTERM),
            other => other,
        });
        self.kill_at = Instant::now().checked_add(self.stop_timeout);
        self.deliver()
    }

    fn act_on_time(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            if self.kill_at.is_some() {
                return Ok(()); // it is being stopped already
            }
            self.past_deadline = true;
            message::warn("The task has reached its deadline and is stopped");
            return self.ask_to_end(SIGTERM);
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            return self.ask_to_end(SIGKILL);
        }
        self.deliver()
    }

    fn deliver(&mut self) -> Result<()> {
        if let Some(signal) = self.owed {
            if self.docker.container_kill(self.id, signal)? {
                self.owed = None;
                self.refusals = 0;
            } else if signal == SIGKILL {
                self.refusals += 1;
            }
        }
        Ok(())
    }
}
