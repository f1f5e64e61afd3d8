//! Handing a task to the agent: to the supervisor, or for its last steps.

pub(crate) mod finalizer;
pub(crate) mod supervisor;
