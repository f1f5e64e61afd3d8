//! TODO room agent

pub(crate) mod main;
pub(crate) mod supervise;
