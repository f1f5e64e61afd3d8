//! The name of the image that was deployed for an app, and the login for its registry.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::sys::parallel::joined;

/// The tag of a release that has not been pushed to a registry.
const LATEST: &str = "latest";

/// `<registry prefix><repository>:<tag>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppImage {
    pub(crate) reference: String,
    pub(crate) tag: String,
}

impl AppImage {
    /// Whether the image can be pulled: only a release that was pushed has a tag of its own.
    pub(crate) fn can_be_pulled(&self) -> bool {
        self.tag != LATEST
    }
}

/// The image that was deployed for an app.
pub(crate) struct DeployedImage<'a> {
    pub(super) host: &'a Host,
    pub(super) app: &'a App,
}

impl DeployedImage<'_> {
    /// The image's tag; `latest` if none is reported.
    ///
    /// # Errors
    /// A hook fails.
    pub(crate) fn tag(&self) -> Result<String> {
        let tag = self.query("deployed-app-image-tag")?;
        Ok(Some(tag)
            .filter(|tag| !tag.is_empty())
            .unwrap_or_else(|| LATEST.to_owned()))
    }

    /// The part of the image's reference before the tag: registry prefix and repository.
    ///
    /// # Errors
    /// A hook fails.
    pub(crate) fn repository(&self) -> Result<String> {
        let (prefix, repository) = std::thread::scope(|scope| {
            let prefix = scope.spawn(|| self.query("deployed-app-repository"));
            let repository = self.query("deployed-app-image-repo");
            (joined(prefix), repository)
        });
        let prefix = prefix?;
        let repository = Some(repository?)
            .filter(|repository| !repository.is_empty())
            .unwrap_or_else(|| format!("dokku/{}", self.app.name()));
        Ok(prefix + &repository)
    }

    fn query(&self, hook: &str) -> Result<String> {
        let answer = self.host.triggers().query(hook, &[self.app.name()]);
        answer.map(|answer| answer.trim().to_owned())
    }

    /// The directory from which docker reads the app's registry login; `None` if the app has no
    /// login of its own.
    pub(crate) fn registry_login(&self) -> Option<PathBuf> {
        let directory = self
            .host
            .library
            .join("config/registry")
            .join(self.app.name());
        let config: ClientConfig =
            serde_json::from_slice(&fs::read(directory.join("config.json")).ok()?).ok()?;
        config.auths.map(|_| directory)
    }
}

/// The fields of docker's client configuration that are used here.
#[derive(Deserialize)]
struct ClientConfig {
    auths: Option<IgnoredAny>,
}
