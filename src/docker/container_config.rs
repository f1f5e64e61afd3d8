//! `docker container inspect`: the configuration that a container was created with.

use anyhow::Result;
use serde::Deserialize;

use crate::docker::{Docker, entrypoint};

/// The part of a container's configuration that a command needs in order to attach to the container
/// or to execute another process in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerConfig {
    pub(crate) tty: bool,
    pub(crate) open_stdin: bool,
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
}

impl ContainerConfig {
    /// The word with which buildpack images run a command in the app's environment: `/exec` of
    /// herokuish, `launcher` of Cloud Native Buildpacks.
    pub(crate) fn launcher(&self) -> Option<&str> {
        let first = |words: &Option<Vec<String>>| words.as_ref()?.first().cloned();
        if first(&self.cmd).as_deref() == Some("/exec") {
            return Some("/exec");
        }
        let words = self.entrypoint.as_ref()?;
        words
            .first()
            .filter(|_| entrypoint::is_launcher(words))
            .map(String::as_str)
    }
}

impl Docker {
    /// Returns `None` if the container does not exist any more.
    ///
    /// # Errors
    /// docker does not answer or reports an error (exit code 125).
    pub(crate) fn container_config(&self, id: &str) -> Result<Option<ContainerConfig>> {
        self.inspect_field(id, "{{json .Config}}", |json| serde_json::from_slice(json))
    }
}

#[cfg(test)]
mod tests {
    use crate::docker::container_config::ContainerConfig;

    #[test]
    fn the_launcher_is_found_in_the_entrypoint_or_at_the_start_of_cmd() {
        for (entrypoint, cmd, launcher) in [
            ("null", r#"["/exec","rake"]"#, Some("/exec")),
            (r#"["launcher"]"#, r#"["rake"]"#, Some("launcher")),
            (
                r#"["/cnb/lifecycle/launcher"]"#,
                "null",
                Some("/cnb/lifecycle/launcher"),
            ),
            (r#"["/entrypoint.sh"]"#, r#"["rake","/exec"]"#, None),
            ("null", "null", None),
        ] {
            let json = format!(
                r#"{{"Tty":false,"OpenStdin":true,"Entrypoint":{entrypoint},"Cmd":{cmd}}}"#
            );
            let config: ContainerConfig = serde_json::from_str(&json).unwrap();
            assert_eq!(config.launcher(), launcher, "{json}");
        }
    }
}
