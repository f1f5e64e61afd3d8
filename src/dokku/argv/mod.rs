//! The words that the user typed, and which of Dokku's global flags were meant for Dokku.

pub(crate) mod ancestors;
pub(crate) mod global_flags;
pub(crate) mod ssh;
pub(crate) mod xargs_split;
