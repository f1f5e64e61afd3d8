//! The plugin's own properties: the defaults of an app's tasks, used where the command has no
//! option.

use std::str::FromStr;

use anyhow::{Result, bail};

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::properties::PLUGIN_NAME;
use crate::dokku::timeouts;
use crate::dokku::timeouts::Timeout;
use crate::settings::choices::OnHangup;
use crate::settings::{times, validate};

/// The plugin's name in Dokku's property store.
pub(crate) const PLUGIN: &str = PLUGIN_NAME;

/// A property of the plugin.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    /// The value if the property is not set.
    pub(crate) default: &'static str,
    /// Whether the property applies to the host only, not to an app.
    pub(crate) global: bool,
    check: fn(&str) -> Result<(), String>,
}

pub(crate) const TTL_SECONDS: Property = Property {
    name: "ttl-seconds",
    default: "86400",
    global: false,
    check: |text| times::time_to_live(text).map(|_| ()),
};
pub(crate) const MEMORY: Property = Property {
    name: "memory",
    default: "",
    global: false,
    check: |text| validate::memory(text).map(|_| ()),
};
pub(crate) const CPUS: Property = Property {
    name: "cpus",
    default: "",
    global: false,
    check: |text| validate::cpus(text).map(|_| ()),
};
pub(crate) const STDIN: Property = Property {
    name: "stdin",
    default: ATTACH,
    global: false,
    check: |text| one_of([ATTACH, NONE], text),
};

pub(crate) const ON_HANGUP: Property = Property {
    name: "on-hangup",
    default: "",
    global: false,
    check: |text| text.parse::<OnHangup>().map(|_| ()),
};

/// The number of records that are stored per app.
pub(crate) const KEEP_RECORDS: Property = Property {
    name: "keep-records",
    default: "1000",
    global: false,
    check: |text| validate::count(text).map(|_| ()),
};
/// The number of detached tasks per app whose output is saved.
pub(crate) const KEEP_OUTPUTS: Property = Property {
    name: "keep-outputs",
    default: "50",
    global: false,
    check: |text| validate::count(text).map(|_| ()),
};
/// The size of a saved output in bytes, including the time of each line.
pub(crate) const OUTPUT_BYTES: Property = Property {
    name: "output-bytes",
    default: "1048576",
    global: false,
    check: |text| validate::bytes(text).map(|_| ()),
};
/// Which split of an SSH command is used: as typed, or Dokku's. The property is global, because
/// the app is itself one of the words.
pub(crate) const SSH_WORDS: Property = Property {
    name: "ssh-words",
    default: TYPED,
    global: true,
    check: |text| one_of([TYPED, SSH_WORDS_DOKKU], text),
};

const fn limit(limit: Timeout) -> Property {
    Property {
        name: limit.property,
        default: limit.default,
        global: true,
        check: |text| times::seconds(text).map(|_| ()),
    }
}
pub(crate) const DOCKER_TIMEOUT: Property = limit(timeouts::DOCKER_TIMEOUT);
pub(crate) const HOOK_TIMEOUT: Property = limit(timeouts::HOOK_TIMEOUT);

/// All properties, sorted by name.
pub(crate) const PROPERTIES: [&Property; 11] = [
    &CPUS,
    &DOCKER_TIMEOUT,
    &HOOK_TIMEOUT,
    &KEEP_OUTPUTS,
    &KEEP_RECORDS,
    &MEMORY,
    &ON_HANGUP,
    &OUTPUT_BYTES,
    &SSH_WORDS,
    &STDIN,
    &TTL_SECONDS,
];

const ATTACH: &str = "attach";
pub(crate) const NONE: &str = "none";
const TYPED: &str = "typed";
pub(crate) const SSH_WORDS_DOKKU: &str = "dokku";

fn one_of(words: [&str; 2], text: &str) -> Result<(), String> {
    if words.contains(&text) {
        Ok(())
    } else {
        Err(format!("expected {}", words.join(" or ")))
    }
}

impl Property {
    /// # Errors
    /// There is no property of this name; the message lists all names.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        if let Some(key) = PROPERTIES.into_iter().find(|key| key.name == name) {
            return Ok(key);
        }
        bail!(
            "unknown property '{name}'; valid properties: {}",
            PROPERTIES.map(|key| key.name).join(", ")
        )
    }

    /// # Errors
    /// The value is not valid for this property.
    pub(crate) fn check(&self, value: &str) -> Result<()> {
        match (self.check)(value) {
            Ok(()) => Ok(()),
            Err(why) => bail!(
                "invalid value '{value}' for property '{}': {why}",
                self.name
            ),
        }
    }

    /// The value in effect for the app.
    pub(crate) fn effective(&self, host: &Host, app: &App) -> String {
        self.effective_for(host, app.name())
    }

    /// Like [`Property::effective`], for the name of an app that may have been destroyed.
    fn effective_for(&self, host: &Host, app: &str) -> String {
        host.properties(PLUGIN)
            .get_or_global(app, self.name)
            .unwrap_or_else(|| self.default.to_owned())
    }

    /// The value in effect of a property that is a number. If the stored value is not valid (edited
    /// by hand), the default is used, because at a task's end there is no user to report it to.
    pub(crate) fn effective_number<T: FromStr>(&self, host: &Host, app: &str) -> Option<T> {
        let value = self.effective_for(host, app);
        let good = self.check(&value).is_ok();
        Some(value)
            .filter(|_| good)
            .and_then(|value| value.parse().ok())
            .or_else(|| self.default.parse().ok())
    }
}
