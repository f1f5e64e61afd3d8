//! A task's environment: which value takes precedence, and how each value is passed to docker.

pub(crate) mod names;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result, bail};
use rustix::fs::OFlags;

use crate::docker::Kind;
use crate::docker::container_create::ClientEnvironment;
use crate::docker::option::DockerOption;

/// The kernel's limit for one string of an environment in bytes (`MAX_ARG_STRLEN`, 128 KiB with
/// the terminating NUL): a longer string cannot be passed to any program.
const MAX_VARIABLE_BYTES: usize = 128 * 1024 - 1;

/// The maximum length of a line, in bytes, that docker's client reads completely from an env
/// file: its scanner stops at 64 KiB.
const MAX_ENV_FILE_LINE_BYTES: usize = 60 * 1024;

/// The maximum size, in bytes, of an env file among an app's docker options. What docker passes
/// to a program, arguments and environment, is a quarter of its stack at most (execve(2)): 2
/// MiB.
const LONGEST_FILE: u64 = 2 * 1024 * 1024;

/// Environment values by name; a value that is set later replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    pub(crate) fn extend(&mut self, pairs: impl IntoIterator<Item = (String, String)>) {
        self.0.extend(pairs);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Moves environment values from docker options into this environment, and returns the
    /// remaining options. Docker itself prefers every `--env` to every `--env-file`; here the
    /// last one wins. A name without a value keeps the value that is set already (Dokku lists
    /// every config key this way), or else gets the value of the plugin's own environment,
    /// `ours`.
    ///
    /// # Errors
    /// An env file cannot be read. The message contains no value.
    pub(crate) fn extract_from_options(
        &mut self,
        options: Vec<DockerOption>,
        ours: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<DockerOption>> {
        let mut others = Vec::new();
        for option in options {
            match (option.name.as_str(), &option.value) {
                ("e" | "env", Some(entry)) => self.add_entry(entry, &ours),
                ("env-file", Some(path)) => {
                    let text = env_file(path).with_context(|| {
                        format!("the app's docker option '--env-file {path}' cannot be read")
                    })?;
                    for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
                        let line = line.trim_start();
                        if !line.is_empty() && !line.starts_with('#') {
                            self.add_entry(line, &ours);
                        }
                    }
                }
                _ => others.push(option),
            }
        }
        Ok(others)
    }

    fn add_entry(&mut self, entry: &str, ours: impl Fn(&str) -> Option<String>) {
        match entry.split_once('=') {
            Some((name, value)) => self.set(name, value),
            None if self.0.contains_key(entry) => {}
            None => {
                if let Some(value) = ours(entry) {
                    self.set(entry, value);
                }
            }
        }
    }

    /// Decides for each value how it is passed to docker's client without being altered.
    /// `client` is the kind of that client.
    ///
    /// # Errors
    /// A value cannot be passed. The message contains its name, but not the value.
    pub(crate) fn for_docker_client(&self, client: Kind) -> Result<ClientEnvironment> {
        let mut carried = ClientEnvironment::default();
        for (name, value) in &self.0 {
            check_variable(name, value)?;
            if fits_env_file(name, value) {
                carried.file.push_str(name);
                carried.file.push('=');
                carried.file.push_str(value);
                carried.file.push('\n');
            } else if names::is_read_by_client(name) {
                bail!(
                    "the value of '{name}' has a line break or is over 60 KB, and a variable of this name would change the docker client on its way"
                );
            } else if client == Kind::Script && !names::is_credential(name) {
                bail!(
                    "the value of '{name}' has a line break or is over 60 KB, and the docker client of this host (DOCKER_BIN) is a script, which a variable of this name could change"
                );
            } else {
                carried.inherited.push((name.clone(), value.clone()));
            }
        }
        Ok(carried)
    }
}

/// The text of a regular file: other kinds of files may have no end, or block until another
/// process writes.
fn env_file(path: &str) -> Result<String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        bail!("it is not a regular file");
    }
    let mut text = String::new();
    // The file may grow while it is read.
    let length = file.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if u64::try_from(length)? > LONGEST_FILE {
        bail!("it has more than {} MiB", LONGEST_FILE >> 20);
    }
    Ok(text)
}

fn check_variable(name: &str, value: &str) -> Result<()> {
    if name.is_empty() {
        bail!("a value of the environment has no name");
    }
    if name.contains(['\0', '=']) || value.contains('\0') {
        bail!(
            "'{}' cannot be a variable of an environment",
            name.escape_debug()
        );
    }
    if name.len() + 1 + value.len() > MAX_VARIABLE_BYTES {
        bail!(
            "the value of '{name}' is {} bytes long: with its name it may have {MAX_VARIABLE_BYTES}",
            value.len()
        );
    }
    Ok(())
}

/// Whether docker's client reads exactly this value from a line of an env file (tried with
/// clients 20.10 and 28.2). It does not for a line break, a line of 64 KiB, a carriage return
/// at the end, and a name that looks like a comment or contains spaces or a BOM.
fn fits_env_file(name: &str, value: &str) -> bool {
    let odd_name = name.starts_with(['#', '\u{feff}'])
        || name.contains(|c: char| c.is_whitespace() || c.is_control());
    !odd_name
        && !value.contains('\n')
        && !value.ends_with('\r')
        && name.len() + 1 + value.len() <= MAX_ENV_FILE_LINE_BYTES
}

#[cfg(test)]
mod tests;
