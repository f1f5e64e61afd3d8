//! The name of an app's current image, and where it is pulled from.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::app::App;
use super::host::Host;
use crate::parallel::joined;

/// What a release without push to a registry is tagged with.
const LATEST: &str = "latest";

/// `<registry prefix><repository>:<tag>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppImage {
    pub(crate) reference: String,
    pub(crate) tag: String,
}

impl AppImage {
    /// Only a release that was pushed has a tag of its own and can be pulled.
    pub(crate) fn can_be_pulled(&self) -> bool {
        self.tag != LATEST
    }
}

impl Host {
    /// The image that the app was deployed as.
    ///
    /// # Errors
    /// A hook fails.
    pub(crate) fn app_image(&self, app: &App) -> Result<AppImage> {
        let ask = |hook| {
            self.ask(hook, &[app.name()])
                .map(|answer| answer.trim().to_owned())
        };
        let (tag, prefix, repository) = std::thread::scope(|scope| {
            let tag = scope.spawn(|| ask("deployed-app-image-tag"));
            let prefix = scope.spawn(|| ask("deployed-app-repository"));
            (joined(tag), joined(prefix), ask("deployed-app-image-repo"))
        });
        let tag = Some(tag?)
            .filter(|tag| !tag.is_empty())
            .unwrap_or_else(|| LATEST.to_owned());
        let prefix = prefix?;
        let repository = Some(repository?)
            .filter(|repository| !repository.is_empty())
            .unwrap_or_else(|| format!("dokku/{}", app.name()));
        Ok(AppImage {
            reference: format!("{prefix}{repository}:{tag}"),
            tag,
        })
    }

    /// The directory that docker reads the app's registry login from, where it
    /// has one of its own.
    pub(crate) fn registry_login(&self, app: &App) -> Option<PathBuf> {
        let directory = self.library.join("config/registry").join(app.name());
        let config: ClientConfig =
            serde_json::from_slice(&fs::read(directory.join("config.json")).ok()?).ok()?;
        config.auths.map(|_| directory)
    }
}

/// The configuration file of docker's client, as far as it matters here.
#[derive(Deserialize)]
struct ClientConfig {
    auths: Option<IgnoredAny>,
}
