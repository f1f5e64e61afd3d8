use std::sync::mpsc;
use std::thread;

use super::*;
use crate::logs::parser::MAX_ENTRY_BYTES;

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
    merge(
        sources.collect(),
        FINITE_PATIENCE,
        &mut stdout,
        &mut stderr,
        || false,
    )
    .unwrap();
    (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// A source for stdout, without a prefix.
fn raw(reader: PipeReader) -> Source {
    Source {
        reader,
        to_stderr: false,
        prefix: None,
    }
}

fn at(second: u8, text: &str) -> String {
    format!("2026-11-23T14:36:{second:02}.000000001Z {text}\n")
}

#[test]
fn merged_lines_are_ordered_by_their_timestamps() {
    let one = at(1, "one") + &at(3, "three") + &at(5, "five");
    let two = at(2, "two") + &at(4, "");
    let (stdout, stderr) = merged(&[(&one, false, None), (&two, false, None)]);
    assert_eq!(
        (stdout.as_str(), stderr.as_str()),
        ("one\ntwo\nthree\n\nfive\n", "")
    );
}

#[test]
fn merged_stderr_lines_are_written_to_stderr() {
    let (stdout, stderr) = merged(&[(&at(1, "out"), false, None), (&at(2, "err"), true, None)]);
    assert_eq!((stdout.as_str(), stderr.as_str()), ("out\n", "err\n"));
}

#[test]
fn a_log_prefix_has_the_format_of_core() {
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
fn a_line_that_docker_has_split_is_joined_again() {
    let long = "x".repeat(2 * MAX_ENTRY_BYTES + 5);
    let time = "2026-11-23T14:36:01.000000001Z ";
    let split = format!(
        "{time}{}{time}{}{time}{}\n",
        &long[..MAX_ENTRY_BYTES],
        &long[MAX_ENTRY_BYTES..2 * MAX_ENTRY_BYTES],
        &long[2 * MAX_ENTRY_BYTES..]
    );
    assert_eq!(merged(&[(&split, false, None)]).0, long + "\n");
}

#[test]
fn another_source_does_not_interrupt_an_unfinished_line() {
    let time = |second| format!("2026-11-23T14:36:{second:02}.000000001Z ");
    let long = "x".repeat(MAX_ENTRY_BYTES);
    let split = format!("{}{long}{}end\n", time(1), time(3));
    let two = at(2, "two");
    let (stdout, _) = merged(&[(&split, false, None), (&two, false, None)]);
    assert_eq!(stdout, format!("{long}end\ntwo\n"));
    let endless = time(1) + "no end";
    let (stdout, _) = merged(&[(&endless, false, None), (&two, false, None)]);
    assert_eq!(stdout, "no end\ntwo\n");
}

#[test]
fn the_merge_waits_for_a_source_that_starts_late() {
    let (early, mut writer) = std::io::pipe().unwrap();
    writer.write_all(at(2, "two").as_bytes()).unwrap();
    drop(writer);
    let (late, mut writer) = std::io::pipe().unwrap();
    thread::spawn(move || {
        thread::sleep(FOLLOW_PATIENCE * 3);
        writer.write_all(at(1, "one").as_bytes())
    });
    let sources = vec![raw(early), raw(late)];
    let mut shown = Vec::new();
    merge(
        sources,
        FINITE_PATIENCE,
        &mut shown,
        &mut std::io::sink(),
        || false,
    )
    .unwrap();
    assert_eq!(shown, b"one\ntwo\n");
}

#[test]
fn a_silent_source_does_not_delay_a_busy_source_for_long() {
    let (reader, mut busy) = std::io::pipe().unwrap();
    let (silent, _kept_open) = std::io::pipe().unwrap();
    let (mut output, shown) = std::io::pipe().unwrap();
    let sources = vec![raw(reader), raw(silent)];
    thread::spawn(move || {
        let mut shown = std::io::BufWriter::new(shown);
        merge(
            sources,
            FOLLOW_PATIENCE,
            &mut shown,
            &mut std::io::sink(),
            || false,
        )
    });
    // The busy source writes a line more often than the patience expires.
    thread::spawn(move || {
        while busy.write_all(at(1, "x").as_bytes()).is_ok() {
            thread::sleep(FOLLOW_PATIENCE / 4);
        }
    });
    let (sender, first) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = [0; 16];
        sender.send(std::io::Read::read(&mut output, &mut bytes))
    });
    let length = first
        .recv_timeout(FOLLOW_PATIENCE * 50)
        .expect("a line is shown");
    assert!(length.unwrap() > 0);
}

#[test]
fn messages_of_docker_are_merged_into_stderr() {
    for line in ["Error response from daemon: no\n", "", "x\n", "2026 x\n"] {
        assert_eq!(
            merged(&[(line, false, None)]),
            (String::new(), line.to_owned())
        );
    }
}
