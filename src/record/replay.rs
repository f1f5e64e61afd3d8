//! Reads a saved output, entry by entry.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::time::SystemTime;

use crate::docker::container_create;
use crate::logs::parser::{MAX_ENTRY_BYTES, split_time};
use crate::record::Store;
use crate::sys::regular_file;

/// Upper limit of a saved output: [`crate::settings::validate::bytes`] accepts up to 1 GiB.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Upper limit of a line: an entry, its mark, its time and the spaces between them.
const MAX_LINE_BYTES: u64 = (MAX_ENTRY_BYTES + 128) as u64;

/// An entry of a saved output, and the stream that the task wrote it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SavedEntry {
    pub(crate) to_stderr: bool,
    /// In docker's format.
    pub(crate) time: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    /// Whether a line end follows the bytes.
    pub(crate) ends_line: bool,
}

/// The entries to read, as in [`crate::docker::container_logs::LogSelection`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// This many entries from the end; `None` for all.
    pub(crate) tail: Option<usize>,
    pub(crate) since: Option<SystemTime>,
    /// Only entries that are later than this time, in docker's format.
    pub(crate) after: Option<Vec<u8>>,
}

/// Passes the selected entries of a task's output to `show`. `None` if the output does not exist
/// any more.
///
/// # Errors
/// The file cannot be read, or `show` fails.
pub(crate) fn replay(
    store: &Store,
    id: &str,
    selection: &Selection,
    mut show: impl FnMut(&SavedEntry) -> io::Result<()>,
) -> io::Result<Option<()>> {
    if !container_create::is_id(id) {
        return Ok(None);
    }
    let opened =
        regular_file::open_within(OpenOptions::new().read(true), &store.output(id), MAX_BYTES);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut skipped = 0;
    if let Some(tail) = selection.tail {
        // The file is read twice instead of kept in memory: `tail` may be a large number.
        let mut count = 0;
        each(file.try_clone()?, |line| {
            count += usize::from(selection.matches(line));
            Ok(())
        })?;
        skipped = count.saturating_sub(tail);
    }
    let mut file = file;
    io::Seek::rewind(&mut file)?;
    each(file, |line| {
        if !selection.matches(line) {
            return Ok(());
        }
        if skipped > 0 {
            skipped -= 1;
            return Ok(());
        }
        show(line)
    })?;
    Ok(Some(()))
}

impl Selection {
    fn matches(&self, line: &SavedEntry) -> bool {
        let since = |since: SystemTime| {
            let time = std::str::from_utf8(&line.time).unwrap_or_default();
            humantime::parse_rfc3339(time).is_ok_and(|time| time >= since)
        };
        self.since.is_none_or(since) && self.after.as_ref().is_none_or(|after| line.time > *after)
    }
}

/// Calls `handle` per line. Lines of another format are skipped.
fn each(file: File, mut handle: impl FnMut(&SavedEntry) -> io::Result<()>) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    while reader
        .by_ref()
        .take(MAX_LINE_BYTES)
        .read_until(b'\n', &mut text)?
        > 0
    {
        if text.len() as u64 == MAX_LINE_BYTES && !text.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            text.clear();
        }
        if let Some(line) = parse(text.strip_suffix(b"\n").unwrap_or(&text)) {
            handle(&line)?;
        }
        text.clear();
    }
    Ok(())
}

fn parse(text: &[u8]) -> Option<SavedEntry> {
    let (mark, rest) = text.split_at_checked(2)?;
    let (time, bytes) = split_time(rest)?;
    Some(SavedEntry {
        to_stderr: match mark[0] {
            b'o' => false,
            b'e' => true,
            _ => return None,
        },
        ends_line: match mark[1] {
            b' ' => true,
            b'+' => false,
            _ => return None,
        },
        time: time.to_vec(),
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    const TEXT: &str = "o 2026-11-23T14:36:01.000000001Z one\n\
        e 2026-11-23T14:36:02.000000001Z two\n\
        damaged\n\
        x 2026-11-23T14:36:02.000000001Z of a later version\n\
        o+2026-11-23T14:36:03.000000001Z three\n\
        o 2026-11-23T14:36:04.000000001Z \n";

    fn replayed(selection: &Selection) -> Vec<(bool, String, bool)> {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_dir(directory.path());
        let (path, _) = store.new_output(ID, 0).unwrap();
        std::fs::write(&path, TEXT).unwrap();
        std::fs::rename(path, store.output(ID)).unwrap();
        let mut lines = Vec::new();
        let result = replay(&store, ID, selection, |line| {
            let text = String::from_utf8(line.bytes.clone()).unwrap();
            lines.push((line.to_stderr, text, line.ends_line));
            Ok(())
        });
        assert_eq!(result.unwrap(), Some(()));
        lines
    }

    fn words(lines: &[(bool, String, bool)]) -> Vec<&str> {
        lines.iter().map(|(_, text, _)| text.as_str()).collect()
    }

    #[test]
    fn replay_restores_streams_and_line_ends() {
        let expected = [
            (false, "one".to_owned(), true),
            (true, "two".to_owned(), true),
            (false, "three".to_owned(), false),
            (false, String::new(), true),
        ];
        assert_eq!(replayed(&Selection::default()), expected);
    }

    #[test]
    fn replay_selects_lines_by_tail_since_and_after() {
        let tail = |tail| Selection {
            tail: Some(tail),
            ..Selection::default()
        };
        assert_eq!(words(&replayed(&tail(2))), ["three", ""]);
        assert_eq!(words(&replayed(&tail(0))), [""; 0]);
        assert_eq!(replayed(&tail(99)).len(), 4);
        let since = Selection {
            since: humantime::parse_rfc3339("2026-11-23T14:36:03Z").ok(),
            ..tail(1)
        };
        assert_eq!(words(&replayed(&since)), [""]);
        let after = Selection {
            after: Some(b"2026-11-23T14:36:03.000000001Z".to_vec()),
            ..Selection::default()
        };
        assert_eq!(words(&replayed(&after)), [""]);
    }

    #[test]
    fn replay_skips_overlong_lines() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_dir(directory.path());
        let (path, mut file) = store.new_output(ID, 0).unwrap();
        let time = "2026-11-23T14:36:01.000000001Z";
        let line = |length| format!("o {time} {}\n", "x".repeat(length));
        let text = [
            MAX_ENTRY_BYTES,
            MAX_ENTRY_BYTES + 200,
            2 * MAX_ENTRY_BYTES,
            1,
        ]
        .map(line)
        .concat();
        io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        std::fs::rename(path, store.output(ID)).unwrap();
        let mut lengths = Vec::new();
        let result = replay(&store, ID, &Selection::default(), |line| {
            lengths.push(line.bytes.len());
            Ok(())
        });
        assert_eq!(
            (result.unwrap(), lengths),
            (Some(()), vec![MAX_ENTRY_BYTES, 1])
        );
    }

    #[test]
    fn replay_returns_none_without_a_saved_output() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_dir(directory.path());
        let nothing = replay(&store, ID, &Selection::default(), |_| Ok(()));
        assert_eq!(nothing.unwrap(), None);
    }

    #[test]
    fn an_invalid_id_makes_no_path() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_dir(directory.path());
        store.new_output(ID, 0).unwrap();
        std::fs::write(directory.path().join("outside"), TEXT).unwrap();
        let shown = replay(&store, "../outside", &Selection::default(), |_| Ok(()));
        assert_eq!(shown.unwrap(), None);
    }
}
