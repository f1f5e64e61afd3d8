//! The supervisor's decisions: what it does after each message and when a timer expires. They are
//! made here without docker, files and clocks: the caller passes the time and performs the actions.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use signal_hook::consts::{SIGKILL, SIGTERM};

use crate::agent::supervise::tracked_task::{Now, TrackedTask};
use crate::agent::supervise::workers::{InspectTarget, Message, RecoverJob};
use crate::docker::container_inspect::ContainerInfo;
use crate::docker::events::DieEvent;
use crate::task::journal::{JournalState, UnflushedLines};
use crate::task::teardown::recover::Recovery;

/// The interval between inspections of all tasks: an event may have been lost, or the machine
/// may have been suspended.
const INSPECT_INTERVAL: Duration = Duration::from_secs(60);

/// The delay of one more inspection after the event stream was opened: by then the stream
/// reports every exit.
const INSPECT_AFTER_STREAM_OPENED: Duration = Duration::from_secs(2);

/// The interval between KILL signals for a container that docker did not kill.
const KILL_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// What the supervisor has to do.
pub(crate) enum Action {
    /// Read the journal of this task, and call [`Supervision::adopt`] if no process supervises it.
    Adopt(String),
    /// The same for all journals.
    AdoptAll,
    /// Inspect these containers. The answer is [`Message::Inspected`] or [`Message::Unreachable`].
    Inspect(Vec<InspectTarget>),
    /// Send this signal to the containers with these ids.
    Signal(i32, Vec<String>),
    /// Write to the task's journal that it is stopped at its deadline.
    RecordDeadline {
        name: String,
        id: String,
        unflushed: UnflushedLines,
    },
    /// Write the journal's missing first line, and call [`Supervision::header_recovered`].
    RecoverHeader {
        name: String,
        info: Box<ContainerInfo>,
        unflushed: UnflushedLines,
    },
    /// Read from the task's journal whether core's hook has run, and call
    /// [`Supervision::hook_ran`] if it has.
    ReadHook(String),
    /// Finalize the task. The answer is [`Message::Recovered`].
    Recover(RecoverJob),
}

/// The tracked tasks and the timers.
#[derive(Default)]
pub(crate) struct Supervision {
    /// By container name.
    tasks: HashMap<String, TrackedTask>,
    /// The time of the next inspection of all tasks; `None` until the event stream was opened.
    inspect_at: Option<Instant>,
}

impl Supervision {
    /// Whether no task is left. A supervisor whose event stream was not opened yet has not looked
    /// for tasks.
    pub(crate) fn is_done(&self) -> bool {
        self.inspect_at.is_some() && self.tasks.is_empty()
    }

    pub(crate) fn is_tracked(&self, name: &str) -> bool {
        self.tasks.contains_key(name)
    }

    /// The time at which [`Self::on_timer`] has to be called; `None` without a timer.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        let tasks = self.tasks.values().filter_map(TrackedTask::next_timer);
        tasks.chain(self.inspect_at).min()
    }

    /// Tracks a task with this journal, unless the journal is damaged.
    pub(crate) fn adopt(&mut self, name: &str, state: &JournalState) -> Vec<Action> {
        if self.is_tracked(name) || state.damage_reason().is_some() {
            return Vec::new();
        }
        let task = TrackedTask::new(state);
        let target = (name.to_owned(), task.target(name));
        self.tasks.insert(name.to_owned(), task);
        vec![Action::Inspect(vec![target])]
    }

    pub(crate) fn on_message(&mut self, message: Message, now: Now) -> Vec<Action> {
        match message {
            Message::Adopt(name) => self.on_adopt_request(name),
            Message::StreamOpened => {
                self.inspect_at = now.monotonic.checked_add(INSPECT_AFTER_STREAM_OPENED);
                self.inspect_all()
            }
            Message::Died(event) => self.on_die(&event, now),
            Message::Inspected(results) => {
                let mut actions = Vec::new();
                for (name, info) in results {
                    actions.extend(self.on_inspected(&name, info, now));
                }
                actions
            }
            Message::Unreachable(names) => {
                for name in names {
                    if let Some(task) = self.tasks.get_mut(&name).filter(|task| !task.finalizing) {
                        task.schedule_retry(now);
                    }
                }
                Vec::new()
            }
            Message::CallFinished => Vec::new(),
            Message::Recovered(name, result) => self.on_recovered(&name, result, now),
        }
    }

    /// The machine was suspended for this time.
    pub(crate) fn on_suspension(&mut self, time: Duration, now: Now) {
        for task in self.tasks.values_mut() {
            task.suspended(time, now);
        }
    }

    /// Core's hook has written the exit code of a task of core's into its journal.
    pub(crate) fn hook_ran(&mut self, name: &str) -> Vec<Action> {
        let task = self.tasks.get_mut(name).filter(|task| !task.finalizing);
        task.map(|task| Action::Recover(task.finalize(name)))
            .into_iter()
            .collect()
    }

    /// `state`: that of the journal with its first line, `None` if the journal could not be locked.
    pub(crate) fn header_recovered(
        &mut self,
        name: &str,
        info: &ContainerInfo,
        state: Option<&JournalState>,
        now: Now,
    ) {
        if let Some(task) = self.tasks.get_mut(name) {
            if let Some(state) = state {
                task.apply(state);
            }
            task.set_deadline(info, now);
        }
    }

    /// Does what is due.
    pub(crate) fn on_timer(&mut self, now: Now) -> Vec<Action> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now.monotonic);
        let mut actions = Vec::new();
        if is_due(self.inspect_at) {
            self.inspect_at = now.monotonic.checked_add(INSPECT_INTERVAL);
            actions.extend(self.inspect_all());
        }
        let (mut stopped, mut killed, mut retried) = (Vec::new(), Vec::new(), Vec::new());
        let idle = self.tasks.iter_mut().filter(|(_, task)| !task.finalizing);
        for (name, task) in idle {
            if is_due(task.retry_at) {
                retried.push(name.clone());
            }
            let Some(id) = task.id.clone() else {
                continue;
            };
            if is_due(task.deadline) {
                task.deadline = None;
                task.kill_at = now.monotonic.checked_add(task.stop_timeout);
                actions.push(Action::RecordDeadline {
                    name: name.clone(),
                    id: id.clone(),
                    unflushed: task.unflushed.clone(),
                });
                stopped.push(id);
            } else if is_due(task.kill_at) {
                task.kill_at = now.monotonic.checked_add(KILL_RETRY_INTERVAL);
                killed.push(id);
            }
        }
        actions.push(Action::Signal(SIGTERM, stopped));
        actions.push(Action::Signal(SIGKILL, killed));
        for name in retried {
            actions.extend(self.recover(&name, now));
        }
        actions
    }

    /// A command that searches for orphaned tasks sends only the first name of an unlocked
    /// journal, so all unlocked journals are adopted with it.
    fn on_adopt_request(&mut self, name: String) -> Vec<Action> {
        match self.tasks.get(&name) {
            None => vec![Action::Adopt(name)],
            Some(task) if task.awaits_hook() => vec![Action::AdoptAll, Action::ReadHook(name)],
            Some(_) => vec![Action::AdoptAll],
        }
    }

    /// Inspects every tracked task, and adopts tasks that are not tracked.
    fn inspect_all(&mut self) -> Vec<Action> {
        let tasks = self.tasks.iter().filter(|(_, task)| !task.finalizing);
        let targets = tasks.map(|(name, task)| (name.clone(), task.target(name)));
        vec![Action::Inspect(targets.collect()), Action::AdoptAll]
    }

    fn on_die(&mut self, event: &DieEvent, now: Now) -> Vec<Action> {
        let Some(task) = self.tasks.get_mut(&event.name) else {
            // A task that another process supervises, or one whose process was killed.
            return vec![Action::Adopt(event.name.clone())];
        };
        if task.id.as_ref().is_some_and(|id| *id != event.id) {
            return Vec::new();
        }
        task.died(event);
        self.recover(&event.name, now)
    }

    fn on_inspected(&mut self, name: &str, info: Option<ContainerInfo>, now: Now) -> Vec<Action> {
        let Some(task) = self.tasks.get_mut(name) else {
            return Vec::new();
        };
        match info {
            Some(info) if task.is_running(&info) => self.on_running(name, info, now),
            None if task.postpone_for_die_event(now) => Vec::new(),
            _ => {
                task.exited();
                self.recover(name, now)
            }
        }
    }

    /// The task is running. Facts that its journal lacks are read from the container.
    fn on_running(&mut self, name: &str, info: ContainerInfo, now: Now) -> Vec<Action> {
        let Some(task) = self.tasks.get_mut(name) else {
            return Vec::new();
        };
        if task.header_lost && info.belongs_to(task.id.as_deref()) {
            return vec![Action::RecoverHeader {
                name: name.to_owned(),
                info: Box::new(info),
                unflushed: task.unflushed.clone(),
            }];
        }
        task.set_deadline(&info, now);
        Vec::new()
    }

    /// Lets a worker finalize the task, unless the hook that has its exit code is still to come.
    fn recover(&mut self, name: &str, now: Now) -> Vec<Action> {
        let task = self.tasks.get_mut(name).filter(|task| !task.finalizing);
        let Some(task) = task else {
            return Vec::new();
        };
        if task.postpone_for_hook(now) {
            return vec![Action::ReadHook(name.to_owned())];
        }
        vec![Action::Recover(task.finalize(name))]
    }

    fn on_recovered(
        &mut self,
        name: &str,
        result: Option<Result<Recovery>>,
        now: Now,
    ) -> Vec<Action> {
        let Some(task) = self.tasks.get_mut(name) else {
            return Vec::new();
        };
        task.finalizing = false;
        match result {
            Some(Err(_)) => task.schedule_retry(now),
            // The container has exited after the worker inspected it.
            Some(Ok(Recovery::Running(_))) if task.exit_event().is_some() => {
                task.schedule_retry(now);
            }
            Some(Ok(Recovery::Running(info))) => return self.on_running(name, *info, now),
            // Another process supervises the task, or a new task may have the same name.
            None | Some(Ok(Recovery::Settled)) => {
                self.tasks.remove(name);
                return vec![Action::Adopt(name.to_owned())];
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
