//! Shared by all tests: a Dokku host, its apps, docker, processes, and polling.

mod app;
mod daemon;
mod docker;
mod footprint;
mod gate;
mod host;
mod ledger;
mod log;
mod not_run;
mod output;
mod processes;
mod pty;
mod records;
mod registry;
mod sabotage;
mod soak;
mod ssh;
mod wait;

pub use app::{App, Image};
pub use daemon::{Daemon, End as DaemonEnd};
pub use docker::docker;
pub use footprint::Footprint;
pub use gate::Gate;
pub use host::{Host, has_subcommand, plugin_tree, repository, run_to_end};
pub use ledger::{Account, Ledger};
pub use log::Log;
pub use not_run::not_run;
pub use output::Output;
pub use processes::{Process, children, docker_client, is_gone, our_program, signal, signal_ours};
pub use pty::Terminal;
pub use records::{record, records, store, write_lines, write_records};
pub use registry::{Login, Registry};
pub use sabotage::{Fault, FaultInjector, HOOK};
pub use soak::{is_soak, soak_tasks};
pub use ssh::Ssh;
pub use wait::{poll_for, wait_for, wait_until};
