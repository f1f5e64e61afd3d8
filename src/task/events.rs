//! Signals and other things that happen while a task runs.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duct::Handle;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::docker::Docker;
use crate::docker::events::DieEvents;
use crate::task::model::task_exit::TaskExit;

/// How long the client of a task that has ended may still hand on its last output.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// What wakes the one who looks after a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A signal was sent to us.
    Signal(i32),
    /// The docker client that was watched has ended, with exit code 0 or not.
    ClientExited { well: bool },
    /// Docker has told that the task has ended: its state is being read.
    Died,
    /// Its end as the container's state has it. `None` where docker has ceased to tell
    /// anything, or the state cannot be read.
    ExitReported(Option<TaskExit>),
    /// Nobody reads our output any more.
    OutputClosed,
    /// The time that was waited for has come.
    Timeout,
}

/// Everything that may happen, in the order in which it did.
pub(crate) struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Events {
    /// Installs the handlers: from here on a signal ends a task, not us. They are
    /// handlers, since a signal that is ignored would be ignored by every program
    /// that we start. One that was ignored when we came (`nohup`, a background job
    /// of a script) stays so.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub(crate) fn watch() -> Result<Self> {
        let ignored = ignored_signals();
        let wanted = [SIGINT, SIGTERM, SIGQUIT, SIGHUP]
            .into_iter()
            .filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let mut signals = Signals::new(wanted).context("signal handlers cannot be installed")?;
        let (sender, receiver) = mpsc::channel();
        let events = Self {
            sender: sender.clone(),
            receiver,
        };
        thread::spawn(move || {
            for signal in signals.forever() {
                if sender.send(Event::Signal(signal)).is_err() {
                    break;
                }
            }
        });
        Ok(events)
    }

    /// A signal that came already.
    pub(crate) fn received_signal(&self) -> Option<i32> {
        self.receiver.try_iter().find_map(|event| match event {
            Event::Signal(signal) => Some(signal),
            _ => None,
        })
    }

    /// Tells when the reader of our stdout has gone: no signal does, and a task that
    /// writes nothing would never notice.
    pub(crate) fn watch_output(&self) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let stdout = std::io::stdout();
            // Asked for no event, poll(2) tells of errors and hang-ups only.
            let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
            while poll(&mut watched, None) == Err(Errno::INTR) {}
            if !watched[0].revents().is_empty() {
                let _ = sender.send(Event::OutputClosed);
            }
        });
    }

    /// Tells of the client's end when it comes.
    pub(crate) fn watch_client(&self, client: impl Into<Arc<Handle>>) {
        let client = client.into();
        let sender = self.sender.clone();
        thread::spawn(move || {
            let well = client.wait().is_ok_and(|output| output.status.success());
            let _ = sender.send(Event::ClientExited { well });
        });
    }

    /// Tells of the task's end when docker does, as long as it does. An event says when
    /// to look, and the container's own state how it has ended: it is read while docker
    /// frees what the container had, and its client hands on the last output.
    pub(crate) fn watch_exit(&self, docker: &Docker, mut deaths: DieEvents) {
        let sender = self.sender.clone();
        let docker = docker.clone();
        thread::spawn(move || {
            let end = deaths.next().and_then(|death| {
                let _ = sender.send(Event::Died);
                TaskExit::from_state(docker.container_state_in_thread(&death.id).ok()??)
            });
            let _ = sender.send(Event::ExitReported(end));
        });
    }

    /// Waits for the end of the client of a task that has ended: it hands on the last
    /// output. For [`DRAIN_TIMEOUT`] only where the task was asked to end, or is now.
    pub(crate) fn drain(&self, asked: bool) {
        if asked || !matches!(self.next(None), Event::ClientExited { .. }) {
            self.wait_for_client(DRAIN_TIMEOUT);
        }
    }

    /// Waits for the end of the client that is watched, but so long at most. What else
    /// happens meanwhile is passed over.
    pub(crate) fn wait_for_client(&self, limit: Duration) {
        let until = Instant::now().checked_add(limit);
        while !matches!(
            self.next(until),
            Event::ClientExited { .. } | Event::Timeout
        ) {}
    }

    /// The next event, or [`Event::Timeout`] at `until`.
    pub(crate) fn next(&self, until: Option<Instant>) -> Event {
        let event = match until {
            Some(until) => self
                .receiver
                .recv_timeout(until.saturating_duration_since(Instant::now())),
            None => self
                .receiver
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
        };
        event.unwrap_or(Event::Timeout)
    }
}

/// The bits of `SigIgn` in `/proc/self/status` (proc(5)); none when it cannot be read.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
