//! Reads the lines of a file backwards from its end, only as far as needed.

use std::fs::File;
use std::os::unix::fs::FileExt;

const CHUNK_BYTES: usize = 64 * 1024;

/// Upper limit of a line's bytes. We write no longer lines, and reading them would cost memory.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line of more than `MAX_LINE_BYTES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The lines without their line ends, the last one first. Text after the last line end is
/// skipped: it is being written, or its writer was killed.
pub(crate) struct ReverseLines {
    file: File,
    /// The position in the file at which `bytes` begin.
    position: u64,
    /// Bytes that have been read but not returned yet.
    bytes: Vec<u8>,
    /// The end of the line in `bytes` was dropped because the line is too long.
    too_long: bool,
    /// No line has been returned yet.
    at_end: bool,
    /// The read error that ended the iteration early.
    pub(crate) failure: Option<std::io::Error>,
}

impl ReverseLines {
    pub(crate) fn new(file: File) -> std::io::Result<Self> {
        let position = file.metadata()?.len();
        Ok(Self {
            file,
            position,
            bytes: Vec::new(),
            too_long: false,
            at_end: true,
            failure: None,
        })
    }

    /// Reads the chunk before `position`; returns whether there was one.
    fn read(&mut self) -> bool {
        let length =
            usize::try_from(self.position).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        let mut chunk = vec![0; length];
        let from = self.position - length as u64;
        if length == 0 {
            return false;
        }
        if let Err(error) = self.file.read_exact_at(&mut chunk, from) {
            self.failure = Some(error);
            self.position = 0;
            self.bytes.clear();
            return false;
        }
        if self.bytes.len() > MAX_LINE_BYTES {
            self.bytes.clear();
            self.too_long = true;
        }
        chunk.append(&mut self.bytes);
        self.bytes = chunk;
        self.position = from;
        true
    }
}

impl Iterator for ReverseLines {
    type Item = Result<Vec<u8>, TooLong>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => {
                    let line = self.bytes.split_off(end + 1);
                    self.bytes.pop();
                    line
                }
                None if self.read() => continue,
                // The first line of the file has been returned.
                None if self.bytes.is_empty() && !self.too_long => return None,
                None => std::mem::take(&mut self.bytes),
            };
            let too_long = std::mem::take(&mut self.too_long) || line.len() > MAX_LINE_BYTES;
            if std::mem::take(&mut self.at_end) {
                continue;
            }
            return Some(if too_long { Err(TooLong) } else { Ok(line) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<Result<Vec<u8>, TooLong>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, text).unwrap();
        ReverseLines::new(File::open(path).unwrap())
            .unwrap()
            .collect()
    }

    fn expected(lines: &[&str]) -> Vec<Result<Vec<u8>, TooLong>> {
        lines
            .iter()
            .map(|line| Ok(line.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn reverse_lines_yield_the_last_line_first() {
        assert_eq!(
            lines(b"one\ntwo\n\nfour\n"),
            expected(&["four", "", "two", "one"])
        );
        assert_eq!(lines(b"one\n"), expected(&["one"]));
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn reverse_lines_skip_an_unterminated_last_line() {
        assert_eq!(lines(b"one\ntorn"), expected(&["one"]));
        assert_eq!(lines(b"torn"), []);
    }

    #[test]
    fn reverse_lines_join_lines_across_chunks() {
        let long: Vec<String> = (0..40)
            .map(|number| number.to_string().repeat(10_000))
            .collect();
        let text = long.join("\n") + "\n";
        let wanted: Vec<&str> = long.iter().rev().map(String::as_str).collect();
        assert_eq!(lines(text.as_bytes()), expected(&wanted));
    }

    #[test]
    fn reverse_lines_report_a_line_that_is_too_long_and_continue() {
        let text = format!("one\n{}\nthree\n", "x".repeat(3 * MAX_LINE_BYTES));
        let [three, too_long, one] = &lines(text.as_bytes())[..] else {
            unreachable!("three lines");
        };
        assert_eq!(
            (three, too_long, one),
            (&Ok(b"three".to_vec()), &Err(TooLong), &Ok(b"one".to_vec()))
        );
    }
}
