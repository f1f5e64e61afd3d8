//! The ancestors of this process, and the command lines of those that are `dokku`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

/// An ancestor of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ancestor {
    /// The words after `dokku`; `None` if the process is another program.
    pub(crate) words: Option<Vec<Vec<u8>>>,
    /// The command that an SSH client sent, if this `dokku` process has it in its environment.
    pub(crate) ssh_command: Option<String>,
}

/// The nearest ancestor first. Read once per process: later ancestors could be others.
pub(crate) fn ancestors() -> &'static [Ancestor] {
    static ANCESTORS: OnceLock<Vec<Ancestor>> = OnceLock::new();
    ANCESTORS.get_or_init(|| {
        let parent = std::os::unix::process::parent_id();
        std::iter::successors(Some(parent), |pid| parent_of(*pid))
            .take_while(|pid| *pid > 1)
            .map(read)
            .collect()
    })
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim()
        .parse()
        .ok()
}

/// Reads one process. Another user's process shows its command line, but not its environment.
fn read(pid: u32) -> Ancestor {
    let file = |name| fs::read(format!("/proc/{pid}/{name}")).ok();
    let words = file("cmdline").and_then(|line| words_of_dokku(&line));
    Ancestor {
        ssh_command: words.as_ref().and_then(|_| ssh_command(&file("environ")?)),
        words,
    }
}

/// The words after `dokku` in a process's command line (NUL-separated, as in
/// `/proc/<pid>/cmdline`); `None` if the program is not `dokku`.
fn words_of_dokku(command_line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words: Vec<Vec<u8>> = command_line
        .split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect();
    words.pop(); // the empty text after the last NUL
    // `dokku …`, or `bash /usr/bin/dokku …` as the kernel starts a script.
    let at = words.iter().take(2).position(|word| {
        Path::new(OsStr::from_bytes(word)).file_name() == Some(OsStr::new("dokku"))
    })?;
    Some(words.split_off(at + 1))
}

/// `SSH_ORIGINAL_COMMAND` in a process's environment (as in `/proc/<pid>/environ`); `None` if
/// it is empty or not set, or if `POSIXLY_CORRECT` is set: `xargs` and `echo`, which Dokku
/// splits the command with, follow other rules then.
fn ssh_command(environment: &[u8]) -> Option<String> {
    let value = |name: &[u8]| {
        environment
            .split(|byte| *byte == 0)
            .find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"="))
    };
    if value(b"POSIXLY_CORRECT").is_some() {
        return None;
    }
    let text = std::str::from_utf8(value(b"SSH_ORIGINAL_COMMAND")?).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<Vec<u8>> {
        text.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    #[test]
    fn the_arguments_of_dokku_are_found_in_a_command_line() {
        assert_eq!(
            words_of_dokku(b"bash\0/usr/bin/dokku\0run\0a\0").unwrap(),
            line("run a")
        );
        assert_eq!(
            words_of_dokku(b"dokku\0run\0\0").unwrap(),
            [b"run".to_vec(), Vec::new()]
        );
        assert!(words_of_dokku(b"sudo\0-u\0dokku\0-E\0dokku\0run\0").is_none());
        assert!(words_of_dokku(b"").is_none());
    }

    #[test]
    fn the_ssh_command_is_found_in_an_environment() {
        let found = |text: &[u8]| ssh_command(text);
        assert_eq!(
            found(b"A=1\0SSH_ORIGINAL_COMMAND=run a 'b\nc'\0B=2\0").unwrap(),
            "run a 'b\nc'"
        );
        for none in [
            &b"A=1\0XSSH_ORIGINAL_COMMAND=run a\0"[..],
            b"SSH_ORIGINAL_COMMAND=\0",
            b"SSH_ORIGINAL_COMMAND=\xff\0",
            b"SSH_ORIGINAL_COMMAND=run a\0POSIXLY_CORRECT=\0",
            b"",
        ] {
            assert_eq!(found(none), None, "{}", none.escape_ascii());
        }
    }
}
