//! Handing a task to the agent: to the supervisor, or to `bin/agent --finalize` for its last steps.

pub(crate) mod finalizer;
pub(crate) mod supervisor;
