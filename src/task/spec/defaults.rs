//! The defaults of an app's tasks, for options that their command does not have.

use anyhow::Result;

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::resource::{Resources, megabytes};
use crate::settings::choices::OnHangup;
use crate::settings::properties::{CPUS, MEMORY, NONE, ON_HANGUP, Property, STDIN, TTL_SECONDS};
use crate::settings::times::{self, TimeToLive};

/// The effective properties of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) time_to_live: TimeToLive,
    pub(crate) stdin: bool,
    pub(crate) on_hangup: Option<OnHangup>,
    memory: Option<String>,
    cpus: Option<String>,
}

impl Settings {
    /// Reads the properties of the app, or the global ones.
    ///
    /// # Errors
    /// The file of a property was edited by hand, and its value is not valid.
    pub(crate) fn of(host: &Host, app: &App) -> Result<Self> {
        let value = |key: &Property| -> Result<String> {
            let value = key.effective(host, app);
            if !value.is_empty() {
                key.check(&value)?;
            }
            Ok(value)
        };
        let filled = |value: String| Some(value).filter(|value| !value.is_empty());
        let time_to_live =
            times::time_to_live(&value(&TTL_SECONDS)?).map_err(anyhow::Error::msg)?;
        Ok(Self {
            time_to_live,
            stdin: value(&STDIN)? != NONE,
            on_hangup: value(&ON_HANGUP)?.parse().ok(),
            memory: filled(value(&MEMORY)?),
            cpus: filled(value(&CPUS)?),
        })
    }

    /// These limits override those of the app. A memory limit replaces all three of the app's
    /// memory values (memory, swap, reservation), because docker requires them to be
    /// consistent.
    pub(crate) fn override_limits(self, app: Resources) -> Resources {
        let cpus = self.cpus.or(app.cpus.clone());
        match self.memory {
            Some(memory) => {
                let memory = Some(megabytes(memory));
                Resources {
                    memory,
                    memory_swap: None,
                    memory_reservation: None,
                    cpus,
                    ..app
                }
            }
            None => Resources { cpus, ..app },
        }
    }
}
