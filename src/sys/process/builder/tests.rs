use std::fs;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::getpgrp;
use tempfile::TempDir;

use super::*;
use crate::sys::process::is_over_limit;

type Start = fn(ProcessBuilder) -> io::Result<Output>;
type Streams = (&'static str, fn() -> Stdout, fn() -> Stderr);

/// Every way to connect the outputs.
const STREAMS: [Streams; 6] = [
    ("inherited", || Stdout::Inherit, || Stderr::Inherit),
    ("null", || Stdout::Null, || Stderr::Null),
    ("captured", || Stdout::Capture, || Stderr::Inherit),
    ("both captured", || Stdout::Capture, || Stderr::Capture),
    ("to stderr", || Stdout::OurStderr, || Stderr::Null),
    ("files", || Stdout::File(null()), || Stderr::File(null())),
];

/// Far longer than any process of these tests takes.
const LONG: Duration = Duration::from_secs(600);

/// Short, for processes that do not end by themselves.
const SHORT: Duration = Duration::from_millis(100);

/// The verbs, with what waits for the process.
const VERBS: [(&str, Start); 4] = [
    ("run", ProcessBuilder::run),
    ("spawn, wait", |call| call.spawn()?.wait().cloned()),
    ("spawn, wait_deadline", |call| {
        let child = call.spawn()?;
        let output = child.wait_deadline(Instant::now() + LONG)?;
        Ok(output.unwrap().clone())
    }),
    ("spawn, try_wait", |call| {
        let child = call.spawn()?;
        loop {
            if let Some(output) = child.try_wait()? {
                return Ok(output.clone());
            }
            std::thread::yield_now();
        }
    }),
];

fn null() -> OwnedFd {
    let options = File::options().write(true).open("/dev/null");
    options.unwrap().into()
}

/// `/bin/sh` with this script, whose `$1` is the path.
fn sh(script: &str, path: &Path) -> ProcessBuilder {
    let words = ["-c", script, "sh"].map(OsStr::new);
    let words = words.into_iter().chain([path.as_os_str()]);
    ProcessBuilder::new(Path::new("/bin/sh"), words)
}

/// Writes the process id and the process group (`proc_pid_stat(5)`).
const GROUP: &str = r#"read -r pid name state parent group rest </proc/$$/stat
    echo "$pid $group" >"$1""#;

/// Checks what [`GROUP`] has written: a group of its own, or ours.
fn assert_group(path: &Path, own: bool, case: &str) {
    let ids = fs::read_to_string(path).unwrap();
    let (pid, group) = ids.trim().split_once(' ').unwrap();
    let our_group = getpgrp().as_raw_nonzero().to_string();
    assert_eq!(group, if own { pid } else { &our_group }, "{case}");
}

/// Calls `check` for every verb, with a limit and without, and all outputs.
fn for_every_start(check: impl Fn(&str, &dyn Fn(ProcessBuilder) -> io::Result<Output>)) {
    for (verb, start) in VERBS {
        for (streams, stdout, stderr) in STREAMS {
            for limit in [None, Some(LONG)] {
                check(&format!("{verb}, {streams}, {limit:?}"), &|call| {
                    let call = call.stdout(stdout()).stderr(stderr());
                    start(match limit {
                        Some(limit) => call.limit(limit),
                        None => call,
                    })
                });
            }
        }
    }
}

#[test]
fn the_process_group_holds_for_every_start_and_every_stdin() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("group");
    // Not `Stdin::Relay`, which reads the input of whatever runs the tests.
    let stdins: [fn() -> Stdin; 4] = [
        || Stdin::Null,
        || Stdin::Inherit,
        || Stdin::Bytes(b"input".to_vec()),
        || Stdin::File(File::open("/dev/null").unwrap().into()),
    ];
    for_every_start(|case, start| {
        for stdin in stdins {
            for own in [true, false] {
                let call = sh(GROUP, &path).stdin(stdin()).own_group();
                let call = if own { call } else { call.caller_group() };
                assert!(start(call).unwrap().status.success(), "{case}");
                assert_group(&path, own, &format!("{case}, {:?}", stdin()));
            }
        }
    });
}

#[test]
fn the_input_holds_for_every_start() {
    const INPUT: &str = "a line\nno line";
    let directory = TempDir::new().unwrap();
    let (input, path) = (directory.path().join("in"), directory.path().join("out"));
    fs::write(&input, INPUT).unwrap();
    let file = || Stdin::File(File::open(&input).unwrap().into());
    let bytes = || Stdin::Bytes(INPUT.as_bytes().to_vec());
    let stdins: [(&dyn Fn() -> Stdin, &str); 3] =
        [(&file, INPUT), (&bytes, INPUT), (&|| Stdin::Null, "")];
    for_every_start(|case, start| {
        for (stdin, expected) in stdins {
            let call = || sh(r#"cat >"$1""#, &path).stdin(stdin());
            for call in [call(), call().own_group()] {
                assert!(start(call).unwrap().status.success(), "{case}");
                let read = fs::read_to_string(&path).unwrap();
                assert_eq!(read, expected, "{case}, {:?}", stdin());
            }
        }
    });
}

#[test]
fn environment_and_directory_hold_for_every_start() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    let only = BTreeMap::from([("A".into(), "a".into())]);
    for_every_start(|case, start| {
        // Cargo sets the third variable for us.
        let script = r#"echo "$A $B ${CARGO_MANIFEST_DIR-unset} $PWD" >"$1""#;
        let call = sh(script, &path).env("B", "b").only_env(&only);
        let call = call.directory(Path::new("/"));
        assert!(start(call).unwrap().status.success(), "{case}");
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written, "a b unset /\n", "{case}");
    });
}

#[test]
fn a_process_is_killed_at_its_limit_with_the_processes_of_its_own_group() {
    for (verb, start) in VERBS {
        // A child of the shell keeps both outputs open.
        for stdout in [|| Stdout::Null, || Stdout::Capture] {
            let (mut reader, writer) = io::pipe().unwrap();
            let call = sh("sleep 60 & wait", Path::new("")).stdout(stdout());
            let call = call.stderr(Stderr::File(writer.into())).limit(SHORT);
            let started = Instant::now();
            let error = start(call.own_group()).unwrap_err();
            assert!(is_over_limit(&error), "{verb}: {error}");
            assert!(started.elapsed() >= SHORT, "{verb}");
            // The pipe ends when both processes have ended.
            reader.read_to_end(&mut Vec::new()).unwrap();
            assert!(started.elapsed() < Duration::from_secs(50), "{verb}");
        }
    }
}

#[test]
fn waiting_until_a_time_before_the_limit_leaves_the_process_alone() {
    let call = sh("read -r line; exit 3", Path::new("")).limit(LONG);
    let (reader, writer) = io::pipe().unwrap();
    let child = call.stdin(Stdin::File(reader.into())).spawn().unwrap();
    assert!(child.try_wait().unwrap().is_none());
    let soon = Instant::now() + Duration::from_millis(10);
    assert!(child.wait_deadline(soon).unwrap().is_none());
    drop(writer);
    assert_eq!(child.into_output().unwrap().status.code(), Some(3));
}

#[test]
fn only_a_killed_process_is_over_its_limit() {
    let call = ProcessBuilder::new(Path::new("/nonexistent/program"), [""; 0]);
    assert!(!is_over_limit(&call.limit(LONG).run().unwrap_err()));
    // ETIMEDOUT
    assert!(!is_over_limit(&io::Error::from_raw_os_error(110)));
    let call = sh("exit 7", Path::new("")).limit(LONG);
    assert_eq!(call.run().unwrap().status.code(), Some(7));
}

#[test]
fn a_process_in_the_background_gets_no_open_file_and_its_process_group() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    let file = File::open("/dev/null").unwrap();
    fcntl_setfd(&file, FdFlags::empty()).unwrap();
    let number = file.as_raw_fd();
    let script = format!("{GROUP}; [ ! -e /proc/$$/fd/{number} ]");
    let code = |call: ProcessBuilder| call.run().unwrap().status.code();
    assert_eq!(code(sh(&script, &path)), Some(1));
    assert_eq!(
        code(sh(&script, &path).in_background().own_group()),
        Some(0)
    );
    assert_group(&path, true, "in the background");
}

#[test]
fn outputs_are_where_they_were_sent_to() {
    let sh = || sh("echo out; echo err >&2", Path::new(""));
    let output = sh()
        .stdout(Stdout::Capture)
        .stderr(Stderr::Capture)
        .run()
        .unwrap();
    assert_eq!(
        (&output.stdout[..], &output.stderr[..]),
        (&b"out\n"[..], &b"err\n"[..])
    );
    // Our stderr, not that of the process.
    let output = sh()
        .stdout(Stdout::OurStderr)
        .stderr(Stderr::Capture)
        .run()
        .unwrap();
    assert_eq!(
        (output.stdout.len(), &output.stderr[..]),
        (0, &b"err\n"[..])
    );
    let (mut reader, writer) = io::pipe().unwrap();
    let both = writer.try_clone().unwrap();
    let call = sh().stdout(Stdout::File(writer.into()));
    let child = call.stderr(Stderr::File(both.into())).spawn().unwrap();
    // The pipe ends, because our copies of the writing end are closed.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "out\nerr\n");
    assert!(child.into_output().unwrap().status.success());
}
