//! Looking at a task's container: its own state decides.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::task::attach::monitor::Keeper;
use crate::task::model::task_exit::{End, code_of, was_never_tried};
use crate::ui::exit;
use crate::ui::exit::Failure;

/// How long until docker is asked again that gave no answer.
const LATER: Duration = Duration::from_millis(500);

/// What a look at the container tells.
pub(crate) enum Look {
    Ended(End),
    Runs,
    NoAnswer,
}

impl Keeper<'_> {
    /// The container's own state.
    ///
    /// # Errors
    /// Docker has not given an answer for too long.
    pub(crate) fn look(&mut self) -> Result<Look> {
        let give_up_at = self.no_answer_until();
        let is_late = self.start_by.take_if(|by| *by <= Instant::now()).is_some();
        match self.docker.container_state(&self.made.id) {
            Ok(state) => {
                self.look_at = None;
                self.give_up_at = None;
                Ok(match state {
                    None => Look::Ended(End::Gone(None)),
                    Some(state) if is_late && was_never_tried(&state) => {
                        let seconds = self.docker.timeout().as_secs();
                        return Err(Failure::error(
                            exit::DOCKER,
                            format!("docker has not started the task within {seconds} seconds"),
                        ));
                    }
                    Some(state) if was_never_tried(&state) => {
                        // Docker may be about to, whatever has become of its client.
                        match self.docker.container_remove_idle(&self.made.id)? {
                            None => Look::Ended(End::There(state)),
                            Some(_) => Look::Runs,
                        }
                    }
                    Some(state) if code_of(&state).is_some() => Look::Ended(End::There(state)),
                    Some(_) => Look::Runs,
                })
            }
            Err(error) if Instant::now() >= give_up_at => {
                Err(error.context("the task is left to the next run:retire"))
            }
            Err(_) => {
                self.look_at = Instant::now().checked_add(LATER);
                Ok(Look::NoAnswer)
            }
        }
    }

    /// When docker is given up, if it gives no answer from now on.
    fn no_answer_until(&mut self) -> Instant {
        let now = Instant::now();
        let until = || now.checked_add(self.docker.timeout()).unwrap_or(now);
        *self.give_up_at.get_or_insert_with(until)
    }
}
