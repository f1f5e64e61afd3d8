//! Merges the logs of several tasks into one stream, ordered by time.

use std::io::{ErrorKind, PipeReader, Result, Write};
use std::time::Duration;

use crate::logs::merged_reader::{MergedReader, Producers};
use crate::logs::parser::LogEntry;

/// How long the other sources wait for a silent one, if they are followed.
pub(crate) const FOLLOW_PATIENCE: Duration = Duration::from_millis(100);

/// How long the other sources wait for a silent one, if all of them end by themselves: a source
/// is silent until docker's client has started, or because the client hangs.
pub(crate) const FINITE_PATIENCE: Duration = Duration::from_secs(5);

/// How often to check, while there is nothing to write, whether the output still has a reader.
const READER_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// One stream of one task.
pub(crate) struct Source {
    pub(crate) reader: PipeReader,
    pub(crate) to_stderr: bool,
    /// The prefix of each line, `app[7]:`; `None` for raw lines.
    pub(crate) prefix: Option<Prefix>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) text: String,
    /// The number of an ANSI color.
    pub(crate) color: Option<u8>,
}

/// Copies the sources to the outputs until all have ended or an output has no reader any more.
/// Returns the time of each source's last line, or `None` if a reader is gone. No source
/// delays the others for longer than `patience`. `reader_closed` reports, while there is nothing to
/// write, whether the reader is gone. Sources are read only when needed: a slow reader costs no
/// memory.
///
/// # Errors
/// An output cannot be written, or a source cannot be read.
pub(crate) fn merge(
    sources: Vec<Source>,
    patience: Duration,
    stdout: &mut impl Write,
    stderr: &mut impl Write,
    reader_closed: impl Fn() -> bool,
) -> Result<Option<Vec<Vec<u8>>>> {
    let (mut readers, mut channels) = (Vec::new(), Vec::new());
    for source in sources {
        readers.push(source.reader);
        channels.push(Channel {
            to_stderr: source.to_stderr,
            prefix: source.prefix,
            last_timestamp: Vec::new(),
        });
    }
    let mut streams = MergedReader::new(readers, Producers::Many, patience);
    let mut merge = LogMerger {
        channels,
        open_lines: [None; 2],
    };
    match merge.run(&mut streams, stdout, stderr, reader_closed) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
        result => result?,
    }
    let channels = merge.channels.into_iter();
    Ok(Some(
        channels.map(|channel| channel.last_timestamp).collect(),
    ))
}

struct Channel {
    to_stderr: bool,
    prefix: Option<Prefix>,
    /// The time of the last entry that was written; empty before the first one.
    last_timestamp: Vec<u8>,
}

struct LogMerger {
    channels: Vec<Channel>,
    /// The source whose line on stdout and on stderr has no line end yet.
    open_lines: [Option<usize>; 2],
}

impl LogMerger {
    fn run(
        &mut self,
        streams: &mut MergedReader,
        stdout: &mut impl Write,
        stderr: &mut impl Write,
        reader_closed: impl Fn() -> bool,
    ) -> Result<()> {
        loop {
            let open_line = |merge: &Self| merge.open_lines.into_iter().flatten().next();
            while let Some((number, entry)) = streams.next(open_line(self)) {
                let (to_stderr, text) = self.rendered(number, &entry);
                if to_stderr {
                    stderr.write_all(&text)?;
                } else {
                    stdout.write_all(&text)?;
                }
            }
            // Output may be read while the tasks run.
            stdout.flush()?;
            if streams.have_ended() {
                return Ok(());
            }
            if !streams.read_more(READER_CHECK_INTERVAL)? && reader_closed() {
                return Err(ErrorKind::BrokenPipe.into());
            }
        }
    }

    /// The bytes to print for an entry, and whether they go to stderr. Entries without a time are
    /// docker's own messages and always go to stderr.
    fn rendered(&mut self, number: usize, entry: &LogEntry) -> (bool, Vec<u8>) {
        let channel = &mut self.channels[number];
        let is_docker_message = entry.time.is_empty();
        let to_stderr = channel.to_stderr || is_docker_message;
        let open_line = &mut self.open_lines[usize::from(to_stderr)];
        let mut text = Vec::new();
        if *open_line != Some(number) {
            // The open line of another source continues later, or never ends.
            text.extend(open_line.is_some().then_some(b'\n'));
            let prefix = channel.prefix.as_ref().filter(|_| !is_docker_message);
            text.extend(
                prefix
                    .map(|prefix| prefix.at(&entry.time))
                    .into_iter()
                    .flatten(),
            );
        }
        text.extend(&entry.bytes);
        text.extend(entry.ends_line.then_some(b'\n'));
        *open_line = (!entry.ends_line).then_some(number);
        if !is_docker_message {
            channel.last_timestamp.clone_from(&entry.time);
        }
        (to_stderr, text)
    }
}

impl Prefix {
    /// The prefix of a line with this time.
    pub(crate) fn at(&self, time: &[u8]) -> Vec<u8> {
        let (on, off) = self.color.map_or((String::new(), ""), |color| {
            (format!("\x1b[{color}m"), "\x1b[0m")
        });
        let name = format!(" {}{off} ", self.text);
        [on.as_bytes(), time, name.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests;
