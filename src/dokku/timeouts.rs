//! How long others may take: global properties of ours.

use std::time::Duration;

use crate::dokku::host::Host;
use crate::dokku::property::{GLOBAL, PLUGIN_NAME};

/// The longest time that is taken anywhere: a hundred years.
pub(crate) const MAX_SECONDS: u64 = 100 * 365 * 24 * 60 * 60;

/// A property, and the seconds that hold when it is not set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeout {
    pub(crate) property: &'static str,
    pub(crate) default: &'static str,
}

/// Docker, for an answer: not for what a task does, nor for a pull.
pub(crate) const DOCKER_TIMEOUT: Timeout = Timeout {
    property: "docker-timeout",
    default: "60",
};

/// A hook that is told of a task.
pub(crate) const HOOK_TIMEOUT: Timeout = Timeout {
    property: "hook-timeout",
    default: "60",
};

impl Host {
    /// One that was written by hand, and wrongly, is the default.
    pub(crate) fn timeout(&self, limit: Timeout) -> Duration {
        let set = self.property(PLUGIN_NAME, GLOBAL, limit.property);
        let seconds = set.and_then(|value| value.parse().ok());
        let default = || limit.default.parse().unwrap_or(60);
        Duration::from_secs(seconds.unwrap_or_else(default))
    }
}
