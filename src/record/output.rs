//! Saves the tail of a detached task's output from docker's log, while the container still
//! exists.
//!
//! Each line of the file is an entry of the log: `o` (stdout) or `e` (stderr); a space, or a `+`
//! if the task's line continues in the next entry of the same stream; then the time, a space and
//! the bytes.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::docker::Docker;
use crate::docker::container_logs::{LogClient, LogSelection};
use crate::logs::merged_reader::{MergedReader, Producers};
use crate::logs::parser::LogEntry;
use crate::record::store::Store;

/// The size of an empty entry in the file: stream and continuation, a time with nine digits
/// after the second, and the line end. No entry is smaller.
const MIN_ENTRY_BYTES: u64 = 2 + 31 + 1;

/// How long an incomplete entry of one stream delays the entries of the other.
const PARTIAL_ENTRY_PATIENCE: Duration = Duration::from_millis(200);

/// The first character of an entry of stdout and of stderr.
const MARKS: [u8; 2] = *b"oe";

/// What a record contains about its task's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Output {
    /// The output is saved.
    #[serde(rename = "kept")]
    Saved {
        /// The size of the file.
        bytes: u64,
        /// Whether the file contains everything that the task has written.
        #[serde(rename = "whole")]
        complete: bool,
    },
    /// The output could not be read, with the reason.
    Unreadable(String),
}

/// Saves the last entries of the container's log, at most `max_bytes` bytes of file. Neither memory
/// nor time depends on how much the task has written.
///
/// # Errors
/// The file cannot be written. A log that cannot be read is not an error but
/// [`Output::Unreadable`].
pub(crate) fn save(docker: &Docker, id: &str, store: &Store, max_bytes: u64) -> Result<Output> {
    let count = max_bytes / MIN_ENTRY_BYTES + 1;
    let selection = LogSelection {
        tail: count.to_string(),
        ..LogSelection::default()
    };
    let LogClient {
        client,
        stdout,
        stderr,
    } = match docker.container_logs(id, &selection, true) {
        Ok(logs) => logs,
        Err(error) => return Ok(Output::Unreadable(format!("{error:#}"))),
    };
    let mut file = TailFile::new(store, id, max_bytes);
    let result = copy(stdout, stderr, &mut file, docker.timeout());
    if result.is_err() {
        let _ = client.kill();
    }
    let docker_message = result.context("the task's output cannot be kept")?;
    let succeeded = client.wait().is_ok_and(|client| client.status.success());
    if !succeeded {
        let docker_message = docker_message.trim_start_matches("Error response from daemon: ");
        return Ok(Output::Unreadable(docker_message.to_owned()));
    }
    let complete = file.entries < count && file.previous.is_none();
    let bytes = file.finish().context("the task's output cannot be kept")?;
    Ok(Output::Saved { bytes, complete })
}

/// Copies both streams in the order in which the task wrote. Returns the last line without a
/// time, which is a message of docker itself. Fails if docker is silent for `silence_timeout`.
fn copy(
    stdout: io::PipeReader,
    stderr: Option<io::PipeReader>,
    file: &mut TailFile<'_>,
    silence_timeout: Duration,
) -> Result<String> {
    let readers = [stdout].into_iter().chain(stderr).collect();
    let mut streams = MergedReader::new(readers, Producers::Single, PARTIAL_ENTRY_PATIENCE);
    let mut docker_message = "docker gave no reason".to_owned();
    loop {
        while let Some((number, entry)) = streams.next(None) {
            if entry.time.is_empty() {
                docker_message = String::from_utf8_lossy(&entry.bytes).into_owned();
            } else {
                file.write(MARKS[number], &entry)?;
            }
        }
        if streams.have_ended() {
            return Ok(docker_message);
        }
        if !streams.read_more(silence_timeout)? {
            bail!("docker stopped sending it");
        }
    }
}

/// A file of the last entries, written as two segments so that neither exceeds the limit: when
/// the second is full, the first is dropped.
struct TailFile<'a> {
    store: &'a Store,
    id: &'a str,
    max_bytes: u64,
    entries: u64,
    current: Option<Segment>,
    previous: Option<Segment>,
}

/// One file. It is removed when it is dropped, unless it was finished.
struct Segment {
    path: PathBuf,
    number: u8,
    file: BufWriter<File>,
    length: u64,
    finished: bool,
}

impl Drop for Segment {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl<'a> TailFile<'a> {
    fn new(store: &'a Store, id: &'a str, max_bytes: u64) -> Self {
        Self {
            store,
            id,
            max_bytes,
            entries: 0,
            current: None,
            previous: None,
        }
    }

    fn new_segment(&self, number: u8) -> io::Result<Segment> {
        let (path, file) = self.store.new_output(self.id, number)?;
        Ok(Segment {
            path,
            number,
            file: BufWriter::new(file),
            length: 0,
            finished: false,
        })
    }

    fn write(&mut self, mark: u8, entry: &LogEntry) -> io::Result<()> {
        let length = 2 + entry.time.len() as u64 + 1 + entry.bytes.len() as u64 + 1;
        let mut segment = match self.current.take() {
            None => self.new_segment(0)?,
            Some(full) if full.length + length > self.max_bytes => {
                self.previous = None; // the next segment reuses its file name
                let next = self.new_segment(1 - full.number)?;
                self.previous = Some(full);
                next
            }
            Some(segment) => segment,
        };
        let end = if entry.ends_line { b' ' } else { b'+' };
        for part in [&[mark, end], &entry.time[..], b" ", &entry.bytes, b"\n"] {
            segment.file.write_all(part)?;
        }
        segment.length += length;
        self.entries += 1;
        self.current = Some(segment);
        Ok(())
    }

    /// Joins the segments as the task's output file; returns its size.
    fn finish(mut self) -> io::Result<u64> {
        let mut last = match self.current.take() {
            Some(segment) => segment,
            None => self.new_segment(0)?,
        };
        last.file.flush()?;
        if let Some(mut first) = self.previous.take() {
            first.file.flush()?;
            let mut joined = self.new_segment(2)?;
            let space = self.max_bytes.saturating_sub(last.length);
            let mut from = BufReader::new(first.file.get_mut());
            skip_to_line(&mut from, first.length.saturating_sub(space))?;
            joined.length = io::copy(&mut from, &mut joined.file)? + last.length;
            let rest = last.file.get_mut();
            rest.seek(SeekFrom::Start(0))?;
            io::copy(rest, &mut joined.file)?;
            joined.file.flush()?;
            last = joined;
        }
        fs::rename(&last.path, self.store.output(self.id))?;
        last.finished = true;
        Ok(last.length)
    }
}

/// Seeks to the first line that begins at `from` or after it.
fn skip_to_line(file: &mut BufReader<&mut File>, from: u64) -> io::Result<()> {
    let Some(before) = from.checked_sub(1) else {
        return file.seek(SeekFrom::Start(0)).map(|_| ());
    };
    file.seek(SeekFrom::Start(before))?;
    io::BufRead::skip_until(file, b'\n').map(|_| ())
}

#[cfg(test)]
mod tests;
