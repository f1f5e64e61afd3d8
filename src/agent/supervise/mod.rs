//! The supervisor: the one process per host that supervises all tasks that no other process
//! supervises. These are detached tasks, tasks whose user has detached, and tasks whose process
//! was killed.
//!
//! A task belongs to the supervisor if its journal is not locked: only the task's name has to
//! be handed over, and a task whose process is killed at any moment is found by its journal.
//! Docker's event stream reports exits, through one docker client; exits without an event are
//! found by inspecting the containers, which docker keeps after their exit. The supervisor
//! locks a journal only while it finalizes the task, so a task costs it neither a thread nor an
//! open file.
//!
//! The supervisor exits after the last task. It removes its FIFO before, so a command that
//! finds no FIFO starts another supervisor, which waits for the lock of this one.

pub(crate) mod control_fifo;
pub(crate) mod instance;
pub(crate) mod lanes;
pub(crate) mod supervision;
pub(crate) mod suspension;
pub(crate) mod tracked_task;
pub(crate) mod workers;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use anyhow::Result;

use crate::agent::supervise::control_fifo::ControlFifo;
use crate::agent::supervise::supervision::{Action, Supervision};
use crate::agent::supervise::suspension::Suspension;
use crate::agent::supervise::tracked_task::{DEFAULT_STOP_TIMEOUT_SECONDS, Now};
use crate::agent::supervise::workers::{Message, SupervisorContext, Workers};
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::record::Reason;
use crate::task::journal;
use crate::task::journal::{Journal, JournalEvent, JournalState};

/// Supervises this task and all others until no task is left. If a supervisor is running
/// already, that supervisor is notified of the task instead.
///
/// # Errors
/// The plugin's data directory cannot be written, or the supervisor that holds the lock does
/// not read its FIFO.
pub(crate) fn run(host: Host, docker: Docker, name: &str) -> Result<()> {
    let Some(_lock) = instance::lock_or_notify(&host, name)? else {
        return Ok(());
    };
    let (sender, messages) = mpsc::channel();
    let context = Arc::new(SupervisorContext { host, docker });
    let fifo = ControlFifo::open(&context, &sender)?;
    let workers = Workers::start(&context, &sender);
    let mut supervisor = Supervisor {
        context,
        workers,
        sender,
        messages,
        supervision: Supervision::default(),
        suspension: Suspension::new(),
    };
    supervisor.perform(vec![Action::Adopt(name.to_owned())]);
    supervisor.event_loop(fifo)
}

struct Supervisor {
    context: Arc<SupervisorContext>,
    workers: Workers,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    supervision: Supervision,
    suspension: Suspension,
}

impl Supervisor {
    fn event_loop(&mut self, fifo: ControlFifo) -> Result<()> {
        let mut fifo = Some(fifo);
        loop {
            let message = self.next_message();
            // Before any deadline is computed from the host's clock, which has advanced during
            // the suspension.
            if let Some(time) = self.suspension.since_last() {
                self.supervision.on_suspension(time, Now::read());
            }
            if let Some(message) = message {
                let actions = self.supervision.on_message(message, Now::read());
                self.perform(actions);
            }
            let actions = self.supervision.on_timer(Now::read());
            self.perform(actions);
            if self.supervision.is_done() && self.workers.is_idle() {
                // Remove the FIFO first, then search for tasks again, so that no task is
                // missed.
                if let Some(fifo) = fifo.take() {
                    fifo.close(&self.context);
                }
                self.perform(vec![Action::AdoptAll]);
                if self.supervision.is_done() {
                    self.workers.stop_stream();
                    return Ok(());
                }
                fifo = Some(ControlFifo::open(&self.context, &self.sender)?);
            }
        }
    }

    /// Waits for the next message; `None` if a timer expires before.
    fn next_message(&self) -> Option<Message> {
        let Some(timer) = self.supervision.next_timer() else {
            return self.messages.recv().ok();
        };
        let time = timer.saturating_duration_since(Instant::now());
        self.messages.recv_timeout(time).ok()
    }

    /// Performs these actions and those that result from them.
    fn perform(&mut self, actions: Vec<Action>) {
        let mut queue = VecDeque::from(actions);
        while let Some(action) = queue.pop_front() {
            queue.extend(self.perform_one(action));
        }
    }

    fn perform_one(&mut self, action: Action) -> Vec<Action> {
        let host = &self.context.host;
        match action {
            Action::Adopt(name) => return self.adopt(&name),
            Action::AdoptAll => {
                let names = journal::names(host);
                return names.iter().flat_map(|name| self.adopt(name)).collect();
            }
            Action::Inspect(targets) => self.workers.inspect(targets),
            Action::Signal(signal, ids) => self.workers.signal(signal, ids),
            Action::Recover(job) => self.workers.recover(job),
            Action::RecordDeadline {
                name,
                id,
                unflushed,
            } => {
                let event = JournalEvent::StopRequested(Reason::Deadline);
                journal::append_or_buffer(host, &name, &id, &event, &unflushed);
            }
            Action::RecoverHeader {
                name,
                info,
                unflushed,
            } => {
                let journal = Journal::lock_existing(host, &name).ok().flatten();
                let state = journal.map(|journal| {
                    let journal = journal.with_unflushed(&unflushed);
                    journal.recover_header(&info, || DEFAULT_STOP_TIMEOUT_SECONDS)
                });
                let now = Now::read();
                self.supervision
                    .header_recovered(&name, &info, state.as_ref(), now);
            }
            Action::ReadHook(name) => {
                let has_run = |state: JournalState| state.hooks_fired_with.is_some();
                if journal::state(host, &name).is_some_and(has_run) {
                    return self.supervision.hook_ran(&name);
                }
            }
        }
        Vec::new()
    }

    /// Adopts the task if no other process supervises it.
    fn adopt(&mut self, name: &str) -> Vec<Action> {
        let host = &self.context.host;
        if self.supervision.is_tracked(name) || !journal::is_unlocked(host, name) {
            return Vec::new();
        }
        let state = journal::state(host, name);
        state.map_or_else(Vec::new, |state| self.supervision.adopt(name, &state))
    }
}
