//! TODO room logs

pub(crate) mod merge;
pub(crate) mod merged_reader;
pub(crate) mod parser;
