//! The process beside a command: one binary, started by the others only.

pub(crate) mod finalize;
pub(crate) mod main;
pub(crate) mod restore_terminal;
pub(crate) mod supervise;
