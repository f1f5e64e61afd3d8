//! The last steps of a task after its exit; any process can continue them.

pub(crate) mod finalize;
pub(crate) mod recover;
