//! TODO room dokku::argv

pub(crate) mod ancestors;
pub(crate) mod global_flags;
pub(crate) mod ssh;
pub(crate) mod xargs_split;
