//! Forwards the output of a program to our stdout and stderr, so that we learn what could not be
//! written. docker's client exits with 0 when it cannot write the output of a container that it
//! has started, and prints nothing (seen with docker 20.10 and 28.2).

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Stat, fstat, major, minor};
use rustix::termios::isatty;

/// The pipes that replace the output of a program.
#[derive(Debug, Default)]
pub(crate) struct OutputPipes {
    pub(super) stdout: Option<PipeWriter>,
    pub(super) stderr: Option<PipeWriter>,
}

/// The threads that forward the output of a program.
#[derive(Debug, Default)]
pub(crate) struct OutputRelay {
    results: Vec<Mutex<Receiver<io::Result<()>>>>,
}

impl OutputRelay {
    /// Makes a pipe for each of our two outputs that may run full, and one for both if they are the
    /// same file, so that the order of the lines stays as it is.
    ///
    /// # Errors
    /// There is no pipe.
    pub(super) fn start() -> io::Result<(OutputPipes, Self)> {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self::between(stdout.as_fd(), stderr.as_fd())
    }

    fn between(stdout: BorrowedFd<'_>, stderr: BorrowedFd<'_>) -> io::Result<(OutputPipes, Self)> {
        let mut relay = Self::default();
        let mut pipes = OutputPipes::default();
        if may_run_full(stdout) {
            let pipe = relay.forward_to(stdout)?;
            if is_same_file(stdout, stderr) {
                pipes.stderr = Some(pipe.try_clone()?);
            }
            pipes.stdout = Some(pipe);
        }
        if pipes.stderr.is_none() && may_run_full(stderr) {
            pipes.stderr = Some(relay.forward_to(stderr)?);
        }
        Ok((pipes, relay))
    }

    fn forward_to(&mut self, output: BorrowedFd<'_>) -> io::Result<PipeWriter> {
        let (reader, writer) = io::pipe()?;
        let output = File::from(output.try_clone_to_owned()?);
        let (sender, result) = mpsc::channel();
        thread::spawn(move || sender.send(forward(reader, output)));
        self.results.push(Mutex::new(result));
        Ok(writer)
    }

    /// The first error of a write, once everything is forwarded. The program has ended; `limit` is
    /// for its children that still have the pipe.
    pub(super) fn error(&self, limit: Duration) -> Option<io::Error> {
        let deadline = Instant::now() + limit;
        self.results.iter().find_map(|result| {
            let left = deadline.saturating_duration_since(Instant::now());
            let result = result.lock().unwrap_or_else(PoisonError::into_inner);
            result.recv_timeout(left).ok()?.err()
        })
    }
}

/// Copies until the end. After a failed write the rest is read and discarded, so that the program
/// runs to its end.
fn forward(mut reader: PipeReader, mut output: File) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    let mut result = Ok(());
    loop {
        match reader.read(&mut bytes) {
            Ok(0) => return result,
            Ok(count) if result.is_ok() => result = output.write_all(&bytes[..count]),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return result.and(Err(error)),
        }
    }
}

/// Whether a write can fail although there is a reader: to a file on a full disk, or to a device.
/// A pipe, a socket and a terminal only lose their reader.
fn may_run_full(output: BorrowedFd<'_>) -> bool {
    let Ok(stat) = fstat(output) else {
        return false;
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::BlockDevice => true,
        FileType::CharacterDevice => !is_null_device(&stat) && !isatty(output),
        _ => false,
    }
}

/// `/dev/null` (null(4)).
fn is_null_device(stat: &Stat) -> bool {
    (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3)
}

fn is_same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
    let [one, other] = [one, other].map(|file| fstat(file).map(identity));
    matches!((one, other), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn open(path: &str) -> File {
        File::options().read(true).write(true).open(path).unwrap()
    }

    #[test]
    fn only_files_and_devices_run_full() {
        let (pipe, _writer) = io::pipe().unwrap();
        let file = tempfile::tempfile().unwrap();
        assert!(may_run_full(file.as_fd()));
        assert!(may_run_full(open("/dev/full").as_fd()));
        assert!(!may_run_full(open("/dev/null").as_fd()));
        assert!(!may_run_full(pipe.as_fd()));
        let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
        assert!(!may_run_full(terminal.as_fd()));
    }

    #[test]
    fn a_failed_write_is_reported_and_the_rest_is_discarded() {
        let full = open("/dev/full");
        let null = open("/dev/null");
        let (pipes, relay) = OutputRelay::between(full.as_fd(), null.as_fd()).unwrap();
        assert!(pipes.stderr.is_none());
        let mut stdout = pipes.stdout.unwrap();
        stdout.write_all(&vec![b'x'; 1_000_000]).unwrap();
        drop(stdout);
        let error = relay.error(LIMIT).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn two_outputs_to_one_file_keep_their_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stdout = File::options().append(true).open(file.path()).unwrap();
        let stderr = stdout.try_clone().unwrap();
        let (pipes, relay) = OutputRelay::between(stdout.as_fd(), stderr.as_fd()).unwrap();
        let (mut stdout, mut stderr) = (pipes.stdout.unwrap(), pipes.stderr.unwrap());
        for number in 0..1000 {
            writeln!(stdout, "out {number}").unwrap();
            writeln!(stderr, "err {number}").unwrap();
        }
        drop((stdout, stderr));
        let lines = (0..1000).map(|number| format!("out {number}\nerr {number}\n"));
        let expected: String = lines.collect();
        assert!(relay.error(LIMIT).is_none());
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), expected);
    }
}
