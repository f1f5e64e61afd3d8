//! Forwards our standard input to a program that cannot inherit it.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};

/// What the program gets at the end of our input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eof {
    /// The end of its own input.
    Close,
    /// The character that a user types for the end of input: Ctrl-D, and one more Ctrl-D before it
    /// if the last line is incomplete. A program may discard input that was typed before it was
    /// ready. Therefore Ctrl-D is typed again as long as the program runs, with a pause that
    /// doubles each time.
    TypeCtrlD,
}

/// Ctrl-D, which a new terminal interprets as the end of input (termios(3), `VEOF`).
const END_OF_INPUT: &[u8] = b"\x04";

/// Returns the reading end of a pipe that a thread fills from our standard input. The thread ends
/// with the input, with the reader, or with our process.
pub(crate) fn relay_stdin(end: Eof) -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    thread::spawn(move || {
        // A read error (a terminal that has hung up) counts as the end of the input.
        let ends_with_newline = forward(&writer).unwrap_or(Some(true));
        if let (Eof::TypeCtrlD, Some(ends_with_newline)) = (end, ends_with_newline) {
            let _ = type_eof(&writer, ends_with_newline);
        }
    });
    Ok(reader)
}

/// Forwards our input until its end. Returns whether the input ends with a complete line, or `None`
/// if the reader has closed the pipe. In that case nothing more is read: what is typed from then on
/// is meant for the next program that reads the terminal.
fn forward(mut writer: &PipeWriter) -> io::Result<Option<bool>> {
    let stdin = io::stdin();
    let mut bytes = [0; 8192];
    let mut ends_with_newline = true;
    loop {
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(&writer, PollFlags::empty()),
        ];
        match poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        if reader_closed(&fds[1]) {
            return Ok(None);
        }
        match read(&stdin, &mut bytes) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) => return Ok(Some(ends_with_newline)),
            length => {
                let bytes = &bytes[..length?];
                ends_with_newline = bytes.ends_with(b"\n");
                writer.write_all(bytes)?;
            }
        }
    }
}

fn type_eof(mut writer: &PipeWriter, ends_with_newline: bool) -> io::Result<()> {
    if !ends_with_newline {
        writer.write_all(END_OF_INPUT)?;
    }
    let mut pause = Duration::from_secs(1);
    loop {
        writer.write_all(END_OF_INPUT)?;
        let mut fds = [PollFd::new(&writer, PollFlags::empty())];
        let time = Timespec::try_from(pause).ok();
        if poll(&mut fds, time.as_ref()) != Err(Errno::INTR) && reader_closed(&fds[0]) {
            return Ok(());
        }
        pause = pause.saturating_mul(2);
    }
}

/// poll(2) reports an error for a pipe whose reader has closed it.
fn reader_closed(writer: &PollFd<'_>) -> bool {
    writer.revents().contains(PollFlags::ERR)
}
