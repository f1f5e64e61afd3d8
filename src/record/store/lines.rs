//! The lines of an app's file, each about a task.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// They take so many bytes at most, however many records are to be kept.
pub(crate) const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// A container's id stands within so many bytes of a line.
const ID_PREFIX_BYTES: usize = 128;

/// What one pass over the file tells.
pub(crate) struct Lines {
    /// Where each line begins.
    pub(crate) starts: Vec<u64>,
    /// Bytes up to the end of the last whole line.
    pub(crate) length: u64,
    /// Something follows that.
    pub(crate) torn: bool,
    pub(crate) has_id: bool,
}

impl Lines {
    pub(crate) fn read(file: &File, id: &str) -> io::Result<Self> {
        let mut lines = Self {
            starts: Vec::new(),
            length: 0,
            torn: false,
            has_id: false,
        };
        let id = format!("\"id\":\"{id}\"");
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if line.last() != Some(&b'\n') {
                lines.torn = true;
                break;
            }
            lines.starts.push(lines.length);
            lines.length += line.len() as u64;
            let head = &line[..line.len().min(ID_PREFIX_BYTES)];
            lines.has_id = lines.has_id || head.windows(id.len()).any(|part| part == id.as_bytes());
            line.clear();
        }
        Ok(lines)
    }

    /// Where the lines begin that stay; `None` while there are not too many. A tenth
    /// more may be there, so that not every end of a task writes the file anew.
    pub(crate) fn first_to_keep(&self, most: usize) -> Option<u64> {
        let too_many = self.starts.len() > most + most / 10;
        if !too_many && self.length <= MAX_FILE_BYTES + MAX_FILE_BYTES / 10 {
            return None;
        }
        let kept = &self.starts[self.starts.len().saturating_sub(most)..];
        let fits = |start: &&u64| self.length - **start <= MAX_FILE_BYTES;
        // The newest stays in any case.
        kept.iter().find(fits).or(kept.last()).copied()
    }
}
