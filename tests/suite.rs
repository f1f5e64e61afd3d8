//! `dokku run …` on a real docker, through Dokku's dispatch.
//!
//! `ONEOFF_TEST_HOST` says what runs it, and no test knows which: `embedded` (the
//! default, `tests/host/`), `installed` (a Dokku of this machine with this plugin)
//! or `parity` (that Dokku with its own `run`: only tests in modules of that name,
//! which prove that a test states what core does).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test fails by panicking and may print a table, and its support is a library of this one binary"
)]

mod support;

mod arguments;
mod attach;
mod bus;
mod bytes;
mod cron;
mod daemon_restarts;
mod detached;
mod docker_options;
mod environment;
mod event_labels;
mod exec;
mod exit_status;
mod failures;
mod faults;
mod global_flags;
mod help;
mod history;
mod hostile;
mod image_types;
mod impostors;
mod install;
mod labels;
mod life_cycle;
mod list;
mod lock;
mod logs;
mod many;
mod notify;
mod outputs;
mod planted;
mod procfile;
mod properties;
mod questions;
mod recorded;
mod records;
mod registry;
mod resources;
mod retire;
mod rooms;
mod schedulers;
mod screen;
mod scripts;
mod signals;
mod soak;
mod ssh;
mod stop;
mod streams;
mod supervisor;
mod system_user;
mod terminal;
mod tree;
mod unwritable;
mod visibility;
mod wait;
