//! Events while a task runs: signals, the exit of docker's client, a closed output, timers.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::sys::process::Child;

/// How long docker's client may still forward the last output of a task that has ended.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for the event of a signal that has already arrived, so that it is returned
/// before the exit of docker's client.
const SIGNAL_TIMEOUT: Duration = Duration::from_millis(100);

const STOP_SIGNALS: [i32; 4] = [SIGINT, SIGTERM, SIGQUIT, SIGHUP];

/// The other signals that docker's client forwards (docker/cli, `ForwardAllSignals`: all but CHLD,
/// PIPE and URG) and that a process can catch. Those of a fault (BUS, FPE, ILL, SEGV, TRAP, SYS)
/// concern the process itself.
const FORWARDED_SIGNALS: [i32; 13] = [
    SIGUSR1,
    SIGUSR2,
    SIGALRM,
    SIGVTALRM,
    SIGPROF,
    SIGIO,
    Signal::POWER.as_raw(),
    Signal::STKFLT.as_raw(),
    SIGXCPU,
    SIGXFSZ,
    SIGABRT,
    SIGWINCH,
    SIGCONT,
];

/// The C library uses the numbers before it (musl up to 34).
const FIRST_REALTIME_SIGNAL: i32 = 35;
const LAST_REALTIME_SIGNAL: i32 = 64;

const NO_HANDLERS: &str = "signal handlers cannot be installed";

/// An event for the process that supervises a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// This process has received a signal that asks it to stop: INT, TERM, QUIT or HUP.
    Signal(i32),
    /// This process has received another signal ([`Events::watch_all`]).
    OtherSignal(i32),
    /// The watched docker client has ended. `succeeded`: its exit code is 0.
    ClientExited { succeeded: bool },
    /// The reader of our stdout has closed it.
    OutputClosed,
    /// The time that was passed to [`Events::next`] is reached.
    Timeout,
}

/// The channel of all events, in the order in which they occurred. A signal comes before the exit
/// of a docker client that it has ended: on a terminal the client gets the signal, too, and then
/// ends with 0, as it does for the detach keys (INT and TERM, docker 28).
pub(crate) struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
    /// A signal has arrived whose event may not have been sent yet.
    signal_arrived: Arc<AtomicBool>,
    /// An event that is returned after the event of a signal.
    postponed: Cell<Option<Event>>,
}

impl Events {
    /// Installs handlers for INT, TERM, QUIT and HUP: from here on these signals are events and do
    /// not end this process. Ignoring the signals instead would be inherited by every program that
    /// we start. A signal that was ignored at our start (`nohup`, a background job of a script)
    /// stays ignored.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub(crate) fn watch() -> Result<Self> {
        Self::watch_with(&[])
    }

    /// As [`Events::watch`], and all other signals that can be sent to the task are events, too, as
    /// docker's client forwards them (`--sig-proxy`). Signals of a terminal's job control (TSTP,
    /// TTIN, TTOU) still stop this process.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub(crate) fn watch_all() -> Result<Self> {
        let realtime = FIRST_REALTIME_SIGNAL..=LAST_REALTIME_SIGNAL;
        let others: Vec<i32> = FORWARDED_SIGNALS.into_iter().chain(realtime).collect();
        Self::watch_with(&others)
    }

    fn watch_with(others: &[i32]) -> Result<Self> {
        let ignored = ignored_signals();
        let is_wanted = |signal: &i32| ignored & (1 << (signal - 1)) == 0;
        let stops = STOP_SIGNALS.into_iter().filter(is_wanted);
        let signal_arrived = Arc::new(AtomicBool::new(false));
        for signal in stops.clone() {
            flag::register(signal, Arc::clone(&signal_arrived)).context(NO_HANDLERS)?;
        }
        let others = others.iter().copied().filter(is_wanted);
        let mut signals = Signals::new(stops.chain(others)).context(NO_HANDLERS)?;
        let (sender, receiver) = mpsc::channel();
        let events = Self {
            sender: sender.clone(),
            receiver,
            signal_arrived,
            postponed: Cell::new(None),
        };
        thread::spawn(move || {
            for signal in signals.forever() {
                let event = if STOP_SIGNALS.contains(&signal) {
                    Event::Signal(signal)
                } else {
                    Event::OtherSignal(signal)
                };
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        Ok(events)
    }

    /// A signal that this process has already received. Other pending events are discarded.
    pub(crate) fn received_signal(&self) -> Option<i32> {
        self.receiver.try_iter().find_map(|event| match event {
            Event::Signal(signal) => Some(signal),
            _ => None,
        })
    }

    /// Sends [`Event::OutputClosed`] when the reader of our stdout has closed it. No signal reports
    /// this, and a task that writes nothing would never get an error.
    pub(crate) fn watch_output(&self) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let stdout = std::io::stdout();
            // Without requested events, poll(2) reports errors and hang-ups only.
            let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
            while poll(&mut fds, None) == Err(Errno::INTR) {}
            if !fds[0].revents().is_empty() {
                let _ = sender.send(Event::OutputClosed);
            }
        });
    }

    /// Sends [`Event::ClientExited`] when the client has ended.
    pub(crate) fn watch_client(&self, client: impl Into<Arc<Child>>) {
        let client = client.into();
        let sender = self.sender.clone();
        thread::spawn(move || {
            let succeeded = client.wait().is_ok_and(|output| output.status.success());
            let _ = sender.send(Event::ClientExited { succeeded });
        });
    }

    /// Waits until the watched client has ended, for `limit` at most. Other events are discarded.
    pub(crate) fn wait_for_client(&self, limit: Duration) {
        let until = Instant::now().checked_add(limit);
        while !matches!(
            self.next(until),
            Event::ClientExited { .. } | Event::Timeout
        ) {}
    }

    /// The next event, or [`Event::Timeout`] at `until`.
    pub(crate) fn next(&self, until: Option<Instant>) -> Event {
        let event = self.postponed.take().unwrap_or_else(|| self.receive(until));
        match event {
            Event::Signal(_) => self.signal_arrived.store(false, Ordering::Relaxed),
            // The handler has run in this thread, but the thread that sends the event may not have.
            Event::ClientExited { .. } if self.signal_arrived.swap(false, Ordering::Relaxed) => {
                let signal_deadline = Instant::now().checked_add(SIGNAL_TIMEOUT);
                match self.receive(signal_deadline) {
                    Event::Timeout => {}
                    first => {
                        let is_signal = matches!(first, Event::Signal(_));
                        self.signal_arrived.store(!is_signal, Ordering::Relaxed);
                        self.postponed.set(Some(event));
                        return first;
                    }
                }
            }
            _ => {}
        }
        event
    }

    fn receive(&self, until: Option<Instant>) -> Event {
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

/// The mask of ignored signals, `SigIgn` in `/proc/self/status` (proc(5)); 0 if the file cannot be
/// read.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT: Event = Event::ClientExited { succeeded: true };

    fn order(arrived: bool, sent: &[Event]) -> Vec<Event> {
        let (sender, receiver) = mpsc::channel();
        for event in sent {
            sender.send(event.clone()).unwrap();
        }
        let events = Events {
            sender,
            receiver,
            signal_arrived: Arc::new(AtomicBool::new(arrived)),
            postponed: Cell::new(None),
        };
        let next = || events.next(Some(Instant::now()));
        std::iter::repeat_with(next)
            .take_while(|event| *event != Event::Timeout)
            .collect()
    }

    #[test]
    fn a_signal_that_has_arrived_comes_before_the_exit_of_the_client() {
        let signal = Event::Signal(SIGTERM);
        assert_eq!(
            order(true, &[EXIT, Event::OutputClosed, signal.clone()]),
            [Event::OutputClosed, signal.clone(), EXIT]
        );
        assert_eq!(
            order(true, &[signal.clone(), EXIT]),
            [signal.clone(), EXIT],
            "the signal's event was already there"
        );
        assert_eq!(order(false, &[EXIT, signal.clone()]), [EXIT, signal]);
        assert_eq!(order(true, &[EXIT]), [EXIT], "its event never came");
    }
}
