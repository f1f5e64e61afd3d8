//! What an app's tasks get where their command says nothing.

use anyhow::Result;

use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::resource::{Resources, megabytes};
use crate::settings::choices::OnHangup;
use crate::settings::properties::{CPUS, MEMORY, NONE, ON_HANGUP, Property, STDIN, TTL_SECONDS};
use crate::settings::times::{self, TimeToLive};

/// What holds for the tasks of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) time_to_live: TimeToLive,
    pub(crate) stdin: bool,
    pub(crate) on_hangup: Option<OnHangup>,
    memory: Option<String>,
    cpus: Option<String>,
}

impl Settings {
    /// # Errors
    /// A property's file was written by hand, and wrongly.
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

    /// These limits over the app's. A memory of its own stands in for the app's
    /// three, which docker wants to agree.
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
