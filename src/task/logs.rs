//! The logs of several tasks as one stream, in the order of their times.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a source may be silent until the others go on without it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often it is looked whether somebody still reads what is written, while there is
/// nothing to write.
const ROUND: Duration = Duration::from_secs(1);

/// Docker splits a line of a task's after so many bytes; each part has a time.
pub(crate) const ENTRY: usize = 16 * 1024;

/// One stream of one task.
pub(crate) struct Source {
    pub(crate) reader: PipeReader,
    pub(crate) to_stderr: bool,
    /// What stands before each line: `app[7]:`; nothing for raw lines.
    pub(crate) prefix: Option<Prefix>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) text: String,
    /// An ANSI colour.
    pub(crate) color: Option<u8>,
}

/// What a source's thread tells; `None` at its end.
struct Said {
    source: usize,
    line: Option<Vec<u8>>,
}

/// Copies the sources to these outputs until all have ended, or an output has no
/// reader any more: then it gives nothing, else the time of each source's last line.
/// `has_gone` tells of the reader while there is nothing to write.
pub(crate) fn merge(
    sources: Vec<Source>,
    stdout: &mut impl Write,
    stderr: &mut impl Write,
    has_gone: impl Fn() -> bool,
) -> Vec<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let mut ways = Vec::new();
    for (number, source) in sources.into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || read(number, source.reader, &sender));
        ways.push(Way {
            to_stderr: source.to_stderr,
            prefix: source.prefix,
            lines: VecDeque::new(),
            ended: false,
            last: Vec::new(),
        });
    }
    drop(sender);
    let mut merge = Merge { ways };
    if merge.run(&receiver, stdout, stderr, has_gone).is_err() {
        return Vec::new();
    }
    merge.ways.into_iter().map(|way| way.last).collect()
}

fn read(source: usize, reader: PipeReader, sender: &Sender<Said>) {
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let more = matches!(reader.read_until(b'\n', &mut line), Ok(1..));
        let said = Said {
            source,
            line: more.then_some(line),
        };
        if sender.send(said).is_err() || !more {
            return;
        }
    }
}

struct Way {
    to_stderr: bool,
    prefix: Option<Prefix>,
    lines: VecDeque<Vec<u8>>,
    ended: bool,
    /// The time of the last line that was written; empty before the first.
    last: Vec<u8>,
}

struct Merge {
    ways: Vec<Way>,
}

impl Merge {
    fn run(
        &mut self,
        receiver: &Receiver<Said>,
        stdout: &mut impl Write,
        stderr: &mut impl Write,
        has_gone: impl Fn() -> bool,
    ) -> std::io::Result<()> {
        // Since when a line waits for a silent source.
        let mut held: Option<Instant> = None;
        loop {
            // While every source has a line or has ended, the earliest is known.
            while self
                .ways
                .iter()
                .all(|way| way.ended || !way.lines.is_empty())
            {
                if !self.write_earliest(stdout, stderr)? {
                    return stdout.flush();
                }
            }
            if held.is_some_and(|since| since.elapsed() >= PATIENCE) {
                while self.write_earliest(stdout, stderr)? {}
            }
            held = self
                .ways
                .iter()
                .any(|way| !way.lines.is_empty())
                .then(|| held.unwrap_or_else(Instant::now));
            let said = match receiver.try_recv() {
                Ok(said) => Some(said),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => {
                    // Somebody may be reading along.
                    stdout.flush()?;
                    match held {
                        None => wait(receiver, &has_gone)?,
                        Some(since) => {
                            let left = PATIENCE.saturating_sub(since.elapsed());
                            match receiver.recv_timeout(left) {
                                Ok(said) => Some(said),
                                Err(RecvTimeoutError::Timeout) => continue,
                                Err(RecvTimeoutError::Disconnected) => None,
                            }
                        }
                    }
                }
            };
            match said {
                Some(said) => self.take(said),
                None => self.ways.iter_mut().for_each(|way| way.ended = true),
            }
        }
    }

    fn take(&mut self, said: Said) {
        let way = &mut self.ways[said.source];
        match said.line {
            Some(line) => way.lines.push_back(line),
            None => way.ended = true,
        }
    }

    /// Whether there was one.
    fn write_earliest(
        &mut self,
        stdout: &mut impl Write,
        stderr: &mut impl Write,
    ) -> std::io::Result<bool> {
        // Docker's times are of equal length and in UTC: they sort as text.
        let waiting = self.ways.iter_mut().filter(|way| !way.lines.is_empty());
        let Some(way) = waiting.min_by(|one, other| time_of(one).cmp(time_of(other))) else {
            return Ok(false);
        };
        let Some(line) = way.lines.pop_front() else {
            return Ok(false);
        };
        let text = shown(&line, way.prefix.as_ref());
        // What has no time is docker's own.
        let mut to_stderr = true;
        if let Some((time, _)) = split_time(&line) {
            time.clone_into(&mut way.last);
            to_stderr = way.to_stderr;
        }
        if to_stderr {
            stderr.write_all(&text)?;
        } else {
            stdout.write_all(&text)?;
        }
        Ok(true)
    }
}

/// What a source tells next; `None` when all have ended.
///
/// # Errors
/// Nobody reads any more.
fn wait(receiver: &Receiver<Said>, has_gone: impl Fn() -> bool) -> std::io::Result<Option<Said>> {
    loop {
        match receiver.recv_timeout(ROUND) {
            Ok(said) => return Ok(Some(said)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) if has_gone() => {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn time_of(way: &Way) -> &[u8] {
    way.lines
        .front()
        .and_then(|line| split_time(line))
        .map_or(&[], |(time, _)| time)
}

/// `2026-11-23T14:36:15.292936097Z ` and the rest; `None` for a line of docker's own.
pub(crate) fn split_time(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let (time, rest) = line.split_at(end);
    let looks_right = time.len() >= 20
        && time.ends_with(b"Z")
        && time[10] == b'T'
        && time[..4].iter().all(u8::is_ascii_digit);
    looks_right.then_some((time, &rest[1..]))
}

impl Prefix {
    /// What stands before a line that was written at this time.
    pub(crate) fn at(&self, time: &[u8]) -> Vec<u8> {
        let (on, off) = self.color.map_or((String::new(), ""), |color| {
            (format!("\x1b[{color}m"), "\x1b[0m")
        });
        let name = format!(" {}{off} ", self.text);
        [on.as_bytes(), time, name.as_bytes()].concat()
    }
}

/// The line as its user sees it.
fn shown(line: &[u8], prefix: Option<&Prefix>) -> Vec<u8> {
    let Some((time, rest)) = split_time(line) else {
        return line.to_vec();
    };
    let mut text = prefix.map_or_else(Vec::new, |prefix| prefix.at(time));
    // The times within a line that docker has split.
    let mut rest = rest;
    while rest.len() > ENTRY
        && let Some((_, after)) = split_time(&rest[ENTRY..])
    {
        text.extend(&rest[..ENTRY]);
        rest = after;
    }
    text.extend(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(parts: &[(&str, bool, Option<Prefix>)]) -> (String, String) {
        let sources = parts.iter().map(|(text, to_stderr, prefix)| {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(text.as_bytes()).unwrap();
            Source {
                reader,
                to_stderr: *to_stderr,
                prefix: prefix.clone(),
            }
        });
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        merge(sources.collect(), &mut stdout, &mut stderr, || false);
        (
            String::from_utf8(stdout).unwrap(),
            String::from_utf8(stderr).unwrap(),
        )
    }

    fn at(second: u8, text: &str) -> String {
        format!("2026-11-23T14:36:{second:02}.000000001Z {text}\n")
    }

    #[test]
    fn lines_come_in_the_order_of_their_times() {
        let one = at(1, "one") + &at(3, "three") + &at(5, "five");
        let two = at(2, "two") + &at(4, "");
        let (stdout, stderr) = merged(&[(&one, false, None), (&two, false, None)]);
        assert_eq!(
            (stdout.as_str(), stderr.as_str()),
            ("one\ntwo\nthree\n\nfive\n", "")
        );
    }

    #[test]
    fn errors_go_their_own_way() {
        let (stdout, stderr) = merged(&[(&at(1, "out"), false, None), (&at(2, "err"), true, None)]);
        assert_eq!((stdout.as_str(), stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_prefix_is_cores() {
        let plain = Prefix {
            text: "app[7]:".to_owned(),
            color: None,
        };
        let colored = Prefix {
            color: Some(36),
            ..plain.clone()
        };
        let time = "2026-11-23T14:36:01.000000001Z";
        assert_eq!(
            merged(&[(&at(1, "x"), false, Some(plain))]).0,
            format!("{time} app[7]: x\n")
        );
        assert_eq!(
            merged(&[(&at(1, "x"), false, Some(colored))]).0,
            format!("\x1b[36m{time} app[7]:\x1b[0m x\n")
        );
    }

    #[test]
    fn a_line_that_docker_has_split_is_one_again() {
        let long = "x".repeat(2 * ENTRY + 5);
        let time = "2026-11-23T14:36:01.000000001Z ";
        let split = format!(
            "{time}{}{time}{}{time}{}\n",
            &long[..ENTRY],
            &long[ENTRY..2 * ENTRY],
            &long[2 * ENTRY..]
        );
        assert_eq!(merged(&[(&split, false, None)]).0, long + "\n");
    }

    #[test]
    fn a_silent_source_holds_up_no_busy_one_for_long() {
        let (reader, mut busy) = std::io::pipe().unwrap();
        let (silent, _kept_open) = std::io::pipe().unwrap();
        let source = |reader| Source {
            reader,
            to_stderr: false,
            prefix: None,
        };
        let (mut output, shown) = std::io::pipe().unwrap();
        let sources = vec![source(reader), source(silent)];
        thread::spawn(move || {
            let mut shown = std::io::BufWriter::new(shown);
            merge(sources, &mut shown, &mut std::io::sink(), || false)
        });
        // A line comes more often than patience ends.
        thread::spawn(move || {
            while busy.write_all(at(1, "x").as_bytes()).is_ok() {
                thread::sleep(PATIENCE / 4);
            }
        });
        let (sender, first) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 16];
            sender.send(std::io::Read::read(&mut output, &mut bytes))
        });
        let length = first.recv_timeout(PATIENCE * 50).expect("a line is shown");
        assert!(length.unwrap() > 0);
    }

    #[test]
    fn what_docker_itself_says_goes_to_stderr() {
        for line in ["Error response from daemon: no\n", "", "x\n", "2026 x\n"] {
            assert_eq!(
                merged(&[(line, false, None)]),
                (String::new(), line.to_owned())
            );
        }
    }
}
