//! Lines of a journal that could not be written.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::task::journal::text;

/// Lines of a journal that the disk had no space for. They count as long as a process has them
/// in memory.
#[derive(Clone, Default)]
pub(crate) struct UnflushedLines(Arc<Mutex<Vec<u8>>>);

impl UnflushedLines {
    pub(super) fn lines(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn add(&self, line: &impl Serialize) {
        self.extend(text(line).unwrap_or_default().as_bytes());
    }

    pub(super) fn extend(&self, lines: &[u8]) {
        let mut unflushed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        unflushed.extend(lines);
    }
}
