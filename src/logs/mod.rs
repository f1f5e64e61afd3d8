//! docker's logs: parsing entries, and merging several logs into one stream.

pub(crate) mod merge;
pub(crate) mod merged_reader;
pub(crate) mod parser;
