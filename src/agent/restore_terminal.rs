//! The terminal watchdog ([`crate::task::attach::terminal`]).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, setsid};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Runs the watchdog: its stdin is a socket to the watched command, its stdout the terminal.
///
/// The watchdog has a session of its own, so that no key and no hang-up ends it. It may also
/// set the terminal's modes after the user's shell has taken the terminal back, which a
/// background process of the shell's session may not (tcsetattr(3), `SIGTTOU`).
pub(crate) fn run_watchdog() {
    let Ok(modes) = tcgetattr(io::stdout()) else {
        return;
    };
    let _ = setsid();
    let Ok(mut socket) = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
    else {
        return;
    };
    let _ = socket.write_all(b".");
    let mut socket = BufReader::new(socket);
    let mut pid = String::new();
    // A pidfd, because the process id alone may belong to another process when it is used.
    let client = match socket.read_line(&mut pid) {
        Ok(_) => pid.trim_end().parse().ok().and_then(Pid::from_raw),
        Err(_) => return,
    };
    let client = client.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut rest = Vec::new();
    if socket.read_to_end(&mut rest).is_err() || pid.ends_with('.') || rest.ends_with(b".") {
        return;
    }
    // Docker's client has nothing to clean up except the terminal's modes, and must not change
    // them again. For a task with a terminal the client forwards no signal (docker/cli,
    // cli/command/container/start.go).
    if let Some(client) = client {
        let _ = pidfd_send_signal(client, Signal::KILL);
    }
    let _ = tcsetattr(io::stdout(), OptionalActions::Now, &modes);
}
