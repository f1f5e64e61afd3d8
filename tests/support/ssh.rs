//! An sshd for one test, on its own port of this machine's loopback interface.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use duct::{Expression, Handle, cmd};
use tempfile::TempDir;

use super::host::{repository, run_to_end};
use super::{Host, Output, Terminal, wait_until};

/// An sshd that accepts one key, which can run `dokku` and nothing else. Killed when dropped.
pub struct Ssh {
    directory: TempDir,
    process: Handle,
    port: u16,
    user: String,
}

impl Ssh {
    /// The name of the key.
    pub const KEY: &str = "ada";

    /// `None`, with a line on stderr, if this machine has no sshd.
    pub fn start(host: &Host) -> Option<Self> {
        let program = cmd!(repository().join("scripts/get-sshd"))
            .unchecked()
            .stdout_capture()
            .run()
            .unwrap();
        if !program.status.success() {
            let _ = writeln!(std::io::stderr(), "skipped: there is no sshd to log in to");
            return None;
        }
        let program = String::from_utf8(program.stdout).unwrap();
        let directory = tempfile::tempdir().unwrap();
        // sshd reads the keys as the user who logs in.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        make_keys(directory.path());
        allow(directory.path(), host);
        // Dokku's user has no password; only PAM lets such a user in.
        let pam = !host.is_disposable();
        loop {
            let port = free_port();
            let process = serve(Path::new(program.trim()), directory.path(), port, pam);
            let listens = wait_until("sshd listens", || {
                let log = fs::read_to_string(directory.path().join("log")).ok()?;
                match process.try_wait().unwrap() {
                    None => log.contains("Server listening on").then_some(true),
                    Some(_) if log.contains("already in use") => Some(false),
                    Some(_) => panic!("sshd ended: {log}"),
                }
            });
            if listens {
                let user = host.user();
                return Some(Self {
                    directory,
                    process,
                    port,
                    user,
                });
            }
        }
    }

    /// The words of the SSH client for a command, which is passed on unchanged.
    fn words(&self, options: &[&str], text: &str) -> Vec<OsString> {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let identity = path("key");
        let known = format!("UserKnownHostsFile={}", path("known_hosts"));
        let port = self.port.to_string();
        let fixed = [
            "-F",
            "none",
            "-i",
            &identity,
            "-p",
            &port,
            "-l",
            &self.user,
            "-o",
            &known,
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "LogLevel=ERROR",
        ];
        let words = [&fixed[..], options, &["--", "127.0.0.1", text]].concat();
        words.into_iter().map(OsString::from).collect()
    }

    /// `ssh <text>`, ready for redirections.
    pub fn command(&self, text: &str) -> Expression {
        Host::without_its_variables(cmd("ssh", self.words(&[], text)))
    }

    /// Runs a command without input.
    pub fn run(&self, text: &str) -> Output {
        run_to_end(&self.command(text).stdin_null())
    }

    /// `ssh -t <text>` on a terminal.
    pub fn terminal(&self, text: &str) -> Terminal {
        let words = self.words(&["-t"], text).into_iter();
        Terminal::start_program("\"$@\"", std::iter::once("ssh".into()).chain(words))
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

fn make_keys(directory: &Path) {
    for name in ["key", "host_key"] {
        let file = directory.join(name);
        cmd!("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file)
            .run()
            .expect("ssh-keygen of openssh-client");
    }
}

/// Writes the line that Dokku creates for a key (`sshcommand acl-add`).
fn allow(directory: &Path, host: &Host) {
    let command = directory.join("sshcommand");
    fs::write(&command, format!("{}\n", host.program().display())).unwrap();
    let key = fs::read_to_string(directory.join("key.pub")).unwrap();
    let line = format!(
        "command=\"FINGERPRINT=SHA256:x NAME=\\\"{}\\\" `cat {}` $SSH_ORIGINAL_COMMAND\",\
         no-agent-forwarding,no-user-rc,no-X11-forwarding,no-port-forwarding {key}",
        Ssh::KEY,
        command.display(),
    );
    fs::write(directory.join("authorized_keys"), line).unwrap();
}

/// A free port. Another process may take it before sshd does.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn serve(program: &Path, directory: &Path, port: u16, pam: bool) -> Handle {
    let path = |name: &str| directory.join(name).display().to_string();
    let mut lines = vec![
        format!("ListenAddress 127.0.0.1:{port}"),
        format!("HostKey {}", path("host_key")),
        format!("AuthorizedKeysFile {}", path("authorized_keys")),
        "PidFile none".to_owned(),
        format!("UsePAM {}", if pam { "yes" } else { "no" }),
        "StrictModes no".to_owned(), // every user can write to the parents of a temporary directory
        "AuthenticationMethods publickey".to_owned(),
        "PrintMotd no".to_owned(),
    ];
    // An sshd that was unpacked from a package (scripts/get-sshd) has its parts next to it.
    let lib = program.with_file_name("lib");
    for (name, option) in [
        ("sshd-session", "SshdSessionPath"),
        ("sshd-auth", "SshdAuthPath"),
    ] {
        let file = lib.join(name);
        if file.exists() {
            lines.push(format!("{option} {}", file.display()));
        }
    }
    fs::write(directory.join("config"), lines.join("\n") + "\n").unwrap();
    let _ = fs::remove_file(directory.join("log"));
    // sshd is killed also when the test is killed.
    cmd!(
        "setpriv",
        "--pdeathsig=KILL",
        program,
        "-D",
        "-f",
        path("config"),
        "-E",
        path("log")
    )
    .stdin_null()
    .stdout_null()
    .stderr_null()
    .unchecked()
    .start()
    .unwrap()
}
