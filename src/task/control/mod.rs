//! Operations on existing tasks, also those of other users: find, stop, sweep.

pub(crate) mod find;
pub(crate) mod retire;
pub(crate) mod stop;
