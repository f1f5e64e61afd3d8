//! Asking a task to end, for a signal of ours or at its deadline.

use std::time::Instant;

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM};

use crate::docker::container_inspect::Status;
use crate::record::Reason;
use crate::task::attach::monitor::AttachMonitor;
use crate::task::journal::JournalEvent;
use crate::task::model::task_exit::exit_code_of;
use crate::ui::message;

/// So often docker may refuse a signal until the task's state is looked at: the client
/// of one that has just ended still hands on its last output.
const MAX_DELIVERY_ATTEMPTS: u32 = 20;

impl AttachMonitor<'_> {
    /// What came from outside. A task that has ended by then was not stopped: its client
    /// still waits for whoever reads its output.
    pub(crate) fn request_stop(&mut self, signal: i32, reason: Reason) {
        if self.kill_at.is_some() {
            return self.send_stop(signal, reason);
        }
        match self.has_ended() {
            Ok(true) => self.poll_at = Some(Instant::now()),
            Ok(false) => self.send_stop(signal, reason),
            Err(_) => {
                self.queue_signal(signal, reason);
                self.on_unreachable();
            }
        }
    }

    /// Whether it has run and does no more.
    fn has_ended(&self) -> Result<bool> {
        let state = self.docker.container_state(&self.container.id)?;
        Ok(state
            .is_none_or(|state| state.status != Status::Created && exit_code_of(&state).is_some()))
    }

    /// Docker has had its time already: one more look.
    fn on_unreachable(&mut self) {
        self.unreachable_deadline.get_or_insert_with(Instant::now);
        self.poll_at = Some(Instant::now());
    }

    /// Whether docker would not deliver this signal, often enough.
    pub(crate) fn delivery_failed(&self, signal: i32) -> bool {
        self.pending_signal == Some(signal) && self.failed_deliveries >= MAX_DELIVERY_ATTEMPTS
    }

    fn send_stop(&mut self, signal: i32, reason: Reason) {
        self.queue_signal(signal, reason);
        self.deliver_pending();
    }

    /// The first time the signal is passed on, the second time the task is killed.
    fn queue_signal(&mut self, signal: i32, reason: Reason) {
        let again = self.kill_at.is_some();
        if !again {
            self.container.log_event(&JournalEvent::Ending(reason));
        }
        let owed = match signal {
            _ if again => SIGKILL,
            SIGHUP => self.hangup_signal.unwrap_or(SIGTERM),
            other => other,
        };
        if self.pending_signal.replace(owed) != Some(owed) {
            self.failed_deliveries = 0;
        }
        self.kill_at = Instant::now().checked_add(self.stop_timeout);
    }

    pub(crate) fn on_timer(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            if self.kill_at.is_some() || self.has_ended().unwrap_or(false) {
                return; // its end is on the way
            }
            message::warn("The task has reached its deadline and is stopped");
            return self.send_stop(SIGTERM, Reason::Deadline);
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            return self.send_stop(SIGKILL, Reason::Stopped);
        }
        self.deliver_pending();
    }

    fn deliver_pending(&mut self) {
        let Some(signal) = self.pending_signal else {
            return;
        };
        match self.docker.container_kill(&self.container.id, signal) {
            Ok(true) => {
                self.pending_signal = None;
                self.failed_deliveries = 0;
            }
            Ok(false) => {
                self.failed_deliveries = self.failed_deliveries.saturating_add(1);
                if signal != SIGKILL && self.delivery_failed(signal) {
                    self.failed_deliveries = 0;
                    if self.has_ended().unwrap_or(false) {
                        self.poll_at = Some(Instant::now());
                    }
                }
            }
            Err(_) => self.on_unreachable(),
        }
    }

    /// One that is paused gets no signal until it goes on.
    pub(crate) fn kill_even_if_paused(&mut self) {
        if self.delivery_failed(SIGKILL) {
            self.failed_deliveries = 0;
            let _ = self
                .docker
                .containers_kill(&[self.container.id.as_str()], SIGKILL);
        }
    }
}
