//! Starting the process that performs a task's last steps for the command that has waited for the
//! task's exit (`bin/agent --finalize`). The binaries of the commands do not contain that code.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};

use crate::dokku::host::Host;
use crate::sys::process::{ProcessBuilder, Stdin, Stdout};
use crate::sys::{process, regular_file};
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::Journal;
use crate::task::model::task_exit::TaskExit;

/// The first argument of that process. The container's name follows, the number of the open file
/// with the unflushed lines of the journal (empty without such lines), and the arguments of
/// [`TaskExit::to_args`].
pub(crate) const FINALIZE: &str = "--finalize";

/// Starts the process and waits for it. Returns the exit code of the command; `None` if the process
/// was killed. In that case the supervisor performs the missing steps.
///
/// # Errors
/// The process could not be started, or the supervisor could not be notified.
pub(crate) fn run(
    host: &Host,
    name: &str,
    journal: Journal,
    exit: &TaskExit,
) -> Result<Option<u8>> {
    let program = process::agent_path().context("our own program's path cannot be read")?;
    let (file, unflushed) = journal.into_raw_parts();
    let lines = lines(&unflushed).context("the task's journal cannot be handed on")?;
    let number = lines.as_ref().map(File::as_raw_fd);
    let number = number.map_or_else(String::new, |number| number.to_string());
    let words = [FINALIZE.to_owned(), name.to_owned(), number];
    let call = ProcessBuilder::new(&program, words.into_iter().chain(exit.to_args()));
    let call = host.without_misattributed_env(call);
    // The process inherits the locked journal as its stdin, so the lock is never free in between.
    let call = call.stdin(Stdin::File(file.into())).stdout(Stdout::Capture);
    let child = call.spawn().with_context(|| {
        format!(
            "'{}' could not be started for the task's end",
            program.display()
        )
    })?;
    drop(lines);
    let output = child.into_output().context("the task's end")?;
    if journal::is_unlocked(host, name) {
        supervisor::adopt(host, name)?;
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    Ok(stdout.trim().parse().ok())
}

/// Writes the lines to a file in memory that the next process inherits; `None` without lines. On
/// the command line every user could read them, and its length is limited.
fn lines(unflushed: &[u8]) -> io::Result<Option<File>> {
    if unflushed.is_empty() {
        return Ok(None);
    }
    let mut file = regular_file::in_memory(true)?;
    file.write_all(unflushed)?;
    file.rewind()?;
    Ok(Some(file))
}
