//! Which words the user typed, and which of Dokku's global flags are meant.

pub(crate) mod ancestors;
pub(crate) mod global_flags;
pub(crate) mod ssh;
pub(crate) mod xargs_split;
