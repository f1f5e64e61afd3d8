//! `docker container create`

use std::process::Output;

use anyhow::Result;

use crate::docker::{Docker, docker_error};
use crate::sys::process::Stdin;
use crate::ui::exit::ExitStatus;

/// A container to create. The values of its environment are separate from the arguments, so that no
/// value is on a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ContainerSpec {
    pub(crate) name: String,
    /// docker options without the environment, one argument per element.
    pub(crate) options: Vec<String>,
    pub(crate) environment: ClientEnvironment,
    pub(crate) image: String,
    pub(crate) command: Vec<String>,
}

/// How each value of the environment is passed to docker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientEnvironment {
    /// The text of an env file, which docker's client reads from its standard input.
    pub(crate) file: String,
    /// Variables that an env file cannot carry. They are passed by name, and docker's client takes
    /// the value from its own environment.
    pub(crate) inherited: Vec<(String, String)>,
}

/// The result of a `docker container create`.
#[derive(Debug)]
pub(crate) enum CreateOutcome {
    /// The new container's id.
    Created(String),
    NameTaken,
    /// The client has exited with 0 but printed no id. The text is what it printed, shortened. A
    /// container of that name may exist.
    Unidentified(String),
    /// docker failed before it reported a result, for example because it stopped answering: the
    /// container may exist, or may be created later.
    Unknown(anyhow::Error),
}

impl ContainerSpec {
    /// The client's arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = ["container", "create"].map(str::to_owned).to_vec();
        arguments.extend(self.options.iter().cloned());
        arguments.push(format!("--name={}", self.name));
        arguments.extend(["--env-file", "/dev/stdin"].map(str::to_owned));
        for (name, _) in &self.environment.inherited {
            arguments.extend(["--env".to_owned(), name.clone()]);
        }
        // Nothing after `--` is parsed as an option.
        arguments.push("--".to_owned());
        arguments.push(self.image.clone());
        arguments.extend(self.command.iter().cloned());
        arguments
    }
}

impl Docker {
    /// # Errors
    /// docker refuses to create the container (exit code 125); in that case no container was
    /// created.
    pub(crate) fn container_create(&self, container: &ContainerSpec) -> Result<CreateOutcome> {
        let mut call = self.call(&container.arguments()).stdin(Stdin::Bytes(
            container.environment.file.clone().into_bytes(),
        ));
        for (name, value) in &container.environment.inherited {
            call = call.env(name, value);
        }
        let output = match self.capture(call) {
            Ok(output) => output,
            Err(error) => return Ok(CreateOutcome::Unknown(error)),
        };
        if output.status.success() {
            // Warnings of the daemon, for example that its kernel does not support a limit.
            for line in String::from_utf8_lossy(&output.stderr).lines() {
                crate::ui::message::warn(line);
            }
            return Ok(match read_id(&output.stdout) {
                Some(id) => CreateOutcome::Created(id),
                None => CreateOutcome::Unidentified(shortened(&output.stdout)),
            });
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        if stderr.contains("Conflict") && stderr.contains(&format!("\"/{}\"", container.name)) {
            return Ok(CreateOutcome::NameTaken);
        }
        let failure = docker_error("create the container", &output);
        if is_refusal(&output) {
            return Err(failure);
        }
        Ok(CreateOutcome::Unknown(failure))
    }
}

/// Whether a text is a complete container id (moby, pkg/stringid: 32 random bytes in hex).
pub(crate) fn is_id(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(is_hex)
}

/// The id that the client has printed. `None` if stdout is anything else, or has anything besides
/// the id.
fn read_id(stdout: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(stdout).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    is_id(line).then(|| line.to_owned())
}

/// The output, shortened to one line for a message.
fn shortened(stdout: &[u8]) -> String {
    const MAX_SHOWN_CHARACTERS: usize = 100;
    let text = String::from_utf8_lossy(stdout);
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    if text.chars().count() <= MAX_SHOWN_CHARACTERS {
        return text;
    }
    let beginning: String = text.chars().take(MAX_SHOWN_CHARACTERS).collect();
    beginning + "…"
}

/// Whether it is certain that no container was created: the daemon refused, could not be reached,
/// or was not asked. The client's own exit code for wrong options is 125.
fn is_refusal(output: &Output) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    output.status.code() == Some(i32::from(ExitStatus::DOCKER_FAILED.code()))
        || [
            "Error response from daemon",
            "Cannot connect to the Docker daemon",
        ]
        .iter()
        .any(|part| stderr.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_64_hex_digits_on_one_line() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(read_id(format!("{id}\n").as_bytes()), Some(id.clone()));
        assert_eq!(read_id(id.as_bytes()), Some(id.clone()));
        for text in [
            String::new(),
            "\n".to_owned(),
            format!("{}\n", &id[1..]),
            format!("{id}0\n"),
            format!("{id}\n{id}\n"),
            format!("{id}\n\n"),
            format!(" {id}\n"),
            format!("{id}\r\n"),
            format!("{}\n", id.to_uppercase()),
            format!("g{}\n", &id[1..]),
            format!("é{}\n", &id[2..]),
            "Usage:  docker container create [OPTIONS] IMAGE\n".to_owned(),
        ] {
            assert_eq!(read_id(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read_id(&[0xff; 64]), None);
    }

    #[test]
    fn unexpected_client_output_is_shortened_to_one_line() {
        assert_eq!(shortened(b" a\n\tb \n"), "a b");
        assert_eq!(shortened(b""), "");
        let long = "é ".repeat(200);
        assert_eq!(shortened(long.as_bytes()).chars().count(), 101);
        assert_eq!(shortened(&[0xff]), "\u{fffd}");
    }

    #[test]
    fn container_create_arguments_contain_no_environment_value() {
        let container = ContainerSpec {
            name: "demo.run.1".to_owned(),
            options: vec!["--init".to_owned()],
            environment: ClientEnvironment {
                file: "A=secret\n".to_owned(),
                inherited: vec![("B".to_owned(), "secret\n".to_owned())],
            },
            image: "dokku/demo:latest".to_owned(),
            command: vec!["--help".to_owned(), String::new()],
        };
        let expected = "container create --init --name=demo.run.1 --env-file /dev/stdin --env B -- dokku/demo:latest --help ";
        assert_eq!(container.arguments().join(" "), expected);
    }
}
