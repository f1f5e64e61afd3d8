//! Our standard input for a program that cannot have it itself.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};

/// What the program gets where our input ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eof {
    /// The end of its own input.
    Close,
    /// What a user types there: Ctrl-D, at first after a line that is not whole.
    /// A program may throw away what was typed before it was ready, so it is typed
    /// again for as long as the program is there, more and more seldom.
    TypeCtrlD,
}

/// Ctrl-D, the character that a new terminal takes for the end (termios(3), `VEOF`).
const END_OF_INPUT: &[u8] = b"\x04";

/// The reading end of a pipe that a thread fills from our standard input. The
/// thread ends with the input, with the reader or with us.
pub(crate) fn through_us(end: Eof) -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    thread::spawn(move || {
        // An input that fails (a terminal that has hung up) is one that has ended.
        let whole = carry(&writer).unwrap_or(Some(true));
        if let (Eof::TypeCtrlD, Some(whole)) = (end, whole) {
            let _ = type_end(&writer, whole);
        }
    });
    Ok(reader)
}

/// Hands the input on to its end. Gives whether that ends a line; `None` when the
/// reader has gone: then nothing more is read, since a line that is typed now is
/// meant for whoever comes next.
fn carry(mut writer: &PipeWriter) -> io::Result<Option<bool>> {
    let stdin = io::stdin();
    let mut bytes = [0; 8192];
    let mut whole = true;
    loop {
        let mut watched = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(&writer, PollFlags::empty()),
        ];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        if has_gone(&watched[1]) {
            return Ok(None);
        }
        match read(&stdin, &mut bytes) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) => return Ok(Some(whole)),
            length => {
                let bytes = &bytes[..length?];
                whole = bytes.ends_with(b"\n");
                writer.write_all(bytes)?;
            }
        }
    }
}

fn type_end(mut writer: &PipeWriter, whole: bool) -> io::Result<()> {
    if !whole {
        writer.write_all(END_OF_INPUT)?;
    }
    let mut pause = Duration::from_secs(1);
    loop {
        writer.write_all(END_OF_INPUT)?;
        let mut watched = [PollFd::new(&writer, PollFlags::empty())];
        let time = Timespec::try_from(pause).ok();
        if poll(&mut watched, time.as_ref()) != Err(Errno::INTR) && has_gone(&watched[0]) {
            return Ok(());
        }
        pause = pause.saturating_mul(2);
    }
}

/// A pipe whose reader has gone is in error (poll(2)).
fn has_gone(writer: &PollFd<'_>) -> bool {
    writer.revents().contains(PollFlags::ERR)
}
