//! `docker image inspect`

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::docker::{Docker, docker_error, stderr_contains};

/// What must be known of an image before a task is created from it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImageInfo {
    /// The architecture in Go's words: `amd64`, `arm64`.
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    config: Option<ImageConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    labels: Option<HashMap<String, String>>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
}

impl ImageInfo {
    /// A label's value; empty if the image has no label of this name.
    pub(crate) fn label(&self, name: &str) -> &str {
        let labels = self
            .config
            .as_ref()
            .and_then(|config| config.labels.as_ref());
        labels
            .and_then(|labels| labels.get(name))
            .map_or("", String::as_str)
    }

    /// Whether the image has a label of this name, even with an empty value.
    pub(crate) fn has_label(&self, name: &str) -> bool {
        let config = self.config.as_ref();
        let labels = config.and_then(|config| config.labels.as_ref());
        labels.is_some_and(|labels| labels.contains_key(name))
    }

    /// Whether the image's environment contains exactly this `NAME=value`.
    pub(crate) fn has_env(&self, pair: &str) -> bool {
        let env = self.config.as_ref().and_then(|config| config.env.as_ref());
        env.is_some_and(|env| env.iter().any(|entry| entry == pair))
    }

    /// Whether the image's environment contains a variable of this name.
    pub(crate) fn has_variable(&self, name: &str) -> bool {
        let env = self.config.as_ref().and_then(|config| config.env.as_ref());
        env.is_some_and(|env| {
            let mut names = env.iter().map(|entry| entry.split('=').next());
            names.any(|of_entry| of_entry == Some(name))
        })
    }

    /// The program, with its first arguments, that gets the container's command as further
    /// arguments; empty if the command is the program itself.
    pub(crate) fn entrypoint(&self) -> &[String] {
        let config = self.config.as_ref();
        config
            .and_then(|config| config.entrypoint.as_deref())
            .unwrap_or_default()
    }
}

impl Docker {
    /// Returns `None` if this host does not have the image.
    ///
    /// # Errors
    /// docker does not answer or reports an error (exit code 125).
    pub(crate) fn image_inspect(&self, reference: &str) -> Result<Option<ImageInfo>> {
        let output = self.capture(self.call(&["image", "inspect", "--", reference]))?;
        if !output.status.success() {
            if stderr_contains(&output, "no such image") {
                return Ok(None);
            }
            return Err(docker_error(
                &format!("look at image '{reference}'"),
                &output,
            ));
        }
        let images = parse_images(&output.stdout).with_context(|| {
            format!("docker's description of image '{reference}' cannot be read")
        })?;
        Ok(images.into_iter().next())
    }
}

/// Parses the output of `docker image inspect`.
pub(crate) fn parse_images(json: &[u8]) -> serde_json::Result<Vec<ImageInfo>> {
    serde_json::from_slice(json)
}

#[cfg(test)]
mod tests {
    use crate::docker::image_inspect::ImageInfo;

    #[test]
    fn an_image_without_labels_or_config_is_accepted() {
        for json in [
            r#"{"Architecture":"arm64","Config":{"Labels":null,"Env":null}}"#,
            r#"{"Architecture":"arm64","Config":null}"#,
            r#"{"Architecture":"arm64"}"#,
        ] {
            let image: ImageInfo = serde_json::from_str(json).unwrap();
            assert_eq!(image.architecture, "arm64");
            assert_eq!(image.label("com.dokku.image-stage"), "");
            assert!(!image.has_env("USER=herokuishuser"));
            assert_eq!(image.entrypoint(), [""; 0]);
        }
    }

    #[test]
    fn labels_variables_and_entrypoint_of_an_image_are_read() {
        let json = r#"{"Config":{"Labels":{"com.dokku.image-stage":"release"},"Env":["USER=herokuishuser"],"Entrypoint":["sh","-c"]}}"#;
        let image: ImageInfo = serde_json::from_str(json).unwrap();
        assert_eq!(image.label("com.dokku.image-stage"), "release");
        assert!(image.has_env("USER=herokuishuser"));
        assert!(!image.has_env("USER=herokuish"));
        assert!(image.has_variable("USER") && !image.has_variable("USE"));
        assert_eq!(image.entrypoint(), ["sh", "-c"]);
    }
}
