//! The interface to Dokku: its environment, its triggers and hooks, and what they report
//! about an app.
//!
//! `host::Host` is the installation. Its facets are `triggers`, `properties`, `apps`, `access`,
//! `scheduler_plugin`, `app_settings` and `deployed_image`.

pub(crate) mod access;
pub(crate) mod app_settings;
pub(crate) mod apps;
pub(crate) mod argv;
pub(crate) mod background;
pub(crate) mod deployed_image;
pub(crate) mod docker_client;
pub(crate) mod host;
mod procfile;
pub(crate) mod properties;
pub(crate) mod resource;
pub(crate) mod scheduler_plugin;
pub(crate) mod system_user;
pub(crate) mod task_name;
pub(crate) mod timeouts;
pub(crate) mod trigger_runner;
pub(crate) mod triggers;
