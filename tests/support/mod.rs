//! What the tests stand on: a Dokku host, its apps, docker, and waiting.

mod app;
mod docker;
mod gate;
mod host;
mod output;
mod wait;

pub use app::{App, Image};
pub use docker::docker;
pub use gate::Gate;
pub use host::{Host, finish, plugin_tree, repository};
pub use output::Output;
pub use wait::wait_until;
