//! Asking a task to end, for a signal of ours or at its deadline.

use std::time::Instant;

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM};

use crate::docker::container_inspect::Status;
use crate::record::Reason;
use crate::task::attach::monitor::Keeper;
use crate::task::journal::Mark;
use crate::task::model::task_exit::code_of;
use crate::ui::message;

/// So often docker may refuse a signal until the task's state is looked at: the client
/// of one that has just ended still hands on its last output.
const PATIENCE: u32 = 20;

impl Keeper<'_> {
    /// What came from outside. A task that has ended by then was not stopped: its client
    /// still waits for whoever reads its output.
    pub(crate) fn asked(&mut self, signal: i32, reason: Reason) {
        if self.kill_at.is_some() {
            return self.ask_to_end(signal, reason);
        }
        match self.has_ended() {
            Ok(true) => self.look_at = Some(Instant::now()),
            Ok(false) => self.ask_to_end(signal, reason),
            Err(_) => {
                self.owe(signal, reason);
                self.no_answer();
            }
        }
    }

    /// Whether it has run and does no more.
    fn has_ended(&self) -> Result<bool> {
        let state = self.docker.container_state(&self.made.id)?;
        Ok(state.is_none_or(|state| state.status != Status::Created && code_of(&state).is_some()))
    }

    /// Docker has had its time already: one more look.
    fn no_answer(&mut self) {
        self.give_up_at.get_or_insert_with(Instant::now);
        self.look_at = Some(Instant::now());
    }

    /// Whether docker would not deliver this signal, often enough.
    pub(crate) fn is_refused(&self, signal: i32) -> bool {
        self.owed == Some(signal) && self.refusals >= PATIENCE
    }

    fn ask_to_end(&mut self, signal: i32, reason: Reason) {
        self.owe(signal, reason);
        self.deliver();
    }

    /// The first time the signal is passed on, the second time the task is killed.
    fn owe(&mut self, signal: i32, reason: Reason) {
        let again = self.kill_at.is_some();
        if !again {
            self.made.mark(&Mark::Ending(reason));
        }
        let owed = match signal {
            _ if again => SIGKILL,
            SIGHUP => self.hang_up.unwrap_or(SIGTERM),
            other => other,
        };
        if self.owed.replace(owed) != Some(owed) {
            self.refusals = 0;
        }
        self.kill_at = Instant::now().checked_add(self.stop_timeout);
    }

    pub(crate) fn act_on_time(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            if self.kill_at.is_some() || self.has_ended().unwrap_or(false) {
                return; // its end is on the way
            }
            message::warn("The task has reached its deadline and is stopped");
            return self.ask_to_end(SIGTERM, Reason::Deadline);
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            return self.ask_to_end(SIGKILL, Reason::Stopped);
        }
        self.deliver();
    }

    fn deliver(&mut self) {
        let Some(signal) = self.owed else {
            return;
        };
        match self.docker.container_kill(&self.made.id, signal) {
            Ok(true) => {
                self.owed = None;
                self.refusals = 0;
            }
            Ok(false) => {
                self.refusals = self.refusals.saturating_add(1);
                if signal != SIGKILL && self.is_refused(signal) {
                    self.refusals = 0;
                    if self.has_ended().unwrap_or(false) {
                        self.look_at = Some(Instant::now());
                    }
                }
            }
            Err(_) => self.no_answer(),
        }
    }

    /// One that is paused gets no signal until it goes on.
    pub(crate) fn force_what_is_refused(&mut self) {
        if self.is_refused(SIGKILL) {
            self.refusals = 0;
            let _ = self
                .docker
                .containers_kill(&[self.made.id.as_str()], SIGKILL);
        }
    }
}
