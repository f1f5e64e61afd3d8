//! The name of an app's current image, and the login for its registry.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::dokku::app::App;
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

impl Host {
    /// The tag of the image that was deployed for the app.
    ///
    /// # Errors
    /// A hook fails.
    pub(crate) fn image_tag(&self, app: &App) -> Result<String> {
        let tag = self.ask_of_image("deployed-app-image-tag", app)?;
        Ok(Some(tag)
            .filter(|tag| !tag.is_empty())
            .unwrap_or_else(|| LATEST.to_owned()))
    }

    /// The part of that image's reference before the tag: registry prefix and repository.
    ///
    /// # Errors
    /// A hook fails.
    pub(crate) fn image_repository(&self, app: &App) -> Result<String> {
        let (prefix, repository) = std::thread::scope(|scope| {
            let prefix = scope.spawn(|| self.ask_of_image("deployed-app-repository", app));
            let repository = self.ask_of_image("deployed-app-image-repo", app);
            (joined(prefix), repository)
        });
        let prefix = prefix?;
        let repository = Some(repository?)
            .filter(|repository| !repository.is_empty())
            .unwrap_or_else(|| format!("dokku/{}", app.name()));
        Ok(prefix + &repository)
    }

    fn ask_of_image(&self, hook: &str, app: &App) -> Result<String> {
        self.query(hook, &[app.name()])
            .map(|answer| answer.trim().to_owned())
    }

    /// The directory from which docker reads the app's registry login; `None` if the app has no
    /// login of its own.
    pub(crate) fn registry_login(&self, app: &App) -> Option<PathBuf> {
        let directory = self.library.join("config/registry").join(app.name());
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
