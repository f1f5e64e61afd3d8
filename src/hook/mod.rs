//! One file a trigger that the plugin implements.

pub(crate) mod cron;
pub(crate) mod properties;
pub(crate) mod scheduler_run_retire;
