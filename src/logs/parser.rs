//! Parses a stream of docker's logs into entries: a time, and the bytes up to the line end. A line
//! of more than [`MAX_ENTRY_BYTES`] bytes consists of several entries.

/// Docker splits a task's line after this many bytes; each part has a time.
pub(crate) const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// Upper limit of a time and the space after it.
const MAX_TIMESTAMP_BYTES: usize = 64;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct LogEntry {
    /// Empty for a message of docker itself.
    pub(crate) time: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    /// Whether the line ends after this entry; the line end is not in `bytes`.
    pub(crate) ends_line: bool,
}

/// The part of a stream that has been read but not returned yet: never more than one entry and
/// the bytes of one `feed`.
#[derive(Default)]
pub(crate) struct LogParser {
    bytes: Vec<u8>,
    /// The number of bytes that have been returned.
    consumed: usize,
    pub(crate) ended: bool,
    /// The time of the line that has not ended yet.
    continuation_time: Option<Vec<u8>>,
}

impl LogParser {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.consumed));
        self.bytes.extend(bytes);
    }

    /// Whether there are no bytes left, not even a part of an entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.consumed == self.bytes.len()
    }
}

impl Iterator for LogParser {
    type Item = LogEntry;

    /// `None` until more is fed, or at the end.
    fn next(&mut self) -> Option<LogEntry> {
        let rest = &self.bytes[self.consumed..];
        let prefix = &rest[..rest.len().min(MAX_TIMESTAMP_BYTES)];
        let is_incomplete = prefix.len() < MAX_TIMESTAMP_BYTES && !prefix.contains(&b'\n');
        if rest.is_empty() || (is_incomplete && !self.ended) {
            return None;
        }
        let (time, text) = match (split_time(prefix), &self.continuation_time) {
            (Some((time, _)), _) => (time.to_vec(), &rest[time.len() + 1..]),
            (None, Some(time)) => (time.clone(), rest),
            (None, None) => (Vec::new(), rest),
        };
        let limited = &text[..text.len().min(MAX_ENTRY_BYTES + 1)];
        let (length, ends_line) = match limited.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end, true),
            None if text.len() >= MAX_ENTRY_BYTES => (MAX_ENTRY_BYTES, false),
            None if self.ended => (text.len(), false),
            None => return None,
        };
        let entry = LogEntry {
            bytes: text[..length].to_vec(),
            ends_line,
            time,
        };
        self.consumed = self.bytes.len() - text.len() + length + usize::from(ends_line);
        self.continuation_time = (!ends_line).then(|| entry.time.clone());
        Some(entry)
    }
}

/// Splits `2026-11-23T14:36:15.292936097Z ` from the rest of the line; `None` for a message of
/// docker itself.
pub(crate) fn split_time(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let (time, rest) = line.split_at(end);
    let is_timestamp = time.len() >= 20
        && time.ends_with(b"Z")
        && time[10] == b'T'
        && time[..4].iter().all(u8::is_ascii_digit);
    is_timestamp.then_some((time, &rest[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME_OF_ONE: &str = "2026-11-23T14:36:15.292936097Z";
    const TIME_OF_TWO: &str = "2026-11-23T14:36:16.292936097Z";

    /// The entries of a text that is fed in pieces of this size.
    fn entries(text: &str, piece: usize) -> Vec<(String, usize, bool)> {
        let mut entries = LogParser::default();
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            entries.feed(piece);
            found.extend(entries.by_ref());
        }
        entries.ended = true;
        found.extend(entries.by_ref());
        let shown = |entry: LogEntry| {
            let time = String::from_utf8(entry.time).unwrap();
            (time, entry.bytes.len(), entry.ends_line)
        };
        found.into_iter().map(shown).collect()
    }

    fn expect(text: &str, expected: &[(&str, usize, bool)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(time, length, ends)| ((*time).to_owned(), *length, *ends))
            .collect();
        for piece in [1, 7, 64, 16 * 1024 + 3, text.len().max(1)] {
            assert_eq!(entries(text, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn the_log_parser_reads_lines_with_their_timestamps() {
        let text = format!("{TIME_OF_ONE} four\n{TIME_OF_TWO} \n{TIME_OF_TWO} no end");
        expect(
            &text,
            &[
                (TIME_OF_ONE, 4, true),
                (TIME_OF_TWO, 0, true),
                (TIME_OF_TWO, 6, false),
            ],
        );
    }

    #[test]
    fn the_log_parser_reads_a_long_line_as_several_entries() {
        let long = "x".repeat(MAX_ENTRY_BYTES);
        let expected = [
            (TIME_OF_ONE, MAX_ENTRY_BYTES, false),
            (TIME_OF_ONE, 3, true),
            (TIME_OF_TWO, 1, true),
        ];
        let after = format!("{TIME_OF_TWO} y\n");
        expect(
            &format!("{TIME_OF_ONE} {long}{TIME_OF_ONE} end\n{after}"),
            &expected,
        );
        expect(&format!("{TIME_OF_ONE} {long}end\n{after}"), &expected);
    }

    #[test]
    fn the_log_parser_reads_a_message_of_docker_without_a_timestamp() {
        let text =
            "Error response from daemon: configured logging driver does not support reading\n";
        expect(text, &[("", text.len() - 1, true)]);
        expect("", &[]);
    }
}
