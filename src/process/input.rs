//! Our standard input for a program that cannot have it itself.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read};

/// The reading end of a pipe that a thread fills from our standard input. The
/// thread ends with the input, with the reader or with us.
pub(super) fn through_us() -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    thread::spawn(move || {
        let _ = carry(&writer);
    });
    Ok(reader)
}

/// Hands the input on to its end. When the reader has gone nothing more is read: a
/// line that is typed now is meant for whoever comes next.
fn carry(mut writer: &PipeWriter) -> io::Result<()> {
    let stdin = io::stdin();
    let mut bytes = [0; 8192];
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
            return Ok(());
        }
        match read(&stdin, &mut bytes) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) => return Ok(()),
            length => writer.write_all(&bytes[..length?])?,
        }
    }
}

/// A pipe whose reader has gone is in error (poll(2)).
fn has_gone(writer: &PollFd<'_>) -> bool {
    writer.revents().contains(PollFlags::ERR)
}
