//! Standard output, where a command of ours has something to print there.

use std::io::{ErrorKind, Write};

use anyhow::Result;

/// Prints to stdout. A reader that has gone is not an error.
///
/// # Errors
/// Stdout cannot be written.
pub(crate) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
