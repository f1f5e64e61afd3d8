//! Inspecting a task's container: whether the task has ended is read from the container's state.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::task::attach::monitor::AttachMonitor;
use crate::task::model::task_exit::TaskExit;
use crate::ui::exit::{ExitStatus, Failure};

/// Interval between two inspections while docker does not answer.
const UNREACHABLE_RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Result of one inspection of the container.
pub(crate) enum Poll {
    Exited(TaskExit),
    Running,
    Unreachable,
}

impl AttachMonitor<'_> {
    /// Inspects the container. A container that was never started is removed, unless docker is
    /// just starting it: then the result is [`Poll::Running`].
    ///
    /// # Errors
    /// Docker has not answered within its timeout, or has not started the task within it.
    pub(crate) fn poll(&mut self) -> Result<Poll> {
        let give_up_at = self.unreachable_until();
        let is_late = self
            .start_deadline
            .take_if(|by| *by <= Instant::now())
            .is_some();
        match self.docker.container_state(&self.container.id) {
            Ok(state) => {
                self.poll_at = None;
                self.unreachable_deadline = None;
                Ok(match state {
                    None => Poll::Exited(TaskExit::Removed(None)),
                    Some(state) if is_late && state.never_started() => {
                        let seconds = self.docker.timeout().as_secs();
                        return Err(Failure::error(
                            ExitStatus::DOCKER_FAILED,
                            format!("docker has not started the task within {seconds} seconds"),
                        ));
                    }
                    Some(state) if state.never_started() => {
                        // The daemon may be about to start the container although its client has
                        // ended. Docker then refuses a removal without `--force`.
                        match self
                            .docker
                            .container_remove_if_stopped(&self.container.id)?
                        {
                            None => Poll::Exited(TaskExit::Inspected(state)),
                            Some(_) => Poll::Running,
                        }
                    }
                    Some(state) if !state.may_run() => Poll::Exited(TaskExit::Inspected(state)),
                    Some(_) => Poll::Running,
                })
            }
            Err(error) if Instant::now() >= give_up_at => {
                Err(error.context("the task is left to the next run:retire"))
            }
            Err(_) => {
                self.poll_at = Instant::now().checked_add(UNREACHABLE_RETRY_INTERVAL);
                Ok(Poll::Unreachable)
            }
        }
    }

    /// The time at which docker counts as unreachable. The first call sets it, one docker timeout
    /// from now; an answer of docker clears it.
    fn unreachable_until(&mut self) -> Instant {
        let now = Instant::now();
        let until = || now.checked_add(self.docker.timeout()).unwrap_or(now);
        *self.unreachable_deadline.get_or_insert_with(until)
    }
}
