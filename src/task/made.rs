//! A container that was made for a task: its first steps and its last ones.
//!
//! create → hook `post-container-create` → … → hook `scheduler-post-run` → remove.
//!
//! The container is never given `--rm`: only one that is still there can say how
//! a failed start or a lost client came about. Whatever fails on the way, it is
//! removed.

use std::time::SystemTime;

use anyhow::{Result, bail};

use super::container::Task;
use super::lease::Lease;
use crate::docker::Docker;
use crate::docker::container_create::Creation;
use crate::docker::container_inspect::{State, Status};
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::dokku::scheduler::DOCKER_LOCAL;
use crate::exit;

/// A container of ours, and the lease that says so. It is removed when this goes
/// out of scope.
pub(crate) struct Made<'a> {
    docker: &'a Docker,
    pub(crate) id: String,
    pub(crate) name: String,
    removed_with_us: bool,
    lease: Lease,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if self.removed_with_us {
            remove(self.docker, &self.id);
        }
    }
}

impl<'a> Made<'a> {
    /// Creates the task's container and tells the plugins of it.
    ///
    /// # Errors
    /// Docker refuses it, or a hook: nothing is left then.
    pub(crate) fn create(host: &Host, docker: &'a Docker, task: &mut Task) -> Result<Self> {
        let mut made = Self::numbered(host, docker, task)?;
        if let Some(shell) = task.guessed_shell()
            && !docker.container_has_file(&made.id, shell)?
        {
            let other = task.fall_back();
            if !host.quiet {
                message::info(&format!("The image has no {shell}, running {other}"));
            }
            made = Self::numbered(host, docker, task)?;
        }
        host.tell(
            "post-container-create",
            &["app", &made.id, &task.app, "run"],
        )?;
        Ok(made)
    }

    /// Takes a number that is free. Docker decides which is: it is asked again
    /// until it takes one.
    fn numbered(host: &Host, docker: &'a Docker, task: &Task) -> Result<Self> {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let container = task.container(random_number())?;
            let Some(lease) = Lease::of_task(host, &container.name)? else {
                continue;
            };
            if let Creation::Created(id) = docker.container_create(&container)? {
                return Ok(Self {
                    docker,
                    id,
                    name: container.name,
                    removed_with_us: true,
                    lease,
                });
            }
        }
        bail!(
            "no free name for a container of '{}' was found in {TRIES} tries",
            task.app
        )
    }

    /// It is about to be started.
    pub(crate) fn starts(&self) {
        self.lease
            .note_start(&humantime::format_rfc3339_millis(SystemTime::now()).to_string());
    }

    /// The last steps after the task's end.
    pub(crate) fn finish(mut self, host: &Host, app: &str, code: u8) {
        self.removed_with_us = false;
        finish(host, self.docker, app, &self.id, code);
    }

    /// Leaves the container as it is, to whoever takes the lease next. Gives its
    /// name.
    pub(crate) fn leave(mut self) -> String {
        self.removed_with_us = false;
        std::mem::take(&mut self.name)
    }
}

/// The last steps after a task's end: what the hook makes of it changes nothing.
pub(crate) fn finish(host: &Host, docker: &Docker, app: &str, id: &str, code: u8) {
    if let Err(error) = host.tell(
        "scheduler-post-run",
        &[DOCKER_LOCAL, app, id, &code.to_string()],
    ) {
        message::warn(&format!("{error:#}"));
    }
    remove(docker, id);
}

/// Removes a container, or says why not: `run:retire` comes back to it.
pub(crate) fn remove(docker: &Docker, id: &str) {
    if let Err(error) = docker.container_remove(id) {
        message::warn(&format!("{error:#}"));
    }
}

/// The exit code of a container that has ended or could not be started; `None`
/// while it runs.
pub(crate) fn code_of(state: &State) -> Option<u8> {
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

/// 1 to 65,535. Core's are below 32,768; what reads them takes any number.
fn random_number() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    u32::from(u16::try_from(random % 65_535).unwrap_or(0)) + 1
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
            let state = State {
                status,
                exit_code,
                started_at: String::new(),
            };
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
