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
//! comes too late starts another supervisor, which waits for the lock of this one.

pub(crate) mod control_fifo;
pub(crate) mod instance;
pub(crate) mod lanes;
pub(crate) mod suspension;
pub(crate) mod tracked_task;
pub(crate) mod workers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::Result;
use signal_hook::consts::{SIGKILL, SIGTERM};

use crate::agent::supervise::control_fifo::ControlFifo;
use crate::agent::supervise::suspension::Suspension;
use crate::agent::supervise::tracked_task::{DEFAULT_STOP_TIMEOUT_SECONDS, TrackedTask};
use crate::agent::supervise::workers::{Message, SupervisorContext, Workers};
use crate::docker::Docker;
use crate::docker::container_inspect::ContainerInfo;
use crate::docker::events::DieEvent;
use crate::dokku::host::Host;
use crate::record::Reason;
use crate::task::journal;
use crate::task::journal::{Journal, JournalEvent};
use crate::task::teardown::recover::Recovery;

/// The interval between inspections of all tasks: an event may have been lost, or the machine
/// may have been suspended.
const INSPECT_INTERVAL: Duration = Duration::from_secs(60);

/// The delay of one more inspection after the event stream was opened: by then the stream
/// reports every exit.
const INSPECT_AFTER_STREAM_OPENED: Duration = Duration::from_secs(2);

/// The interval between KILL signals for a container that docker did not kill.
const KILL_RETRY_INTERVAL: Duration = Duration::from_secs(5);

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
    let (sender, news) = mpsc::channel();
    let place = Arc::new(SupervisorContext { host, docker });
    let woken = ControlFifo::open(&place, &sender)?;
    let hands = Workers::start(&place, &sender);
    let mut supervisor = Supervisor {
        context: place,
        workers: hands,
        sender,
        messages: news,
        tasks: HashMap::new(),
        inspect_at: None,
        suspension: Suspension::new(),
    };
    supervisor.adopt(name);
    supervisor.event_loop(woken)
}

struct Supervisor {
    context: Arc<SupervisorContext>,
    workers: Workers,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    /// The tracked tasks by container name.
    tasks: HashMap<String, TrackedTask>,
    /// The time of the next inspection of all tasks; `None` until the event stream was opened.
    inspect_at: Option<Instant>,
    suspension: Suspension,
}

impl Supervisor {
    fn event_loop(&mut self, woken: ControlFifo) -> Result<()> {
        let mut woken = Some(woken);
        loop {
            let due = self.next_timer();
            let news = match due {
                Some(due) => self
                    .messages
                    .recv_timeout(due.saturating_duration_since(Instant::now())),
                None => self
                    .messages
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
            };
            // Before any deadline is computed from the host's clock, which has advanced during
            // the suspension.
            self.note_suspension();
            if let Ok(news) = news {
                self.handle(news);
            }
            self.on_timer();
            if self.inspect_at.is_some() && self.tasks.is_empty() && self.workers.is_idle() {
                // Remove the FIFO first, then search for tasks again, so that no task is
                // missed.
                if let Some(woken) = woken.take() {
                    woken.close(&self.context);
                }
                self.adopt_all();
                if self.tasks.is_empty() {
                    self.workers.stop_stream();
                    return Ok(());
                }
                woken = Some(ControlFifo::open(&self.context, &self.sender)?);
            }
        }
    }

    fn handle(&mut self, news: Message) {
        match news {
            // A command that searches for orphaned tasks sends only the first name of an
            // unlocked journal, so all unlocked journals are adopted here.
            Message::Adopt(name) if self.tasks.contains_key(&name) => {
                self.adopt_all();
                self.hook_has_come(&name);
            }
            Message::Adopt(name) => self.adopt(&name),
            Message::StreamOpened => {
                self.inspect_all();
                self.inspect_at = Instant::now().checked_add(INSPECT_AFTER_STREAM_OPENED);
            }
            Message::Died(death) => self.on_die(&death),
            Message::Inspected(looks) => {
                for (name, facts) in looks {
                    self.on_inspected(&name, facts.as_ref());
                }
            }
            Message::Unreachable(names) => {
                for name in names {
                    if let Some(task) = self.tasks.get_mut(&name).filter(|task| !task.finalizing) {
                        task.schedule_retry();
                    }
                }
            }
            Message::CallFinished => {}
            Message::Recovered(name, resumed) => self.on_recovered(&name, resumed),
        }
    }

    fn note_suspension(&mut self) {
        if let Some(time) = self.suspension.since_last() {
            for task in self.tasks.values_mut() {
                task.suspended(time);
            }
        }
    }

    /// Adopts the task if no other process supervises it.
    fn adopt(&mut self, name: &str) {
        let host = &self.context.host;
        if self.tasks.contains_key(name) || !journal::is_unlocked(host, name) {
            return;
        }
        let story = journal::story(host, name);
        if let Some(story) = story.filter(|story| story.damage_reason().is_none()) {
            let task = TrackedTask::new(&story);
            self.workers
                .look(vec![(name.to_owned(), task.target(name))]);
            self.tasks.insert(name.to_owned(), task);
        }
    }

    fn adopt_all(&mut self) {
        for name in journal::names(&self.context.host) {
            self.adopt(&name);
        }
    }

    /// Inspects every tracked task, and adopts tasks that were not known.
    fn inspect_all(&mut self) {
        let known = self.tasks.iter().filter(|(_, task)| !task.finalizing);
        let targets: Vec<_> = known
            .map(|(name, task)| (name.clone(), task.target(name)))
            .collect();
        self.workers.look(targets);
        self.adopt_all();
        self.inspect_at = Instant::now().checked_add(INSPECT_INTERVAL);
    }

    fn on_die(&mut self, death: &DieEvent) {
        let Some(task) = self.tasks.get_mut(&death.name) else {
            // A task that another process supervises, or one whose process was killed.
            return self.adopt(&death.name);
        };
        if task.id.as_ref().is_some_and(|id| *id != death.id) {
            return;
        }
        task.died(death);
        self.recover(&death.name);
    }

    fn on_inspected(&mut self, name: &str, facts: Option<&ContainerInfo>) {
        let Some(task) = self.tasks.get_mut(name) else {
            return;
        };
        match facts {
            Some(facts) if task.is_running(facts) => self.on_running(name, facts),
            None if task.awaits_die_event() => {}
            _ => self.recover(name),
        }
    }

    /// The task is running. Facts that its journal lacks are read from the container.
    fn on_running(&mut self, name: &str, facts: &ContainerInfo) {
        let Some(task) = self.tasks.get_mut(name) else {
            return;
        };
        let is_its = facts.belongs_to(task.id.as_deref());
        if task.header_lost
            && is_its
            && let Ok(Some(journal)) = Journal::lock_existing(&self.context.host, name)
        {
            let journal = journal.with_unflushed(&task.unwritten);
            task.apply(&journal.recover_header(facts, || DEFAULT_STOP_TIMEOUT_SECONDS));
        }
        task.set_deadline(facts);
    }

    /// Core's hook has written the exit code of a task of core's into its journal.
    fn hook_has_come(&mut self, name: &str) {
        if self.tasks.get(name).is_some_and(TrackedTask::awaits_hook) {
            self.recover(name);
        }
    }

    /// Lets a worker finalize the task.
    fn recover(&mut self, name: &str) {
        let host = &self.context.host;
        let is_told = || journal::story(host, name).is_some_and(|story| story.told.is_some());
        if let Some(task) = self.tasks.get_mut(name)
            && !task.finalizing
            && (!task.waits_for_hook() || is_told())
        {
            task.finalizing = true;
            task.retry_at = None;
            let (seen, unwritten) = (task.exit_event().cloned(), task.unwritten.clone());
            self.workers.resume(name.to_owned(), seen, unwritten);
        }
    }

    fn on_recovered(&mut self, name: &str, resumed: Option<Result<Recovery>>) {
        let Some(task) = self.tasks.get_mut(name) else {
            return;
        };
        task.finalizing = false;
        match resumed {
            Some(Err(_)) => task.schedule_retry(),
            // The container has exited after the worker inspected it.
            Some(Ok(Recovery::Running(_))) if task.exit_event().is_some() => task.schedule_retry(),
            Some(Ok(Recovery::Running(facts))) => self.on_running(name, &facts),
            // Another process supervises the task, or a new task may have the same name.
            None | Some(Ok(Recovery::Settled)) => {
                self.tasks.remove(name);
                self.adopt(name);
            }
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let tasks = self.tasks.values().filter_map(TrackedTask::next_timer);
        tasks.chain(self.inspect_at).min()
    }

    fn on_timer(&mut self) {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.inspect_at) {
            self.inspect_all();
        }
        let (mut asked, mut killed, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let idle = self.tasks.iter_mut().filter(|(_, task)| !task.finalizing);
        for (name, task) in idle {
            if is_due(task.retry_at) {
                again.push(name.clone());
            }
            let Some(id) = task.id.clone() else {
                continue;
            };
            if is_due(task.deadline) {
                let reason = JournalEvent::Ending(Reason::Deadline);
                journal::append_or_buffer(&self.context.host, name, &id, &reason, &task.unwritten);
                task.deadline = None;
                task.kill_at = now.checked_add(task.stop_timeout);
                asked.push(id);
            } else if is_due(task.kill_at) {
                task.kill_at = now.checked_add(KILL_RETRY_INTERVAL);
                killed.push(id);
            }
        }
        self.workers.signal(SIGTERM, asked);
        self.workers.signal(SIGKILL, killed);
        for name in again {
            self.recover(&name);
        }
    }
}
