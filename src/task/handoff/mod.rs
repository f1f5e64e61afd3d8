//! TODO room task::handoff

pub(crate) mod finalizer;
pub(crate) mod supervisor;
