//! The agent: processes next to a command. One binary, `bin/agent`, which only the other
//! binaries start.

pub(crate) mod finalize;
pub(crate) mod main;
pub(crate) mod restore_terminal;
pub(crate) mod supervise;
