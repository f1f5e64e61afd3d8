//! The life of an attached task.
//!
//! create → hook `post-container-create` → start → end → hook
//! `scheduler-post-run` → remove.
//!
//! * The container is never given `--rm`: only one that is still there can say
//!   how a failed start or a lost client came about. We remove it.
//! * Docker's client has a process group of its own (not with a terminal), so a
//!   Ctrl-C reaches us alone. INT, TERM and QUIT are passed on to the task, a
//!   hang-up as TERM. A second signal, or the stop timeout gone by, kills it.
//! * At its deadline a task gets TERM, after the stop timeout KILL; then the exit
//!   status is 124, whatever the task made of it.
//! * When docker's client ends, the container's own state decides. A client that
//!   was lost (its stdout closed, say) does not end the task: we wait on.
//! * Whatever fails on the way: the container is removed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM};

use super::container::Task;
use super::signals::{Event, Events};
use crate::docker::Docker;
use crate::docker::container_create::Creation;
use crate::docker::container_inspect::{State, Status};
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::exit::{self, Failure};

/// How long until a signal is sent again that docker did not deliver: it does
/// not before the task runs.
const AGAIN: Duration = Duration::from_millis(100);

/// Runs the task to its end and gives its exit code.
///
/// # Errors
/// It could not be made or started by docker, or a hook refused it.
pub(crate) fn run(host: &Host, docker: &Docker, task: &Task) -> Result<u8> {
    let events = Events::watch()?;
    let container = create(docker, task)?;
    host.tell(
        "post-container-create",
        &["app", &container.id, &task.app, "run"],
    )?;
    if let Some(signal) = events.signal_so_far() {
        return Ok(exit::of_signal(signal));
    }
    let code = Keeper::new(docker, &container.id, task).keep(&events, task)?;
    let post_run = [DOCKER_LOCAL, &task.app, &container.id, &code.to_string()];
    if let Err(error) = host.tell("scheduler-post-run", &post_run) {
        message::warn(&format!("{error:#}"));
    }
    Ok(code)
}

/// A container of ours, removed when it goes out of scope.
struct Made<'a> {
    docker: &'a Docker,
    id: String,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.docker.container_remove(&self.id) {
            message::warn(&format!("{error:#}"));
        }
    }
}

/// Creates the container under a number that is free. Docker decides which is:
/// it is asked again until it takes one.
fn create<'a>(docker: &'a Docker, task: &Task) -> Result<Made<'a>> {
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        if let Creation::Created(id) = docker.container_create(&task.container(random_number())?)? {
            return Ok(Made { docker, id });
        }
    }
    bail!(
        "no free name for a container of '{}' was found in {TRIES} tries",
        task.app
    )
}

/// 1 to 65,535. Core's are below 32,768; what reads them takes any number.
fn random_number() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    u32::from(u16::try_from(random % 65_535).unwrap_or(0)) + 1
}

/// Looks after one container from its start to its end.
struct Keeper<'a> {
    docker: &'a Docker,
    id: &'a str,
    stop_timeout: Duration,
    deadline: Option<Instant>,
    /// A signal that docker has not delivered yet.
    owed: Option<i32>,
    /// When the task is killed: it was asked to end.
    kill_at: Option<Instant>,
    past_deadline: bool,
}

impl<'a> Keeper<'a> {
    fn new(docker: &'a Docker, id: &'a str, task: &Task) -> Self {
        let deadline = task
            .time_to_live
            .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        Self {
            docker,
            id,
            stop_timeout: Duration::from_secs(task.stop_timeout),
            deadline,
            owed: None,
            kill_at: None,
            past_deadline: false,
        }
    }

    fn keep(mut self, events: &Events, task: &Task) -> Result<u8> {
        events.watch_client(self.docker.container_start_attached(
            self.id,
            task.stdin,
            task.terminal,
        )?);
        loop {
            match events.next(self.due()) {
                Event::Signal(signal) => self.ask_to_end(signal)?,
                Event::Due => self.act_on_time()?,
                Event::ClientEnded => {
                    let Some(state) = self.docker.container_state(self.id)? else {
                        return Err(Failure::error(
                            exit::DOCKER,
                            "the task's container was removed by somebody else",
                        ));
                    };
                    if let Some(code) = code_of(&state) {
                        return Ok(if self.past_deadline {
                            exit::DEADLINE
                        } else {
                            code
                        });
                    }
                    events.watch_client(self.docker.container_wait(self.id)?);
                }
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let again = self.owed.map(|_| Instant::now() + AGAIN);
        [again, self.kill_at, self.deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// The first time the signal is passed on, the second time the task is killed.
    fn ask_to_end(&mut self, signal: i32) -> Result<()> {
        let again = self.kill_at.is_some();
        self.owed = Some(match signal {
            _ if again => SIGKILL,
            SIGHUP => SIGTERM,
            other => other,
        });
        self.kill_at = Some(Instant::now() + self.stop_timeout);
        self.deliver()
    }

    fn act_on_time(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            if self.kill_at.is_some() {
                return Ok(()); // it is being stopped already
            }
            self.past_deadline = true;
            message::warn("The task has reached its deadline and is stopped");
            return self.ask_to_end(SIGTERM);
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            return self.ask_to_end(SIGKILL);
        }
        self.deliver()
    }

    fn deliver(&mut self) -> Result<()> {
        if let Some(signal) = self.owed
            && self.docker.container_kill(self.id, signal)?
        {
            self.owed = None;
        }
        Ok(())
    }
}

/// The exit code of a container that has ended or could not be started; `None`
/// while it runs.
fn code_of(state: &State) -> Option<u8> {
    let code = u8::try_from(state.exit_code).unwrap_or(exit::DOCKER);
    match state.status {
        // It never ran. Docker tells the two causes that are the user's; the
        // rest is its own.
        Status::Created => Some(if matches!(code, 126 | 127) {
            code
        } else {
            exit::DOCKER
        }),
        Status::Exited | Status::Dead | Status::Removing => Some(code),
        Status::Running | Status::Paused | Status::Restarting | Status::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_containers_state_tells_the_exit_code() {
        for (status, exit_code, expected) in [
            (Status::Exited, 0, Some(0)),
            (Status::Exited, 137, Some(137)),
            (Status::Dead, 3, Some(3)),
            (Status::Created, 127, Some(127)),
            (Status::Created, 126, Some(126)),
            (Status::Created, 128, Some(125)),
            (Status::Created, 0, Some(125)),
            (Status::Running, 0, None),
            (Status::Paused, 0, None),
        ] {
            let state = State { status, exit_code };
            assert_eq!(code_of(&state), expected, "{state:?}");
        }
    }

    #[test]
    fn numbers_differ() {
        let numbers: std::collections::HashSet<u32> = (0..100).map(|_| random_number()).collect();
        assert!(numbers.len() > 90);
        assert!(numbers.iter().all(|number| (1..=65_535).contains(number)));
    }
}
