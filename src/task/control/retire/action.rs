//! Decides what the sweep does with one container.

use std::time::{Duration, SystemTime};

use crate::docker::container_inspect::ContainerInfo;
use crate::docker::container_state::Status;
use crate::task::model::deadline::Deadline;
use crate::task::model::labels;

/// What the sweep does with a container that no process supervises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Leave,
    /// Perform the missing last steps: the task has ended or was never started.
    Finalize,
    /// Stop the task: its deadline has passed.
    Stop,
    /// Hand the task to the supervisor.
    Adopt,
}

/// Decides what the sweep does with a container. `is_enforced`: a supervisor enforces the deadline.
pub(super) fn action_for(
    status: Status,
    is_ours: bool,
    is_overdue: bool,
    is_enforced: bool,
) -> Action {
    let is_stopped = (status.is_created() || status.has_exited()) && !status.is_being_removed();
    if is_stopped && (is_ours || is_overdue) {
        Action::Finalize
    } else if status.is_active() && is_ours && (!is_overdue || is_enforced) {
        Action::Adopt
    } else if status.is_active() && is_overdue {
        Action::Stop
    } else {
        Action::Leave
    }
}

/// How long ago the deadline was; `None` before the deadline, and without one. The deadline counts
/// from the task's start, or from the container's creation if the task was never started.
///
/// # Errors
/// The label's value, if it is not a valid number of seconds.
pub(super) fn overdue_by(
    info: &ContainerInfo,
    now: SystemTime,
) -> Result<Option<Duration>, String> {
    let label = info.label(labels::TIME_TO_LIVE).unwrap_or_default();
    let created = humantime::parse_rfc3339(&info.created).ok();
    let deadline = Deadline::from_label(label, Some(&info.state.started_at), created)?;
    Ok(deadline.and_then(|deadline| deadline.overdue_by(now)))
}

#[cfg(test)]
mod tests;
