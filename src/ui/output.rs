//! Standard output of commands that print something there themselves.

use std::io::{ErrorKind, Write};

use anyhow::Result;

/// Prints to stdout. It is not an error if the reader has closed stdout.
///
/// # Errors
/// Stdout cannot be written.
pub(crate) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
