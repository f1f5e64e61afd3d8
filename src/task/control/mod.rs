//! What a command does to tasks of others: finding, stopping, sweeping.

pub(crate) mod find;
pub(crate) mod retire;
pub(crate) mod stop;
