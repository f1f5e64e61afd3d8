//! The process that takes the last steps for a command that has seen a task's end: what
//! they need is no part of every command's program.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::sys::process::ProcessBuilder;
use crate::sys::{process, regular_file};
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::Journal;
use crate::task::model::task_exit::TaskExit;

/// Its first argument, before a container's name, the open file with what a full disk has
/// left out of the journal, and the words of an end.
pub(crate) const FINALIZE: &str = "--finalize";

/// Has the last steps taken while `meanwhile` is done, and gives the exit code; `None`
/// when the process was killed. What is missing then is left to the supervisor.
///
/// # Errors
/// The process could not be started.
pub(crate) fn spawn(
    host: &Host,
    name: &str,
    journal: Journal,
    end: &TaskExit,
    meanwhile: impl FnOnce(),
) -> Result<Option<u8>> {
    let program = process::agent_path().context("our own program's path cannot be read")?;
    let (file, unwritten) = journal.into_raw_parts();
    let lines = lines(&unwritten).context("the task's journal cannot be handed on")?;
    let number = lines.as_ref().map(File::as_raw_fd);
    let number = number.map_or_else(String::new, |number| number.to_string());
    let words = [FINALIZE.to_owned(), name.to_owned(), number];
    let call = ProcessBuilder::new(&program, words.into_iter().chain(end.to_args()));
    let call = host.without_misattributed_env(call);
    // The journal is its input: so the lock is never free in between.
    let finisher = call.spawn_captured_with_stdin(file).with_context(|| {
        format!(
            "'{}' could not be started for the task's end",
            program.display()
        )
    })?;
    drop(lines);
    meanwhile();
    let output = finisher.into_output().context("the task's end")?;
    if journal::is_unlocked(host, name) {
        supervisor::adopt(host, name)?;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.trim().parse().ok())
}

/// An open file with these lines, which the next process that we start has, too: on its
/// command line everybody could read them, and there is no space for many.
fn lines(unwritten: &[u8]) -> io::Result<Option<File>> {
    if unwritten.is_empty() {
        return Ok(None);
    }
    let mut file = regular_file::in_memory(true)?;
    file.write_all(unwritten)?;
    file.rewind()?;
    Ok(Some(file))
}
