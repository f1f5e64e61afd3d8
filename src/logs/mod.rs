//! docker's logs: their entries, several of them as one stream.

pub(crate) mod merge;
pub(crate) mod merged_reader;
pub(crate) mod parser;
