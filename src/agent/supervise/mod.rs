//! The one process a host that looks after the tasks that nobody else looks after:
//! detached ones, those that were left, and those whose process was killed.
//!
//! A task is the supervisor's when its journal is not locked: nothing has to be handed
//! over but its name, and whatever is killed at any moment is found again by its
//! journal. Docker's event stream tells of ends, through one client; what it has not
//! told of is read from the containers, which are kept. The supervisor locks a journal
//! only while it takes a task's last steps, so a task costs it neither a thread nor a
//! file.
//!
//! It ends with the last task. Its FIFO is gone by then, so whoever comes too late
//! starts another one, which waits for this one's lock.

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

pub(crate) use crate::agent::supervise::instance::{lives, tidy};
use crate::agent::supervise::suspension::Suspension;
use crate::agent::supervise::tracked_task::{STOP_TIMEOUT, Watched};
use crate::agent::supervise::workers::{Hands, News, Place, Woken};
use crate::docker::Docker;
use crate::docker::container_inspect::Facts;
use crate::docker::events::Death;
use crate::dokku::host::Host;
use crate::record::Reason;
use crate::task::journal;
use crate::task::journal::{Journal, Mark};
use crate::task::teardown::recover::Resumed;

/// Every task is looked at as often: an event may have been lost, or the machine was
/// suspended.
const ROUND: Duration = Duration::from_secs(60);

/// The same soon after the event stream was opened, when it tells of all.
const SECOND_ROUND: Duration = Duration::from_secs(2);

/// How long until what docker would not kill is killed again.
const AGAIN: Duration = Duration::from_secs(5);

/// Looks after this task and all others, until there is none. Where there is a
/// supervisor, that is told.
///
/// # Errors
/// Neither can be: the plugin's data directory cannot be written, or the one that has
/// the lock does not read.
pub(crate) fn run(host: Host, docker: Docker, name: &str) -> Result<()> {
    let Some(_lock) = instance::lock_or_tell(&host, name)? else {
        return Ok(());
    };
    let (sender, news) = mpsc::channel();
    let place = Arc::new(Place { host, docker });
    let woken = Woken::open(&place, &sender)?;
    let hands = Hands::start(&place, &sender);
    let mut supervisor = Supervisor {
        place,
        hands,
        sender,
        news,
        tasks: HashMap::new(),
        round_at: None,
        suspension: Suspension::new(),
    };
    supervisor.adopt(name);
    supervisor.look_after_all(woken)
}

struct Supervisor {
    place: Arc<Place>,
    hands: Hands,
    sender: Sender<News>,
    news: Receiver<News>,
    /// By their containers' names.
    tasks: HashMap<String, Watched>,
    /// When all of them are looked at; `None` before the event stream was opened.
    round_at: Option<Instant>,
    suspension: Suspension,
}

impl Supervisor {
    fn look_after_all(&mut self, woken: Woken) -> Result<()> {
        let mut woken = Some(woken);
        loop {
            let due = self.due();
            let news = match due {
                Some(due) => self
                    .news
                    .recv_timeout(due.saturating_duration_since(Instant::now())),
                None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // Before a deadline is reckoned from the host's clock, which has gone on.
            self.note_suspension();
            if let Ok(news) = news {
                self.take_in(news);
            }
            self.act_on_time();
            if self.round_at.is_some() && self.tasks.is_empty() && self.hands.rest() {
                // First nobody can tell us any more, then we look whether somebody has.
                if let Some(woken) = woken.take() {
                    woken.close(&self.place);
                }
                self.adopt_all();
                if self.tasks.is_empty() {
                    self.hands.end();
                    return Ok(());
                }
                woken = Some(Woken::open(&self.place, &self.sender)?);
            }
        }
    }

    fn take_in(&mut self, news: News) {
        match news {
            // Whoever looks for a task that was lost names the first that nobody has locked.
            News::Named(name) if self.tasks.contains_key(&name) => {
                self.adopt_all();
                self.hook_has_come(&name);
            }
            News::Named(name) => self.adopt(&name),
            News::StreamOpened => {
                self.make_round();
                self.round_at = Instant::now().checked_add(SECOND_ROUND);
            }
            News::Died(death) => self.died(&death),
            News::Looked(looks) => {
                for (name, facts) in looks {
                    self.looked(&name, facts.as_ref());
                }
            }
            News::NoAnswer(names) => {
                for name in names {
                    if let Some(task) = self.tasks.get_mut(&name).filter(|task| !task.busy) {
                        task.failed();
                    }
                }
            }
            News::Rested => {}
            News::Resumed(name, resumed) => self.resumed(&name, resumed),
        }
    }

    fn note_suspension(&mut self) {
        if let Some(time) = self.suspension.since_last() {
            for task in self.tasks.values_mut() {
                task.suspended(time);
            }
        }
    }

    /// Takes the task when nobody else looks after it.
    fn adopt(&mut self, name: &str) {
        let host = &self.place.host;
        if self.tasks.contains_key(name) || !journal::is_free(host, name) {
            return;
        }
        let story = journal::story(host, name);
        if let Some(story) = story.filter(|story| story.damage(name).is_none()) {
            let task = Watched::new(&story);
            self.hands.look(vec![(name.to_owned(), task.target(name))]);
            self.tasks.insert(name.to_owned(), task);
        }
    }

    fn adopt_all(&mut self) {
        for name in journal::names(&self.place.host) {
            self.adopt(&name);
        }
    }

    /// Looks at every task.
    fn make_round(&mut self) {
        let known = self.tasks.iter().filter(|(_, task)| !task.busy);
        let targets: Vec<_> = known
            .map(|(name, task)| (name.clone(), task.target(name)))
            .collect();
        self.hands.look(targets);
        self.adopt_all();
        self.round_at = Instant::now().checked_add(ROUND);
    }

    fn died(&mut self, death: &Death) {
        let Some(task) = self.tasks.get_mut(&death.name) else {
            // Somebody's, or one whose process was killed.
            return self.adopt(&death.name);
        };
        if task.id.as_ref().is_some_and(|id| *id != death.id) {
            return;
        }
        task.died(death);
        self.resume(&death.name);
    }

    fn looked(&mut self, name: &str, facts: Option<&Facts>) {
        let Some(task) = self.tasks.get_mut(name) else {
            return;
        };
        match facts {
            Some(facts) if task.goes(facts) => self.started(name, facts),
            _ => self.resume(name),
        }
    }

    /// It runs. What its journal does not tell is read from the container.
    fn started(&mut self, name: &str, facts: &Facts) {
        let Some(task) = self.tasks.get_mut(name) else {
            return;
        };
        let is_its = facts.is_of(task.id.as_deref());
        if task.is_torn
            && is_its
            && let Ok(Some(journal)) = Journal::take_existing(&self.place.host, name)
        {
            let journal = journal.with(&task.unwritten);
            task.read(&journal.completed(facts, || STOP_TIMEOUT));
        }
        task.started(facts);
    }

    /// The hook of a task of core's has told the exit code.
    fn hook_has_come(&mut self, name: &str) {
        if self.tasks.get(name).is_some_and(Watched::awaits_hook) {
            self.resume(name);
        }
    }

    /// Has its last steps taken.
    fn resume(&mut self, name: &str) {
        let host = &self.place.host;
        let is_told = || journal::story(host, name).is_some_and(|story| story.told.is_some());
        if let Some(task) = self.tasks.get_mut(name)
            && !task.busy
            && (!task.waits_for_hook() || is_told())
        {
            task.busy = true;
            task.again_at = None;
            let (seen, unwritten) = (task.seen.clone(), task.unwritten.clone());
            self.hands.resume(name.to_owned(), seen, unwritten);
        }
    }

    fn resumed(&mut self, name: &str, resumed: Option<Result<Resumed>>) {
        let Some(task) = self.tasks.get_mut(name) else {
            return;
        };
        task.busy = false;
        match resumed {
            Some(Err(_)) => task.failed(),
            // It has died since it was looked at.
            Some(Ok(Resumed::Goes(_))) if task.seen.is_some() => task.failed(),
            Some(Ok(Resumed::Goes(facts))) => self.started(name, &facts),
            // Somebody else looks after it, or the name may have been taken anew.
            None | Some(Ok(Resumed::Done)) => {
                self.tasks.remove(name);
                self.adopt(name);
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let tasks = self.tasks.values().filter_map(Watched::due);
        tasks.chain(self.round_at).min()
    }

    fn act_on_time(&mut self) {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.round_at) {
            self.make_round();
        }
        let (mut asked, mut killed, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let idle = self.tasks.iter_mut().filter(|(_, task)| !task.busy);
        for (name, task) in idle {
            if is_due(task.again_at) {
                again.push(name.clone());
            }
            let Some(id) = task.id.clone() else {
                continue;
            };
            if is_due(task.deadline) {
                let reason = Mark::Ending(Reason::Deadline);
                journal::mark_or_keep(&self.place.host, name, &id, &reason, &task.unwritten);
                task.deadline = None;
                task.kill_at = now.checked_add(task.stop_timeout);
                asked.push(id);
            } else if is_due(task.kill_at) {
                task.kill_at = now.checked_add(AGAIN);
                killed.push(id);
            }
        }
        self.hands.signal(SIGTERM, asked);
        self.hands.signal(SIGKILL, killed);
        for name in again {
            self.resume(&name);
        }
    }
}
