//! The one-off task: one command in one container made for it.

pub(crate) mod answers;
pub(crate) mod attached;
pub(crate) mod container;
pub(crate) mod environment;
pub(crate) mod request;
pub(crate) mod signals;
