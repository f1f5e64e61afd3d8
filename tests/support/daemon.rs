//! A docker daemon for one test, which may be stopped and killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use duct::{Expression, Handle, cmd};
use tempfile::TempDir;

use super::{poll_for, wait_until};

/// A daemon, and a containerd that outlives its daemon, as on a real host.
///
/// They run in namespaces of their own. From their network namespace they can reach neither the
/// machine's bridge `docker0` nor its firewall: a second daemon next to the machine's would delete
/// the bridge. The first process of their PID namespace is a `sleep`: when it is killed, everything
/// in the namespaces is removed, including containers and mounts.
pub struct Daemon {
    directory: TempDir,
    live_restore: bool,
    first: Handle,
    /// Identifies the machine's own bridge before the test.
    bridge: Option<String>,
}

/// How a daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The daemon gets TERM and cleans up.
    Stopped,
    /// The daemon is killed and cannot clean up.
    Killed,
}

/// Seconds for which the daemon waits for its containers when it stops.
const SHUTDOWN_TIMEOUT: &str = "10";

impl Daemon {
    /// # Errors
    /// The reason why this machine cannot run a second daemon.
    pub fn start(live_restore: bool) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("a daemon takes root".to_owned());
        }
        for program in ["unshare", "nsenter", "containerd", "dockerd"] {
            find(program)?;
        }
        // A short path, because a socket's path has at most 108 bytes.
        let directory = tempfile::Builder::new()
            .prefix("oneoff-daemon-")
            .tempdir()
            .unwrap();
        let first = File::create(directory.path().join("first.log")).unwrap();
        let first = cmd!(
            find("unshare")?,
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sleep",
            "infinity"
        )
        .stdin_null()
        .stdout_null()
        .stderr_file(first)
        .unchecked()
        .start()
        .unwrap();
        let daemon = Self {
            directory,
            live_restore,
            first,
            bridge: bridge(),
        };
        let begun = poll_for(Duration::from_secs(10), || {
            match daemon.first.try_wait().unwrap() {
                Some(_) => Some(Err(daemon.last_line("first.log"))),
                None => daemon.first_process().map(Ok),
            }
        });
        begun.ok_or("namespaces are not made within 10 seconds")??;
        daemon.start_containerd();
        daemon.start_dockerd()?;
        Ok(daemon)
    }

    pub fn socket(&self) -> String {
        format!("unix://{}", self.path("docker.sock").display())
    }

    /// Ends the daemon, and waits until its process is gone.
    pub fn stop(&self, end: End) {
        let signal = match end {
            End::Stopped => "TERM",
            End::Killed => "KILL",
        };
        let pid = fs::read_to_string(self.path("docker.pid")).unwrap();
        self.inside(&["kill", "-s", signal, pid.trim()])
            .run()
            .unwrap();
        wait_until("the daemon has gone", || {
            let probe = self.inside(&["kill", "-0", pid.trim()]).stderr_null();
            let gone = !probe.unchecked().run().unwrap().status.success();
            gone.then_some(())
        });
    }

    /// Starts the daemon again, with the data of the one before.
    #[track_caller]
    pub fn restart(&self) {
        if let Err(why) = self.start_dockerd() {
            panic!("the daemon does not start again: {why}");
        }
    }

    /// Changes the start time of a container; the daemon reads it when it is started again.
    pub fn move_start(&self, id: &str, to: impl Fn(SystemTime) -> SystemTime) {
        const BEFORE: &str = "\"StartedAt\":\"";
        let file = self.path("data/containers").join(id).join("config.v2.json");
        let text = fs::read_to_string(&file).unwrap();
        let begin = text.find(BEFORE).expect("it was started") + BEFORE.len();
        let end = begin + text[begin..].find('"').unwrap();
        let moved = to(humantime::parse_rfc3339(&text[begin..end]).unwrap());
        let moved = humantime::format_rfc3339(moved);
        fs::write(&file, format!("{}{moved}{}", &text[..begin], &text[end..])).unwrap();
    }

    fn start_containerd(&self) {
        let path = |name: &str| self.path(name).display().to_string();
        let settings = format!(
            "version = 2\nroot = '{}'\nstate = '{}'\n\
             disabled_plugins = ['io.containerd.grpc.v1.cri']\n[grpc]\naddress = '{}'\n",
            path("containerd"),
            path("containerd-state"),
            path("containerd.sock"),
        );
        fs::write(self.path("containerd.toml"), settings).unwrap();
        self.start_inside("containerd", &["--config", &path("containerd.toml")]);
        // The daemon itself waits for containerd's socket.
    }

    fn start_dockerd(&self) -> Result<(), String> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut words: Vec<String> = [
            ("--data-root", path("data")),
            ("--exec-root", path("exec")),
            ("--pidfile", path("docker.pid")),
            ("--host", self.socket()),
            ("--containerd", path("containerd.sock")),
            ("--shutdown-timeout", SHUTDOWN_TIMEOUT.to_owned()),
            ("--bridge", "none".to_owned()),
        ]
        .into_iter()
        .map(|(option, value)| format!("{option}={value}"))
        .collect();
        words.extend(["--iptables=false", "--ip6tables=false"].map(str::to_owned));
        words.extend(self.live_restore.then(|| "--live-restore".to_owned()));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let daemon = self.start_inside("dockerd", &words);
        let socket = self.socket();
        let answer = poll_for(Duration::from_secs(30), || {
            if daemon.try_wait().unwrap().is_some() {
                return Some(Err(self.last_line("dockerd.log")));
            }
            let info = cmd!("docker", "--host", &socket, "info")
                .stdout_null()
                .stderr_null();
            let answers = info.unchecked().run().unwrap().status.success();
            answers.then_some(Ok(()))
        });
        answer.unwrap_or_else(|| Err(format!("no answer: {}", self.last_line("dockerd.log"))))
    }

    fn start_inside(&self, program: &str, words: &[&str]) -> Handle {
        let path = find(program).unwrap();
        let words = [&[path.to_str().unwrap()], words].concat();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path(&format!("{program}.log")))
            .unwrap();
        let command = self.inside(&words).stdin_null().stdout_null();
        command.stderr_file(log).unchecked().start().unwrap()
    }

    /// A command that runs in the daemon's namespaces.
    fn inside(&self, words: &[&str]) -> Expression {
        let first = self.first_process().expect("the first process lives");
        let enter = [
            "--net",
            "--mount",
            "--pid",
            "--target",
            &first.to_string(),
            "--",
        ];
        cmd(find("nsenter").unwrap(), [&enter[..], words].concat())
    }

    /// The first process of the namespaces, by its id outside of them.
    fn first_process(&self) -> Option<u32> {
        let unshare = self.first.pids()[0];
        let path = format!("/proc/{unshare}/task/{unshare}/children");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    fn last_line(&self, log: &str) -> String {
        let text = fs::read_to_string(self.path(log)).unwrap_or_default();
        text.lines().last().unwrap_or("it says nothing").to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // When the first process is killed, the kernel kills all others in the PID namespace and
        // unmounts what was mounted in the mount namespace.
        if let Some(first) = self.first_process() {
            let _ = cmd!("kill", "-KILL", first.to_string()).unchecked().run();
        }
        let _ = self.first.wait();
        if !std::thread::panicking() {
            assert_eq!(bridge(), self.bridge, "the machine's docker0 was touched");
        }
    }
}

/// Distinguishes the machine's `docker0` from one that was created again; `None` if there is none.
fn bridge() -> Option<String> {
    let about = |name| fs::read_to_string(format!("/sys/class/net/docker0/{name}")).ok();
    Some(about("ifindex")? + &about("address")?)
}

fn find(program: &str) -> Result<PathBuf, String> {
    let places = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
    which::which_in(program, Some(places), Path::new("/"))
        .map_err(|_| format!("there is no {program}"))
}
