//! The lines of an app's file, each one a task's record.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// Upper limit of all lines in bytes, however many records are to be kept.
pub(crate) const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// The container's id is within the first bytes of a line.
const ID_PREFIX_BYTES: usize = 128;

/// The result of one pass over the file.
pub(crate) struct Lines {
    /// The position of each line.
    pub(crate) starts: Vec<u64>,
    /// The number of bytes up to the end of the last complete line.
    pub(crate) length: u64,
    /// Whether an incomplete line follows.
    pub(crate) has_incomplete_line: bool,
    pub(crate) has_id: bool,
}

impl Lines {
    pub(crate) fn read(file: &File, id: &str) -> io::Result<Self> {
        let mut lines = Self {
            starts: Vec::new(),
            length: 0,
            has_incomplete_line: false,
            has_id: false,
        };
        let id = format!("\"id\":\"{id}\"");
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if line.last() != Some(&b'\n') {
                lines.has_incomplete_line = true;
                break;
            }
            lines.starts.push(lines.length);
            lines.length += line.len() as u64;
            let prefix = &line[..line.len().min(ID_PREFIX_BYTES)];
            lines.has_id =
                lines.has_id || prefix.windows(id.len()).any(|part| part == id.as_bytes());
            line.clear();
        }
        Ok(lines)
    }

    /// The position of the first line to keep; `None` if there are not too many. A tenth more than
    /// the limit is tolerated, so that not every task's end rewrites the file.
    pub(crate) fn first_to_keep(&self, max_records: usize) -> Option<u64> {
        let too_many = self.starts.len() > max_records + max_records / 10;
        if !too_many && self.length <= MAX_FILE_BYTES + MAX_FILE_BYTES / 10 {
            return None;
        }
        let newest = &self.starts[self.starts.len().saturating_sub(max_records)..];
        let fits = |start: &&u64| self.length - **start <= MAX_FILE_BYTES;
        // The newest line is kept in any case.
        newest.iter().find(fits).or(newest.last()).copied()
    }
}
