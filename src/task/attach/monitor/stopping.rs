//! Stopping a task, because this process has received a signal or at the task's deadline.

use std::time::Instant;

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM};

use crate::record::Reason;
use crate::task::attach::monitor::AttachMonitor;
use crate::task::journal::JournalEvent;
use crate::ui::message;

/// Number of times docker may refuse a signal before the container is inspected. Refusals are
/// normal for a task that has just ended, while its client still forwards the last output.
const MAX_DELIVERY_ATTEMPTS: u32 = 20;

impl AttachMonitor<'_> {
    /// Stops the task for a signal that this process has received, or because its output is no
    /// longer read. A task that has already ended is not recorded as stopped: its client is still
    /// running because the last output has not been read yet.
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

    /// Whether the task was started and has ended, or its container is removed.
    fn has_ended(&self) -> Result<bool> {
        let state = self.docker.container_state(&self.container.id)?;
        Ok(state.is_none_or(|state| state.status.has_exited()))
    }

    /// Docker has used up its timeout: the container is inspected once more, and the monitor fails
    /// if docker does not answer then either.
    fn on_unreachable(&mut self) {
        self.unreachable_deadline.get_or_insert_with(Instant::now);
        self.poll_at = Some(Instant::now());
    }

    /// Whether `signal` is pending and docker has refused it [`MAX_DELIVERY_ATTEMPTS`] times.
    pub(crate) fn delivery_failed(&self, signal: i32) -> bool {
        self.pending_signal == Some(signal) && self.failed_deliveries >= MAX_DELIVERY_ATTEMPTS
    }

    fn send_stop(&mut self, signal: i32, reason: Reason) {
        self.queue_signal(signal, reason);
        self.deliver_pending();
    }

    /// Sets the signal to deliver: `signal` for the first request, KILL for every further one.
    fn queue_signal(&mut self, signal: i32, reason: Reason) {
        let again = self.kill_at.is_some();
        if !again {
            self.container
                .log_event(&JournalEvent::StopRequested(reason));
        }
        let signal_to_send = match signal {
            _ if again => SIGKILL,
            SIGHUP => self.hangup_signal.unwrap_or(SIGTERM),
            other => other,
        };
        if self.pending_signal.replace(signal_to_send) != Some(signal_to_send) {
            self.failed_deliveries = 0;
        }
        self.kill_at = Instant::now().checked_add(self.stop_timeout);
    }

    pub(crate) fn on_timer(&mut self) {
        self.forward_signals();
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            if self.kill_at.is_some() || self.has_ended().unwrap_or(false) {
                return; // the task is being stopped, or has ended
            }
            message::warn("The task has reached its deadline and is stopped");
            return self.send_stop(SIGTERM, Reason::Deadline);
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            return self.send_stop(SIGKILL, Reason::Stopped);
        }
        self.deliver_pending();
    }

    /// Forwards signals that do not stop the task. A signal is dropped if docker refuses it too
    /// often: the task has ended, and its last output is being read.
    pub(crate) fn forward_signals(&mut self) {
        while let Some(&signal) = self.signals_to_forward.front() {
            match self.docker.container_kill(&self.container.id, signal) {
                Ok(false) if self.failed_forwards < MAX_DELIVERY_ATTEMPTS => {
                    self.failed_forwards += 1;
                    return;
                }
                Ok(_) => {
                    self.failed_forwards = 0;
                    self.signals_to_forward.pop_front();
                }
                Err(_) => return self.on_unreachable(),
            }
        }
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

    /// If docker has refused KILL too often, kills the task with a call that also unpauses its
    /// container: a paused task gets no signal until it is unpaused.
    pub(crate) fn kill_even_if_paused(&mut self) {
        if self.delivery_failed(SIGKILL) {
            self.failed_deliveries = 0;
            let _ = self
                .docker
                .containers_kill(&[self.container.id.as_str()], SIGKILL);
        }
    }
}
