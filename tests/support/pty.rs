//! A terminal on which a command runs, with a test as its user.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use duct::{Handle, cmd};
use rustix::io::ioctl_fionbio;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use super::wait::wait_for;
use super::{Host, wait_until};

/// A shell that runs a command as an interactive shell does, in a process group of its own in the
/// terminal's foreground, and then prints its exit code. The shell stays, because a terminal loses
/// its modes with its session leader, and the test could not compare them.
const SHELL: &str = "set -m; trap : INT QUIT";
const THE_END: &str = r"printf '\n[exit code %s]\n' $?; exec sleep 60";
const ENDED: &str = "\n[exit code ";

/// The user's side of a terminal: screen and keyboard.
pub struct Terminal {
    /// `None` after the hangup.
    master: Option<File>,
    shell: Handle,
    printed: Vec<u8>,
    modes_at_first: Modes,
}

/// All modes of a terminal, for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes(String);

impl Terminal {
    pub const ROWS: u16 = 33;
    pub const COLUMNS: u16 = 77;
    /// The value of the variable `TERM`.
    pub const TERM: &str = "vt220";

    /// Runs a shell script on a new terminal; in the script, `"$@"` is `dokku <words>`.
    pub fn start<I>(host: &Host, script: &str, words: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let words = words.into_iter().map(Into::into);
        Self::start_program(script, std::iter::once(host.program().into()).chain(words))
    }

    /// Like [`Terminal::start`], for any program and its words.
    pub fn start_program(script: &str, words: impl Iterator<Item = OsString>) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a new terminal");
        unlockpt(&master).unwrap();
        set_size(&master, Self::ROWS, Self::COLUMNS);
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        ioctl_fionbio(&master, true).unwrap();
        let modes_at_first = modes(&master);

        let script = format!("{SHELL}; {script}; {THE_END}");
        let mut line: Vec<OsString> = ["--ctty", "--wait", "sh", "-c", &script, "sh"]
            .map(Into::into)
            .into();
        line.extend(words);
        let copy = || slave.try_clone().unwrap();
        let shell = Host::without_its_variables(cmd("setsid", line))
            .env("TERM", Self::TERM)
            .stdin_file(copy())
            .stdout_file(copy())
            .stderr_file(copy())
            .unchecked()
            .start()
            .expect("setsid of util-linux");
        Self {
            master: Some(master.into()),
            shell,
            printed: Vec::new(),
            modes_at_first,
        }
    }

    /// Everything that has been printed so far.
    pub fn screen(&mut self) -> String {
        let mut bytes = [0; 4096];
        if let Some(master) = &mut self.master {
            loop {
                match master.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(length) => self.printed.extend(&bytes[..length]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // Nothing to read yet, or (EIO) no process has the terminal open any more.
                    Err(_) => break,
                }
            }
        }
        // Line ends are compared as `\n`, however many terminals have added a `\r`.
        String::from_utf8_lossy(&self.printed).replace('\r', "")
    }

    /// Waits until this text is on the screen.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        wait_for(|| {
            let screen = self.screen();
            if screen.contains(text) {
                return Ok(());
            }
            Err(format!("{text:?} on a screen with {screen:?}"))
        });
    }

    /// Types these keys.
    #[track_caller]
    pub fn type_keys(&mut self, keys: &str) {
        self.master
            .as_mut()
            .expect("the terminal is there")
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Changes the window's size, of which the kernel notifies the foreground process group.
    pub fn resize(&self, rows: u16, columns: u16) {
        set_size(self.master(), rows, columns);
    }

    pub fn modes(&self) -> Modes {
        modes(self.master())
    }

    /// Waits until the modes are as they were before the command.
    #[track_caller]
    pub fn wait_restored(&self) {
        let before = &self.modes_at_first;
        wait_for(|| {
            let now = self.modes();
            if now == *before {
                return Ok(());
            }
            Err(format!("{before:#?} restored from {now:#?}"))
        });
    }

    /// Waits until docker's client has put the terminal in raw mode, in which every key goes to the
    /// task.
    #[track_caller]
    pub fn wait_raw(&self) {
        wait_until("the terminal is raw", || {
            (self.modes() != self.modes_at_first).then_some(())
        });
    }

    /// Waits for the command's end; returns its exit code.
    #[track_caller]
    pub fn wait_exit_code(&mut self) -> i32 {
        self.wait_for(ENDED);
        self.wait_for("]\n");
        let screen = self.screen();
        let (_, code) = screen.rsplit_once(ENDED).unwrap();
        code.trim_end().trim_end_matches(']').parse().unwrap()
    }

    /// The shell's process id; the command is a descendant.
    pub fn pid(&self) -> u32 {
        self.shell.pids()[0]
    }

    /// Closes the terminal, as when the user closes the window.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    fn master(&self) -> &File {
        self.master.as_ref().expect("the terminal is there")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.hang_up();
        let _ = self.shell.kill();
    }
}

fn modes(master: &impl std::os::fd::AsFd) -> Modes {
    Modes(format!("{:#?}", tcgetattr(master).unwrap()))
}

fn set_size(master: &impl std::os::fd::AsFd, rows: u16, columns: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(master, size).unwrap();
}
