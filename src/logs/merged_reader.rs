//! Reads several streams of docker's logs, entry by entry, ordered by time.

use std::io::{self, PipeReader, Read};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::logs::parser::{LogEntry, LogParser};

/// The processes that write the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Producers {
    /// One docker client for all streams, which writes one entry after the other.
    Single,
    /// One docker client per stream, each as fast as it can.
    Many,
}

/// Reads of each stream no more than its next entry needs; everything after it remains in the pipe.
pub(crate) struct MergedReader {
    streams: Vec<LogStream>,
    producers: Producers,
    /// How long a stream without an entry delays the others.
    patience: Duration,
}

struct LogStream {
    reader: PipeReader,
    entries: LogParser,
    /// The first entry that has not been returned yet.
    next: Option<LogEntry>,
    /// The stream was silent for so long that the others continue without it.
    stalled: bool,
}

impl MergedReader {
    pub(crate) fn new(readers: Vec<PipeReader>, producers: Producers, patience: Duration) -> Self {
        let stream = |reader| LogStream {
            reader,
            entries: LogParser::default(),
            next: None,
            stalled: false,
        };
        Self {
            streams: readers.into_iter().map(stream).collect(),
            producers,
            patience,
        }
    }

    pub(crate) fn have_ended(&self) -> bool {
        self.streams.iter().all(LogStream::has_ended)
    }

    /// The earliest entry, and the number of its stream. `None` at the end, and if more has to be
    /// read to determine it. While the stream `open_line` is in the middle of a line, that stream
    /// comes first.
    pub(crate) fn next(&mut self, open_line: Option<usize>) -> Option<(usize, LogEntry)> {
        self.streams.iter_mut().for_each(LogStream::advance);
        if let Some(number) = open_line {
            let stream = &mut self.streams[number];
            if let Some(entry) = stream.next.take() {
                return Some((number, entry));
            }
            if !stream.has_ended() && !stream.stalled {
                return None;
            }
        }
        // Docker's times have equal lengths and are in UTC: they can be compared as text.
        let waiting = self.streams.iter().enumerate();
        let (_, first) = waiting
            .filter_map(|(number, stream)| Some((&stream.next.as_ref()?.time, number)))
            .min()?;
        let is_known = |stream: &LogStream| {
            stream.next.is_some() || stream.has_nothing_earlier(self.producers == Producers::Single)
        };
        if !self.streams.iter().all(is_known) {
            return None;
        }
        Some((first, self.streams[first].next.take()?))
    }

    /// Waits for streams without an entry, and reads them. Returns `false` if all of them were
    /// silent for the time `timeout`.
    ///
    /// # Errors
    /// A stream cannot be read.
    pub(crate) fn read_more(&mut self, timeout: Duration) -> io::Result<bool> {
        let has_entry = self.streams.iter().any(|stream| stream.next.is_some());
        let is_short = has_entry || self.streams.iter().any(|stream| stream.stalled);
        let time = if is_short { self.patience } else { timeout };
        let pending: Vec<usize> = (0..self.streams.len())
            .filter(|number| self.streams[*number].needs_input())
            .collect();
        let mut fds: Vec<PollFd<'_>> = pending
            .iter()
            .map(|number| PollFd::new(&self.streams[*number].reader, PollFlags::IN))
            .collect();
        let ready = match poll(&mut fds, Timespec::try_from(time).ok().as_ref()) {
            Err(Errno::INTR) => return Ok(true),
            ready => ready?,
        };
        let readable: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (number, readable) in pending.into_iter().zip(readable) {
            let stream = &mut self.streams[number];
            if readable {
                stream.read()?;
            } else if ready == 0 {
                // If all streams are silent, the next entry waits for the others again.
                stream.stalled = has_entry;
            }
        }
        Ok(ready > 0 || is_short)
    }
}

impl LogStream {
    fn advance(&mut self) {
        if self.next.is_none() {
            self.next = self.entries.next();
        }
    }

    fn has_ended(&self) -> bool {
        self.next.is_none() && self.entries.ended && self.entries.is_empty()
    }

    fn needs_input(&self) -> bool {
        self.next.is_none() && !self.entries.ended
    }

    /// Whether all future entries of this stream are later than the current ones of the others.
    /// With a single writer that is so for an entry that is not even in the pipe yet.
    fn has_nothing_earlier(&self, single_producer: bool) -> bool {
        let is_empty = || self.entries.is_empty() && !is_ready(&self.reader);
        self.has_ended() || self.stalled || (single_producer && is_empty())
    }

    fn read(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        match self.reader.read(&mut bytes) {
            Ok(0) => self.entries.ended = true,
            Ok(length) => self.entries.feed(&bytes[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        self.stalled = false;
        Ok(())
    }
}

fn is_ready(reader: &PipeReader) -> bool {
    let mut fds = [PollFd::new(reader, PollFlags::IN)];
    // On an error the stream counts as ready: reading it reports the error.
    poll(&mut fds, Some(&Timespec::default())) != Ok(0)
}
