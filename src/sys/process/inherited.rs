//! What a process inherits from the one that starts it, beside its environment.
//!
//! Not reset is what only root may change: a hard limit that was lowered, a nice value, and
//! the control group. Another group is systemd's to make, whose system manager asks polkit
//! first (org.freedesktop.systemd1(5), `StartTransientUnit`), and user `dokku` has no
//! session and so no manager of its own. A session or service that is stopped with all
//! that is in its group ends a supervisor that it has started: the next command or
//! `run:retire` starts another one, and nothing is lost.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::Mode;
use rustix::process::{Resource, getrlimit, setpriority_process, setrlimit, umask};
use signal_hook::consts::{SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

/// As login sessions have it.
const MASK: Mode = Mode::WGRP.union(Mode::WOTH);

/// The soft limits of a session (the kernel's, `include/asm-generic/resource.h`): a
/// number, or all that the hard limit allows.
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

/// Signals that a caller may have ignored, as `nohup` and scripts do: a program that is
/// started would ignore them, too.
const SIGNALS: [i32; 8] = [
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
];

/// Resets umask, soft limits, nice value, the score for the kernel's choice when memory
/// runs out, and ignored signals, as far as the kernel allows.
pub(crate) fn reset() {
    umask(MASK);
    for (resource, usual) in LIMITS {
        let mut limit = getrlimit(resource);
        limit.current = match (usual, limit.maximum) {
            (Some(usual), Some(hard)) => Some(usual.min(hard)),
            (Some(usual), None) => Some(usual),
            (None, hard) => hard,
        };
        let _ = setrlimit(resource, limit);
    }
    let _ = setpriority_process(None, 0);
    let _ = fs::write("/proc/self/oom_score_adj", "0");
    for signal in SIGNALS {
        // A handler is no handler any more in a program that is started (execve(2)); this
        // one does what is done without.
        let always = Arc::new(AtomicBool::new(true));
        let _ = signal_hook::flag::register_conditional_default(signal, always);
    }
}
