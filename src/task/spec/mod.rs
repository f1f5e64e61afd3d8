//! Builds the specification of a task's container from the request and the app facts.

mod command;
pub(crate) mod defaults;
pub(crate) mod environment;
pub(crate) mod resolve;

use anyhow::Result;

use crate::docker::container_create::ContainerSpec;
use crate::docker::option::DockerOption;
use crate::docker::{Kind, entrypoint, events};
use crate::dokku::app_settings::ENTRY_PORT;
use crate::dokku::resource::{Resources, megabytes};
use crate::settings::choices::OnHangup;
use crate::task::model::labels;
use crate::task::model::labels::ConcurrencyRule;
use crate::task::model::request::{CommandSyntax, Request};
use crate::task::spec::command::CommandForm;
use crate::task::spec::environment::Environment;
use crate::task::spec::resolve::{AppFacts, ENTRY_VARIABLES};
use crate::ui::message;

/// The app's docker options that the plugin overrides: with `--rm` the exit code of a failed
/// start would be lost, the others are determined by the request.
const OVERRIDDEN_OPTIONS: [&str; 14] = [
    "rm",
    "detach",
    "d",
    "sig-proxy",
    "tty",
    "t",
    "interactive",
    "i",
    "attach",
    "a",
    "name",
    "restart",
    "pull",
    "detach-keys",
];

/// The streams that are connected to the task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TaskStreams {
    pub(crate) terminal: bool,
    pub(crate) stdin: bool,
}

/// Everything that is needed to create a task's container, except its number.
#[derive(Debug, Clone)]
pub(crate) struct TaskSpec {
    pub(crate) app: String,
    pub(crate) process_type: &'static str,
    /// The name of the Procfile entry that is run, if any.
    pub(crate) procfile_entry: Option<String>,
    pub(crate) environment: Environment,
    pub(crate) image: String,
    pub(crate) streams: TaskStreams,
    pub(crate) on_hangup: Option<OnHangup>,
    /// Seconds.
    pub(crate) time_to_live: Option<u64>,
    pub(crate) stop_timeout: u64,
    /// The labels that only one container of the app may have.
    pub(crate) concurrency_rules: Vec<ConcurrencyRule>,
    /// The kind of the docker client that the environment is passed to.
    client: Kind,
    options: Vec<String>,
    cli_environment: Vec<(String, String)>,
    command: Vec<String>,
    /// The command is the default shell, because neither the user nor the app has chosen one.
    uses_default_shell: bool,
}

/// Core's default for a task without a command.
const DEFAULT_SHELL: &str = "/bin/bash";

/// The fallback: every image that can run a shell has this one.
const FALLBACK_SHELL: &str = "sh";

impl TaskSpec {
    /// # Errors
    /// An env file of the app's docker options cannot be read, or a quote in the Procfile entry is
    /// not closed.
    pub(crate) fn new(answers: AppFacts, request: Request, streams: TaskStreams) -> Result<Self> {
        let process_type = request.process_type();
        let form = CommandForm::of(
            answers.image_type,
            &entrypoint::effective(&answers.docker_options, &answers.image_entrypoint),
        );
        let entry = answers
            .procfile_command
            .as_ref()
            .and_then(|_| request.command.first().cloned());
        let mut environment = Environment::default();
        if let Some(entry) = &entry {
            for (name, value) in ENTRY_VARIABLES.into_iter().zip([ENTRY_PORT, entry]) {
                if !answers.image_variables.contains(&name) {
                    environment.set(name, value);
                }
            }
        }
        if let (true, Ok(term)) = (streams.terminal, std::env::var("TERM")) {
            environment.set("TERM", term);
        }
        environment.extend(answers.config);
        let kept = environment
            .extract_from_options(answers.docker_options, |name| std::env::var(name).ok())?;
        if answers.trace {
            environment.set("TRACE", "true");
        }

        let labels = labels::options(
            &request,
            &answers.app,
            &answers.user,
            entry.as_deref(),
            &answers.image_labels,
        );
        let exclusions = labels::concurrency_rules(&request);
        let mut options = retained_options(kept);
        options.extend(resource_options(
            answers.resources,
            request.memory,
            request.cpus,
        ));
        options.extend(
            [
                answers.init.then(|| "--init".to_owned()),
                answers
                    .platform
                    .map(|platform| format!("--platform={platform}")),
                request.user.map(|user| format!("--user={user}")),
                request
                    .workdir
                    .map(|workdir| format!("--workdir={workdir}")),
            ]
            .into_iter()
            .flatten(),
        );
        // The image was inspected (and pulled if needed) before, and a task runs only once.
        options.extend(["--pull=never", "--restart=no"].map(str::to_owned));
        options.extend(streams.stdin.then(|| "--interactive".to_owned()));
        options.extend(streams.terminal.then(|| "--tty".to_owned()));
        options.extend(labels);

        Ok(Self {
            uses_default_shell: request.command.is_empty() && answers.shell.is_none(),
            command: command(
                form,
                answers.procfile_command.as_deref(),
                request.command,
                request.syntax,
                answers.shell,
            )?,
            app: answers.app,
            process_type,
            procfile_entry: entry,
            environment,
            image: answers.image,
            streams,
            on_hangup: request.on_hangup,
            time_to_live: request.time_to_live,
            stop_timeout: answers.stop_timeout,
            concurrency_rules: exclusions,
            client: answers.client,
            options,
            cli_environment: request.environment,
        })
    }

    /// Core's default shell, if the task is to run it; the image may lack that shell. `None`
    /// for every other command.
    pub(crate) fn default_shell(&self) -> Option<&'static str> {
        self.uses_default_shell.then_some(DEFAULT_SHELL)
    }

    /// Replaces the default shell by the one that every image with a shell has, and returns it.
    pub(crate) fn use_fallback_shell(&mut self) -> &'static str {
        self.uses_default_shell = false;
        self.command.pop();
        self.command.push(FALLBACK_SHELL.to_owned());
        FALLBACK_SHELL
    }

    /// The specification of the container with this number in its name.
    ///
    /// # Errors
    /// A value of the environment cannot be passed to docker's client without being altered.
    pub(crate) fn container(&self, number: u32) -> Result<ContainerSpec> {
        let name = format!("{}.{}.{number}", self.app, self.process_type);
        let mut options = self.options.clone();
        options.push(labels::name_option(&name));
        Ok(ContainerSpec {
            name,
            options,
            environment: self
                .environment_for(number)
                .for_docker_client(self.client)?,
            image: self.image.clone(),
            command: self.command.clone(),
        })
    }

    /// The environment of the task, without the variables of its image.
    pub(crate) fn environment_for(&self, number: u32) -> Environment {
        let mut environment = self.environment.clone();
        environment.set("DYNO", format!("{}.{number}", self.process_type));
        environment.extend(self.cli_environment.iter().cloned());
        environment
    }
}

fn retained_options(options: Vec<DockerOption>) -> Vec<String> {
    options
        .into_iter()
        .filter(|option| !OVERRIDDEN_OPTIONS.contains(&option.name.as_str()))
        .filter(|option| match reason_to_leave_out(option) {
            None => true,
            Some((shown, reason)) => {
                message::warn(&format!(
                    "The app's docker option '{shown}' is left out: {reason}"
                ));
                false
            }
        })
        .map(|option| option.as_single_word)
        .collect()
}

/// Why the container is created without this option of the app: the option as messages show it,
/// and the reason. `None` if the option is used.
fn reason_to_leave_out(option: &DockerOption) -> Option<(String, &'static str)> {
    let value = option.value.as_deref().unwrap_or_default();
    let label = value.split_once('=').map_or(value, |(name, _)| name);
    match option.name.as_str() {
        "help" => Some(("--help".to_owned(), "docker would create nothing")),
        "cidfile" => Some((
            "--cidfile".to_owned(),
            "docker creates nothing where the file is there already",
        )),
        "l" | "label" if events::overrides_event_attribute(label) => Some((
            format!("--label {label}"),
            "docker would put it in place of what its events say",
        )),
        _ => None,
    }
}

/// The options for the limits. A memory limit of the task replaces all three of the app's
/// memory values (memory, swap, reservation), because docker requires them to be consistent.
fn resource_options(app: Resources, memory: Option<String>, cpus: Option<String>) -> Vec<String> {
    let limits = match memory {
        Some(memory) => Resources {
            memory: Some(megabytes(memory)),
            memory_swap: None,
            memory_reservation: None,
            ..app
        },
        None => app,
    };
    [
        ("memory", limits.memory),
        ("memory-swap", limits.memory_swap),
        ("memory-reservation", limits.memory_reservation),
        ("cpus", cpus.or(limits.cpus)),
        ("gpus", limits.gpus),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("--{name}={}", value?)))
    .collect()
}

/// The arguments after the image. A Procfile entry replaces the first word of the command, and
/// the app's shell replaces an empty command.
fn command(
    form: CommandForm,
    entry: Option<&str>,
    given: Vec<String>,
    syntax: CommandSyntax,
    shell: Option<String>,
) -> Result<Vec<String>> {
    Ok(match (entry, given.split_first()) {
        (Some(entry), Some((name, words))) => form.entry(name, entry, words)?,
        (None, Some(_)) if syntax == CommandSyntax::ShellLine => form.line(&given.join(" "), &[]),
        (None, Some(_)) => form.words(given),
        (_, None) => form.words(vec![shell.unwrap_or_else(|| DEFAULT_SHELL.to_owned())]),
    })
}

#[cfg(test)]
mod tests;
