//! Collects the app facts from Dokku and docker, in parallel.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::docker::image_inspect::ImageInfo;
use crate::docker::option::DockerOption;
use crate::docker::{Docker, Kind, option};
use crate::dokku::apps::App;
use crate::dokku::deployed_image::AppImage;
use crate::dokku::host::Host;
use crate::dokku::resource::Resources;
use crate::dokku::scheduler_plugin::DOCKER_LOCAL;
use crate::sys::parallel::joined;
use crate::task::model::labels;
use crate::task::model::request::{CommandSyntax, Request};
use crate::task::spec::defaults::Settings;
use crate::ui::message;

/// The variables that procfile-util puts into every entry, with default values.
pub(crate) const ENTRY_VARIABLES: [&str; 2] = ["PORT", "PS"];

/// Everything that Dokku and docker report about an app before a task is created.
#[derive(Debug, Default)]
pub(crate) struct AppFacts {
    pub(crate) app: String,
    pub(crate) image: String,
    pub(crate) image_type: ImageType,
    /// The image's own, which the app's docker options may replace.
    pub(crate) image_entrypoint: Vec<String>,
    /// Those of [`ENTRY_VARIABLES`] that the image sets itself.
    pub(crate) image_variables: Vec<&'static str>,
    /// The names of the image's labels that a task's container must not inherit: see
    /// [`labels::options`].
    pub(crate) image_labels: Vec<&'static str>,
    /// The value of docker's `--platform`, if the image was built for another architecture.
    pub(crate) platform: Option<&'static str>,
    pub(crate) docker_options: Vec<DockerOption>,
    pub(crate) config: BTreeMap<String, String>,
    /// The command of the Procfile entry that the first word of the command names, if any, as it
    /// is written.
    pub(crate) procfile_command: Option<String>,
    /// The app's shell; `None` if the app has not chosen one.
    pub(crate) shell: Option<String>,
    /// Seconds.
    pub(crate) stop_timeout: u64,
    pub(crate) init: bool,
    pub(crate) resources: Resources,
    pub(crate) trace: bool,
    /// The kind of docker's client.
    pub(crate) client: Kind,
    /// The user that requests the task.
    pub(crate) user: String,
}

/// Where the app's tasks run.
pub(crate) enum Placement {
    /// On this host's docker, with these facts.
    DockerLocal(Docker, Box<AppFacts>),
    /// With another scheduler of this name, whose plugin collects the facts itself.
    Delegated(String),
}

/// How the image was built, in Dokku's terms.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageType {
    #[default]
    Dockerfile,
    Herokuish,
    Pack,
}

impl ImageType {
    /// `user` is the user that herokuish runs the app as.
    fn of(image: &ImageInfo, user: &str) -> Self {
        if !image.label("io.buildpacks.stack.id").is_empty() {
            Self::Pack
        } else if image.has_env(&format!("USER={user}")) {
            Self::Herokuish
        } else {
            Self::Dockerfile
        }
    }

    /// The type's name in the arguments of hooks.
    fn name(self) -> &'static str {
        match self {
            Self::Dockerfile => "dockerfile",
            Self::Herokuish => "herokuish",
            Self::Pack => "pack",
        }
    }
}

/// Collects the app facts. The two longest chains of queries are: tag → docker options, and
/// image name → image → options for its type. Their queries start first; the queries that need
/// no other result run next to them as soon as the image name is known. To start all queries at
/// once would only slow these chains down on a small host.
///
/// # Errors
/// A query fails, or the app has no released image.
pub(crate) fn resolve(
    host: &Host,
    app: &App,
    request: &Request,
    settings: Settings,
) -> Result<Placement> {
    let entry = request
        .command
        .first()
        .filter(|word| !word.is_empty() && request.syntax == CommandSyntax::EntryOrProgram);
    // Errors are evaluated later: an app of another scheduler needs no docker.
    let docker = Docker::for_host(host);
    std::thread::scope(|scope| {
        let tagged = scope.spawn(|| -> Result<_> {
            let tag = host.image_of(app).tag()?;
            let of_tag = tag.clone();
            let options = scope.spawn(move || host.settings_of(app).docker_options(&of_tag));
            Ok((tag, options))
        });
        let repository = host.image_of(app).repository();
        let named = joined(tagged).and_then(|(tag, options)| {
            let reference = format!("{}:{tag}", repository?);
            Ok((AppImage { reference, tag }, options))
        });
        let scheduler = scope.spawn(|| host.settings_of(app).scheduler());
        let config = scope.spawn(|| host.settings_of(app).config());
        let procfile = scope.spawn(|| {
            entry.map_or(Ok(None), |word| {
                host.settings_of(app).procfile_command(word)
            })
        });
        let stop_timeout = scope.spawn(|| host.settings_of(app).stop_timeout());
        let inspected = match (&docker, &named) {
            (Ok(docker), Ok((name, _))) => docker.image_inspect(&name.reference),
            _ => Ok(None),
        };
        let scheduler = joined(scheduler)?;
        if scheduler != DOCKER_LOCAL {
            return Ok(Placement::Delegated(scheduler));
        }
        let docker = docker?;
        let (name, options) = named?;
        let image = match inspected? {
            Some(image) => image,
            None => pull(host, &docker, app, &name)?,
        };
        ensure_released(&image)?;
        let config = joined(config)?;
        let image_type = ImageType::of(&image, &app_user(host, app, &config));
        let of_type = host
            .settings_of(app)
            .process_docker_options(image_type.name(), &name.tag)?;
        let mut words = joined(options)?;
        words.extend(of_type);
        let platform = foreign_platform(&image.architecture, std::env::consts::ARCH);
        if let Some(platform) = platform {
            // The text of core's message.
            message::warn(&format!(
                "Detected {platform} image, forcing --platform={platform}"
            ));
        }
        let answers = AppFacts {
            app: app.name().to_owned(),
            image: name.reference,
            image_type,
            image_entrypoint: image.entrypoint().to_vec(),
            image_variables: ENTRY_VARIABLES
                .into_iter()
                .filter(|name| image.has_variable(name))
                .collect(),
            image_labels: labels::READ_BY_OTHERS
                .into_iter()
                .filter(|label| image.has_label(label))
                .collect(),
            platform,
            docker_options: option::parse(words)?,
            config,
            procfile_command: joined(procfile)?,
            shell: host.settings_of(app).shell(),
            stop_timeout: joined(stop_timeout)?,
            init: host.settings_of(app).wants_init(),
            resources: settings.override_limits(host.settings_of(app).resources()),
            trace: host.trace,
            client: docker.kind(),
            user: host.requester().to_owned(),
        };
        Ok(Placement::DockerLocal(docker, Box::new(answers)))
    })
}

/// The user that herokuish is configured to run the app as. Like core, the plugin ignores a
/// global value.
fn app_user(host: &Host, app: &App, config: &BTreeMap<String, String>) -> String {
    const KEY: &str = "DOKKU_APP_USER";
    config
        .contains_key(KEY)
        .then(|| host.settings_of(app).own_config(KEY))
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "herokuishuser".to_owned())
}

fn pull(host: &Host, docker: &Docker, app: &App, image: &AppImage) -> Result<ImageInfo> {
    let reference = &image.reference;
    if image.can_be_pulled() {
        host.info(&format!(
            "Image {reference} not found locally, pulling from registry"
        ));
        if docker.image_pull(
            reference,
            host.image_of(app).registry_login().as_deref(),
            host.quiet,
        )? && let Some(inspected) = docker.image_inspect(reference)?
        {
            return Ok(inspected);
        }
    }
    bail!("App image ({reference}) not found");
}

/// The text of core's message: scripts search for it.
fn ensure_released(image: &ImageInfo) -> Result<()> {
    let stage = image.label("com.dokku.image-stage");
    if stage == "release" {
        return Ok(());
    }
    bail!(
        "Invalid image stage detected: expected 'release', got '{stage}'\nSuccessfully deploy your app to fix dokku run calls"
    )
}

/// The platform for `--platform`: on other machines an amd64 image runs emulated if docker gets
/// this option. `machine` is Rust's name of the machine's architecture.
fn foreign_platform(image: &str, machine: &str) -> Option<&'static str> {
    (image == "amd64" && machine != "x86_64").then_some("linux/amd64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_is_set_only_for_amd64_images_on_other_machines() {
        assert_eq!(foreign_platform("amd64", "aarch64"), Some("linux/amd64"));
        assert_eq!(foreign_platform("amd64", "x86_64"), None);
        assert_eq!(foreign_platform("arm64", "aarch64"), None);
    }
}
