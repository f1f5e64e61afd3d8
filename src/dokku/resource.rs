//! The resource limits that are set for process type `run`.

use crate::dokku::apps::App;
use crate::dokku::host::Host;

/// Values for the docker options of these names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) memory: Option<String>,
    pub(crate) memory_swap: Option<String>,
    pub(crate) memory_reservation: Option<String>,
    pub(crate) cpus: Option<String>,
    pub(crate) gpus: Option<String>,
}

impl Resources {
    /// Reads the property files instead of firing core's trigger: core's hook falls back to the
    /// defaults for every process type, which are meant for web processes.
    pub(super) fn read(host: &Host, app: &App) -> Self {
        if std::env::var("DOKKU_OMIT_RESOURCE_ARGS").as_deref() == Ok("1") {
            return Self::default();
        }
        let properties = host.properties("resource");
        let limit = |name: &str| properties.get(app.name(), &format!("run.{name}"));
        Self {
            memory: limit("limit.memory").map(megabytes),
            memory_swap: limit("limit.memory-swap").map(megabytes),
            memory_reservation: limit("reserve.memory").map(megabytes),
            cpus: limit("limit.cpu"),
            gpus: limit("limit.nvidia-gpu"),
        }
    }
}

/// Adds `m` to a number without a unit: core's plugin `resource` means megabytes, docker would
/// read bytes.
pub(crate) fn megabytes(value: String) -> String {
    if value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        value + "m"
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use crate::dokku::resource::megabytes;

    #[test]
    fn a_memory_size_without_a_unit_is_in_megabytes() {
        for (set, docker) in [
            ("64", "64m"),
            ("512.5", "512.5m"),
            ("64m", "64m"),
            ("1.5g", "1.5g"),
            ("-1", "-1"),
        ] {
            assert_eq!(megabytes(set.to_owned()), docker);
        }
    }
}
