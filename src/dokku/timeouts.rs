//! Time limits of docker and of hooks, from global properties of the plugin.

use std::time::Duration;

use crate::dokku::host::Host;
use crate::dokku::properties::{GLOBAL, PLUGIN_NAME};

/// The upper limit of every duration: a hundred years.
pub(crate) const MAX_SECONDS: u64 = 100 * 365 * 24 * 60 * 60;

/// A property, and its default in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeout {
    pub(crate) property: &'static str,
    pub(crate) default: &'static str,
}

/// For docker's answers; not for the run time of a task, nor for pulls.
pub(crate) const DOCKER_TIMEOUT: Timeout = Timeout {
    property: "docker-timeout",
    default: "60",
};

/// For a hook that is notified of a task.
pub(crate) const HOOK_TIMEOUT: Timeout = Timeout {
    property: "hook-timeout",
    default: "60",
};

impl Timeout {
    /// The limit in effect. A value that is not a number counts as not set.
    pub(crate) fn in_effect(self, host: &Host) -> Duration {
        let set = host.properties(PLUGIN_NAME).get(GLOBAL, self.property);
        let seconds = set.and_then(|value| value.parse().ok());
        let default = || self.default.parse().unwrap_or(60);
        Duration::from_secs(seconds.unwrap_or_else(default))
    }
}
