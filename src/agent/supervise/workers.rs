//! The workers: a fixed number of threads, independent of the number of tasks, which make the
//! supervisor's blocking calls, so that no call that hangs delays the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;

use crate::agent::supervise::lanes;
use crate::agent::supervise::lanes::{LANES, Queue};
use crate::agent::supervise::tracked_task::ExitCodeSource;
use crate::docker::Docker;
use crate::docker::container_inspect::ContainerInfo;
use crate::docker::events::{DieEvent, DieEvents};
use crate::dokku::host::Host;
use crate::sys::process;
use crate::task::journal::{Journal, UnflushedLines};
use crate::task::model::labels;
use crate::task::model::task_exit::{ExitEvent, event_time};
use crate::task::teardown::recover::{Recovery, recover};

/// The maximum number of containers per docker call: docker's whole answer is held in memory.
const INSPECT_BATCH_SIZE: usize = 50;

/// The host and the docker client that the supervisor works with.
pub(crate) struct SupervisorContext {
    pub(crate) host: Host,
    pub(crate) docker: Docker,
}

/// A message to the supervisor.
pub(crate) enum Message {
    /// A task to adopt: the name of its container.
    Adopt(String),
    /// From now on the event stream reports exits.
    StreamOpened,
    Died(DieEvent),
    /// Docker's answer per container name; `None` for a container that was removed.
    Inspected(Vec<(String, Option<ContainerInfo>)>),
    /// The containers that docker gave no answer about.
    Unreachable(Vec<String>),
    /// A docker call that the supervisor was waiting for has ended.
    CallFinished,
    /// The result of recovering the task of this name; `None` if another process supervises it.
    Recovered(String, Option<Result<Recovery>>),
}

/// A container's name, and the name or id to inspect.
pub(crate) type InspectTarget = (String, String);

/// A task's name, its exit as docker reported it, and the journal lines that the disk had no
/// space for.
pub(crate) type RecoverJob = (String, Option<ExitEvent>, UnflushedLines);

/// The handles to the threads.
pub(crate) struct Workers {
    inspections: Sender<Vec<InspectTarget>>,
    signals: Sender<(i32, Vec<String>)>,
    ends: Arc<Queue<RecoverJob>>,
    /// The number of inspections and signals that are not finished.
    in_flight: Arc<AtomicUsize>,
    /// The process group of the event stream's docker client; 0 if none is running.
    stream: Arc<AtomicU32>,
}

impl Workers {
    pub(crate) fn start(place: &Arc<SupervisorContext>, news: &Sender<Message>) -> Self {
        let (looks, to_look) = mpsc::channel();
        let (signals, to_signal) = mpsc::channel();
        let ends = Arc::new(Queue::new());
        let under_way = Arc::new(AtomicUsize::new(0));
        let stream = Arc::new(AtomicU32::new(0));
        let (here, teller, client) = (Arc::clone(place), news.clone(), Arc::clone(&stream));
        thread::spawn(move || follow_die_events(&here, &teller, &client));
        let (here, teller, count) = (Arc::clone(place), news.clone(), Arc::clone(&under_way));
        thread::spawn(move || look(&here, &to_look, &teller, &count));
        let (here, teller, count) = (Arc::clone(place), news.clone(), Arc::clone(&under_way));
        thread::spawn(move || signal(&here, &to_signal, &teller, &count));
        for _ in 0..LANES {
            let (here, ends, teller) = (Arc::clone(place), Arc::clone(&ends), news.clone());
            thread::spawn(move || finish(&here, &ends, &teller));
        }
        Self {
            inspections: looks,
            signals,
            ends,
            in_flight: under_way,
            stream,
        }
    }

    /// Whether no docker client of the supervisor is running, except that of the event stream.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) == 0
    }

    /// Ends the event stream by killing its process group, whatever processes (such as a
    /// wrapper script) are between the supervisor and docker's client.
    pub(crate) fn stop_stream(&self) {
        process::kill_group(self.stream.load(Ordering::SeqCst));
    }

    pub(crate) fn look(&self, targets: Vec<InspectTarget>) {
        if !targets.is_empty() {
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            let _ = self.inspections.send(targets);
        }
    }

    /// Sends this signal to the containers with these ids.
    pub(crate) fn signal(&self, signal: i32, ids: Vec<String>) {
        if !ids.is_empty() {
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            let _ = self.signals.send((signal, ids));
        }
    }

    /// Queues a task to be finalized.
    pub(crate) fn recover(&self, job: RecoverJob) {
        let app = lanes::app_of(&job.0).to_owned();
        self.ends.add(app, job);
    }
}

impl ExitEvent {
    pub(crate) fn of(death: &DieEvent, source: ExitCodeSource) -> Option<Self> {
        let stated = death.stated_exit_code.parse().ok();
        Some(Self {
            exit_code: stated.filter(|_| source == ExitCodeSource::Event),
            finished: event_time(death.time)?,
        })
    }
}

/// Reads docker's event stream, and opens it again when it ends, e.g. because the daemon was
/// restarted.
fn follow_die_events(place: &SupervisorContext, news: &Sender<Message>, client: &AtomicU32) {
    const MIN_RECONNECT_PAUSE: Duration = Duration::from_millis(100);
    const MAX_RECONNECT_PAUSE: Duration = Duration::from_secs(10);
    let mut pause = MIN_RECONNECT_PAUSE;
    let mut since = SystemTime::now();
    loop {
        let opened = Instant::now();
        let deaths = place.docker.die_events(labels::CONTAINER_TYPE, since);
        let group = deaths.as_ref().map_or(0, DieEvents::process_group);
        client.store(group, Ordering::SeqCst);
        if news.send(Message::StreamOpened).is_err() {
            return;
        }
        if let Ok(mut deaths) = deaths {
            for death in &mut deaths {
                if news.send(Message::Died(death)).is_err() {
                    return;
                }
            }
            // The number of a process that has been waited for may be assigned to another
            // process.
            client.store(0, Ordering::SeqCst);
        }
        since = SystemTime::now();
        if opened.elapsed() > MAX_RECONNECT_PAUSE {
            pause = MIN_RECONNECT_PAUSE;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(MAX_RECONNECT_PAUSE);
    }
}

/// Inspects the requested containers. Requests that have arrived in the meantime are combined.
fn look(
    place: &SupervisorContext,
    asked: &Receiver<Vec<InspectTarget>>,
    news: &Sender<Message>,
    under_way: &AtomicUsize,
) {
    while let Ok(mut targets) = asked.recv() {
        let mut count = 1;
        for more in asked.try_iter() {
            count += 1;
            targets.extend(more);
        }
        for part in targets.chunks(INSPECT_BATCH_SIZE) {
            let ids: Vec<&str> = part.iter().map(|(_, target)| target.as_str()).collect();
            let looks = place.docker.container_infos(&ids);
            let find = |target: &str| -> Option<Option<ContainerInfo>> {
                let looks = looks.as_ref().ok()?;
                let is_it = |facts: &&ContainerInfo| facts.id == target || facts.name() == target;
                let is_unclear = looks.unclear.iter().any(|unclear| unclear == target);
                (!is_unclear).then(|| looks.found.iter().find(is_it).cloned())
            };
            let (mut looked, mut unclear) = (Vec::new(), Vec::new());
            for (name, target) in part {
                match find(target) {
                    Some(facts) => looked.push((name.clone(), facts)),
                    None => unclear.push(name.clone()),
                }
            }
            let messages = [Message::Inspected(looked), Message::Unreachable(unclear)];
            if messages
                .into_iter()
                .any(|message| news.send(message).is_err())
            {
                return;
            }
        }
        under_way.fetch_sub(count, Ordering::SeqCst);
        let _ = news.send(Message::CallFinished);
    }
}

fn signal(
    place: &SupervisorContext,
    asked: &Receiver<(i32, Vec<String>)>,
    news: &Sender<Message>,
    under_way: &AtomicUsize,
) {
    while let Ok((signal, ids)) = asked.recv() {
        for part in ids.chunks(INSPECT_BATCH_SIZE) {
            let ids: Vec<&str> = part.iter().map(String::as_str).collect();
            // A failure is ignored: signals are repeated until the container exits.
            let _ = place.docker.containers_kill(&ids, signal);
        }
        under_way.fetch_sub(1, Ordering::SeqCst);
        let _ = news.send(Message::CallFinished);
    }
}

fn finish(place: &SupervisorContext, ends: &Queue<RecoverJob>, news: &Sender<Message>) {
    let SupervisorContext { host, docker } = place;
    loop {
        let (app, (name, exit_event, unwritten)) = ends.next();
        let resumed = match Journal::lock_existing(host, &name) {
            Ok(None) => None,
            Ok(Some(journal)) => {
                let journal = journal.with_unflushed(&unwritten);
                Some(recover(host, docker, &name, journal, exit_event))
            }
            Err(error) => Some(Err(error)),
        };
        ends.done(&app);
        if news.send(Message::Recovered(name, resumed)).is_err() {
            return;
        }
    }
}
