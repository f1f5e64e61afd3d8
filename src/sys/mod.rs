//! The operating system: processes, files, times.

pub(crate) mod parallel;
pub(crate) mod process;
pub(crate) mod regular_file;
pub(crate) mod timestamp;
