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
    jobs: Arc<Queue<RecoverJob>>,
    /// The number of inspections and signals that are not finished.
    in_flight: Arc<AtomicUsize>,
    /// The process group of the event stream's docker client; 0 if none is running.
    stream: Arc<AtomicU32>,
}

impl Workers {
    pub(crate) fn start(context: &Arc<SupervisorContext>, sender: &Sender<Message>) -> Self {
        let (inspections, inspect_requests) = mpsc::channel();
        let (signals, signal_requests) = mpsc::channel();
        let jobs = Arc::new(Queue::new());
        let in_flight = Arc::new(AtomicUsize::new(0));
        let stream = Arc::new(AtomicU32::new(0));
        spawn(context, sender, {
            let client = Arc::clone(&stream);
            move |context, sender| follow_die_events(context, sender, &client)
        });
        spawn(context, sender, {
            let in_flight = Arc::clone(&in_flight);
            move |context, sender| inspect(context, &inspect_requests, sender, &in_flight)
        });
        spawn(context, sender, {
            let in_flight = Arc::clone(&in_flight);
            move |context, sender| signal(context, &signal_requests, sender, &in_flight)
        });
        for _ in 0..LANES {
            let jobs = Arc::clone(&jobs);
            spawn(context, sender, move |context, sender| {
                recover_tasks(context, &jobs, sender);
            });
        }
        Self {
            inspections,
            signals,
            jobs,
            in_flight,
            stream,
        }
    }

    /// Whether no docker client of the supervisor is running, except that of the event stream.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) == 0
    }

    /// Ends the event stream by killing its process group, which includes any process (such as a
    /// wrapper script) between the supervisor and docker's client.
    pub(crate) fn stop_stream(&self) {
        process::kill_group(self.stream.load(Ordering::SeqCst));
    }

    /// Queues containers to be inspected. The answer is [`Message::Inspected`] or
    /// [`Message::Unreachable`].
    pub(crate) fn inspect(&self, targets: Vec<InspectTarget>) {
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
        self.jobs.add(app, job);
    }
}

impl ExitEvent {
    pub(crate) fn of(event: &DieEvent, source: ExitCodeSource) -> Option<Self> {
        let exit_code = event.reported_exit_code.parse().ok();
        Some(Self {
            exit_code: exit_code.filter(|_| source == ExitCodeSource::Event),
            finished: event_time(event.time)?,
        })
    }
}

/// Starts a thread with a context and a sender of its own.
fn spawn(
    context: &Arc<SupervisorContext>,
    sender: &Sender<Message>,
    run: impl FnOnce(&SupervisorContext, &Sender<Message>) + Send + 'static,
) {
    let (context, sender) = (Arc::clone(context), sender.clone());
    thread::spawn(move || run(&context, &sender));
}

/// Reads docker's event stream, and opens it again when it ends, e.g. because the daemon was
/// restarted.
fn follow_die_events(context: &SupervisorContext, sender: &Sender<Message>, client: &AtomicU32) {
    const MIN_RECONNECT_PAUSE: Duration = Duration::from_millis(100);
    const MAX_RECONNECT_PAUSE: Duration = Duration::from_secs(10);
    let mut pause = MIN_RECONNECT_PAUSE;
    let mut since = SystemTime::now();
    loop {
        let opened = Instant::now();
        let events = context.docker.die_events(labels::CONTAINER_TYPE, since);
        let group = events.as_ref().map_or(0, DieEvents::process_group);
        client.store(group, Ordering::SeqCst);
        if sender.send(Message::StreamOpened).is_err() {
            return;
        }
        if let Ok(mut events) = events {
            for event in &mut events {
                if sender.send(Message::Died(event)).is_err() {
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
fn inspect(
    context: &SupervisorContext,
    requests: &Receiver<Vec<InspectTarget>>,
    sender: &Sender<Message>,
    in_flight: &AtomicUsize,
) {
    while let Ok(mut targets) = requests.recv() {
        let mut count = 1;
        for further in requests.try_iter() {
            count += 1;
            targets.extend(further);
        }
        for batch in targets.chunks(INSPECT_BATCH_SIZE) {
            let ids: Vec<&str> = batch.iter().map(|(_, target)| target.as_str()).collect();
            let inspections = context.docker.containers_inspect(&ids);
            let find = |target: &str| -> Option<Option<ContainerInfo>> {
                let inspections = inspections.as_ref().ok()?;
                let is_match = |info: &&ContainerInfo| info.id == target || info.name() == target;
                let is_unclear = inspections.unclear.iter().any(|unclear| unclear == target);
                (!is_unclear).then(|| inspections.found.iter().find(is_match).cloned())
            };
            let (mut inspected, mut unclear) = (Vec::new(), Vec::new());
            for (name, target) in batch {
                match find(target) {
                    Some(info) => inspected.push((name.clone(), info)),
                    None => unclear.push(name.clone()),
                }
            }
            let messages = [Message::Inspected(inspected), Message::Unreachable(unclear)];
            if messages
                .into_iter()
                .any(|message| sender.send(message).is_err())
            {
                return;
            }
        }
        in_flight.fetch_sub(count, Ordering::SeqCst);
        let _ = sender.send(Message::CallFinished);
    }
}

fn signal(
    context: &SupervisorContext,
    requests: &Receiver<(i32, Vec<String>)>,
    sender: &Sender<Message>,
    in_flight: &AtomicUsize,
) {
    while let Ok((signal, ids)) = requests.recv() {
        for batch in ids.chunks(INSPECT_BATCH_SIZE) {
            let ids: Vec<&str> = batch.iter().map(String::as_str).collect();
            // A failure is ignored: signals are repeated until the container exits.
            let _ = context.docker.containers_kill(&ids, signal);
        }
        in_flight.fetch_sub(1, Ordering::SeqCst);
        let _ = sender.send(Message::CallFinished);
    }
}

fn recover_tasks(context: &SupervisorContext, jobs: &Queue<RecoverJob>, sender: &Sender<Message>) {
    let SupervisorContext { host, docker } = context;
    loop {
        let (app, (name, exit_event, unflushed)) = jobs.next();
        let result = match Journal::lock_existing(host, &name) {
            Ok(None) => None,
            Ok(Some(journal)) => {
                let journal = journal.with_unflushed(&unflushed);
                Some(recover(host, docker, &name, journal, exit_event))
            }
            Err(error) => Some(Err(error)),
        };
        jobs.done(&app);
        if sender.send(Message::Recovered(name, result)).is_err() {
            return;
        }
    }
}
