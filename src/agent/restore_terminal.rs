//! The watchdog of a terminal ([`crate::task::attach::terminal`]).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, setsid};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// The watcher: its stdin is a socket to the one it watches, its stdout the
/// terminal.
///
/// In a session of its own no key and no hang-up ends it, and it may set the
/// terminal's modes when the user's shell has taken the terminal back: a process
/// of the shell's session in the background may not (tcsetattr(3), `SIGTTOU`).
pub(crate) fn run_watchdog() {
    let Ok(modes) = tcgetattr(io::stdout()) else {
        return;
    };
    let _ = setsid();
    let Ok(mut watched) = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
    else {
        return;
    };
    let _ = watched.write_all(b".");
    let mut watched = BufReader::new(watched);
    let mut pid = String::new();
    // An id alone could be somebody else's by the time it is used.
    let client = match watched.read_line(&mut pid) {
        Ok(_) => pid.trim_end().parse().ok().and_then(Pid::from_raw),
        Err(_) => return,
    };
    let client = client.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut rest = Vec::new();
    if watched.read_to_end(&mut rest).is_err() || pid.ends_with('.') || rest.ends_with(b".") {
        return;
    }
    // It has nothing to tidy up but the modes, and must not change them again. For
    // a task with a terminal it passes no signal on (docker/cli,
    // cli/command/container/start.go).
    if let Some(client) = client {
        let _ = pidfd_send_signal(client, Signal::KILL);
    }
    let _ = tcsetattr(io::stdout(), OptionalActions::Now, &modes);
}
