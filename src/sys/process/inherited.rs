//! Process attributes other than the environment that a process inherits from its parent.
//!
//! Attributes that only root may change are not reset: a lowered hard limit, a nice value, and the
//! control group. To get another control group is up to systemd: its system manager asks polkit
//! first (org.freedesktop.systemd1(5), `StartTransientUnit`), and user `dokku` has no session and
//! therefore no manager of its own. If a session or service is stopped with all processes of its
//! control group, this ends a supervisor that was started in it. The next command or `run:retire`
//! starts another supervisor, and nothing is lost.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::Mode;
use rustix::process::{Resource, getrlimit, setpriority_process, setrlimit, umask};
use signal_hook::consts::{SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

/// The umask of a login session.
const MASK: Mode = Mode::WGRP.union(Mode::WOTH);

/// The soft limits of a session (the kernel's defaults, `include/asm-generic/resource.h`): a
/// number, or `None` for the hard limit.
const LIMITS: [(Resource, Option<u64>); 13] = [
    (Resource::As, None),
    (Resource::Core, Some(0)),
    (Resource::Cpu, None),
    (Resource::Data, None),
    (Resource::Fsize, None),
    (Resource::Locks, None),
    (Resource::Memlock, None),
    (Resource::Msgqueue, None),
    (Resource::Nofile, Some(1024)),
    (Resource::Nproc, None),
    (Resource::Rss, None),
    (Resource::Sigpending, None),
    (Resource::Stack, Some(8 * 1024 * 1024)),
];

/// Signals that the caller may have set to "ignore", as `nohup` and scripts do. A program that is
/// executed inherits that.
const SIGNALS: [i32; 8] = [
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
];

/// Resets umask, soft limits, nice value, OOM score adjustment and ignored signals, as far as the
/// kernel allows it.
pub(crate) fn reset() {
    umask(MASK);
    for (resource, default) in LIMITS {
        let mut limit = getrlimit(resource);
        limit.current = match (default, limit.maximum) {
            (Some(default), Some(hard)) => Some(default.min(hard)),
            (Some(default), None) => Some(default),
            (None, hard) => hard,
        };
        let _ = setrlimit(resource, limit);
    }
    let _ = setpriority_process(None, 0);
    let _ = fs::write("/proc/self/oom_score_adj", "0");
    for signal in SIGNALS {
        // execve(2) resets a handled signal to its default, but not an ignored one. This handler
        // itself does what the default does.
        let always = Arc::new(AtomicBool::new(true));
        let _ = signal_hook::flag::register_conditional_default(signal, always);
    }
}
