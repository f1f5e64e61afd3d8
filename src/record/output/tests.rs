use std::path::Path;

use super::*;

fn at(second: u64, bytes: &str) -> String {
    format!("2026-11-23T14:36:{second:02}.000000001Z {bytes}")
}

/// One of the two streams that docker's client writes.
#[derive(Clone, Copy)]
enum To {
    Out,
    Err,
}
use To::{Err as E, Out as O};

/// The saved file, its size and whether it is complete, if docker's client writes these texts
/// one after the other.
fn saved(writes: &[(To, &str)], max_bytes: u64) -> (String, u64, bool) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_dir(directory.path());
    let (out, mut to_out) = io::pipe().unwrap();
    let (err, mut to_err) = io::pipe().unwrap();
    let mut file = TailFile::new(&store, "id", max_bytes);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (to, text) in writes {
                let stream = match to {
                    O => &mut to_out,
                    E => &mut to_err,
                };
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        copy(out, Some(err), &mut file, Duration::from_secs(60)).unwrap();
    });
    let complete = file.previous.is_none();
    let bytes = file.finish().unwrap();
    let text = fs::read_to_string(store.output("id")).unwrap();
    assert_eq!(names(&directory.path().join("output")), ["id"]);
    assert_eq!(bytes, text.len() as u64);
    (text, bytes, complete)
}

fn names(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap().flatten();
    files
        .map(|file| file.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn saved_output_marks_the_stream_of_each_line_in_order() {
    let writes = [
        (O, at(1, "one\n")),
        (E, at(2, "two\n")),
        (E, at(3, "\n")),
        (O, at(4, "no end")),
    ];
    let expected = format!(
        "o {}\ne {}\ne {}\no+{}\n",
        at(1, "one"),
        at(2, "two"),
        at(3, ""),
        at(4, "no end")
    );
    let writes = writes.each_ref().map(|(to, text)| (*to, text.as_str()));
    assert_eq!(saved(&writes, 1000).0, expected);
    assert_eq!(saved(&[], 1000).0, "");
}

#[test]
fn a_partial_entry_of_one_stream_does_not_block_the_other() {
    // As when a task closes its stderr within a line and continues on stdout.
    let stdout: String = (0..9999).map(|_| at(2, "line") + "\n").collect();
    let text = saved(&[(E, &at(1, "half")), (O, &stdout)], 10_000_000).0;
    assert_eq!(text.lines().count(), 10_000);
}

#[test]
fn the_tail_file_keeps_the_last_lines_within_its_limit() {
    // Each line is 40 bytes: the mark, the time, `line 7`, the line end.
    let length = MIN_ENTRY_BYTES + 6;
    let stdout: String = (0..10)
        .map(|number| at(number, &format!("line {number}")) + "\n")
        .collect();
    let lines = |max_bytes| {
        let (text, bytes, complete) = saved(&[(O, &stdout)], max_bytes);
        let last: Vec<u8> = text
            .lines()
            .map(|line| *line.as_bytes().last().unwrap())
            .collect();
        (String::from_utf8(last).unwrap(), bytes, complete)
    };
    assert_eq!(
        lines(10 * length),
        ("0123456789".to_owned(), 10 * length, true)
    );
    assert_eq!(
        lines(10 * length - 1),
        ("123456789".to_owned(), 9 * length, false)
    );
    for count in 1..10 {
        let expected = "0123456789"[10 - count..].to_owned();
        let max_bytes = count as u64 * length;
        assert_eq!(lines(max_bytes), (expected.clone(), max_bytes, false));
        assert_eq!(lines(max_bytes + length - 1), (expected, max_bytes, false));
    }
    // A line that is longer than the limit is not cut.
    assert_eq!(lines(1), ("9".to_owned(), length, false));
}

#[test]
fn a_tail_file_that_cannot_be_finished_leaves_no_segment() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_dir(directory.path());
    let output = directory.path().join("output");
    // A file cannot replace a directory that is not empty.
    fs::create_dir_all(output.join("id/x")).unwrap();
    let mut file = TailFile::new(&store, "id", MIN_ENTRY_BYTES + 4);
    let entry = |second| LogEntry {
        time: at(second, "").trim_end().into(),
        bytes: b"line".to_vec(),
        ends_line: true,
    };
    for second in 0..3 {
        file.write(b'o', &entry(second)).unwrap();
    }
    assert_eq!(names(&output).len(), 3, "two pieces");
    file.finish().unwrap_err();
    assert_eq!(names(&output), ["id"]);
}
