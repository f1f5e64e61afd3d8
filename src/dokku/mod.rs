//! The interface to Dokku: its environment, its triggers and hooks, and what they report
//! about an app.

pub(crate) mod app;
pub(crate) mod argv;
pub(crate) mod background;
pub(crate) mod config;
pub(crate) mod docker_args;
pub(crate) mod docker_client;
pub(crate) mod firing;
pub(crate) mod host;
pub(crate) mod image;
pub(crate) mod procfile;
pub(crate) mod property;
pub(crate) mod resource;
pub(crate) mod scheduler;
pub(crate) mod system_user;
pub(crate) mod task_name;
pub(crate) mod timeouts;
pub(crate) mod triggers;
