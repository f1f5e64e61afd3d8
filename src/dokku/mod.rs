//! What Dokku knows: its environment, its hooks and their order, and what they
//! say about an app.

pub(crate) mod ancestors;
pub(crate) mod app;
mod background;
pub(crate) mod bus;
pub(crate) mod config;
pub(crate) mod flags;
pub(crate) mod hooks;
pub(crate) mod host;
pub(crate) mod image;
pub(crate) mod limits;
pub(crate) mod message;
pub(crate) mod options;
pub(crate) mod procfile;
pub(crate) mod property;
pub(crate) mod resource;
pub(crate) mod scheduler;
pub(crate) mod ssh;
pub(crate) mod system_user;
pub(crate) mod words;
