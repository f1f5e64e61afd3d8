//! The one-off task: one command in one container that is created for it.

pub(crate) mod attach;
pub(crate) mod control;
pub(crate) mod delegate;
pub(crate) mod events;
pub(crate) mod handoff;
pub(crate) mod journal;
pub(crate) mod launch;
pub(crate) mod model;
pub(crate) mod spec;
pub(crate) mod teardown;
