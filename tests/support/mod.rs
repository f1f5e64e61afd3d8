//! What the tests stand on: a Dokku host, its apps, docker, and waiting.

mod app;
mod docker;
mod gate;
mod host;
mod log;
mod output;
mod processes;
mod pty;
mod records;
mod registry;
mod ssh;
mod wait;

pub use app::{App, Image};
pub use docker::docker;
pub use gate::Gate;
pub use host::{Host, finish, has_subcommand, plugin_tree, repository};
pub use log::Log;
pub use output::Output;
pub use processes::{children, docker_client, is_gone, our_program, signal, signal_ours};
pub use pty::Terminal;
pub use records::{record, records, store, write_lines, write_records};
pub use registry::{Login, Registry};
pub use ssh::Ssh;
pub use wait::wait_until;
