//! The environment of a process that works for all apps.
//!
//! The variables of a caller must not reach the hooks of other users' tasks: `sudo -E`, with
//! which Dokku starts itself, keeps every secret, proxy and path of the session. So this is an
//! allow-list: what Dokku exports to every plugin, what its settings files assign, and the
//! system's own variables with the system's values. A variable that hooks need
//! (`DOCKER_HOST`, a proxy, `DOKKU_EVENTS`, a plugin's configuration) is set by an administrator
//! in one of the settings files, which no caller can write. Its value is read from our
//! environment: Dokku sources the files before it starts a plugin.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::dokku::docker_client::DockerClient;
use crate::dokku::host::Host;
use crate::dokku::trigger_runner::path::plugn;

/// The variables that Dokku exports to every plugin, without `PLUGIN_*` (derived in
/// `plugin_paths`) and without those about one command (`DOKKU_COMMAND`, `DOKKU_PID`).
const EXPORTED: [&str; 20] = [
    "DOCKER_BIN",
    "DOKKU_API_VERSION",
    "DOKKU_CNB_BUILDER",
    "DOKKU_CONTAINER_LABEL",
    "DOKKU_DISTRO",
    "DOKKU_EVENTS_LOGFILE",
    "DOKKU_GLOBAL_BUILD_ARGS",
    "DOKKU_GLOBAL_RUN_ARGS",
    "DOKKU_HOST_ROOT",
    "DOKKU_IMAGE",
    "DOKKU_LIB_HOST_ROOT",
    "DOKKU_LIB_PATH",
    "DOKKU_LIB_ROOT",
    "DOKKU_LOGS_DIR",
    "DOKKU_LOGS_HOST_DIR",
    "DOKKU_NOT_IMPLEMENTED_EXIT",
    "DOKKU_ROOT",
    "DOKKU_SYSTEM_GROUP",
    "DOKKU_SYSTEM_USER",
    "DOKKU_VALID_EXIT",
];

/// The directories of programs, as in sudo's `secure_path` on Debian and Ubuntu.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// The settings file that Dokku sources first, before those below `DOKKU_ROOT`.
const SYSTEM_SETTINGS: &str = "/etc/default/dokku";

/// The locale of hooks: UTF-8, and independent of the caller's language.
const LANGUAGE: &str = "C.UTF-8";

/// All variables of a process that works for all apps.
pub(crate) fn environment(host: &Host) -> BTreeMap<OsString, OsString> {
    let settings = Settings::read(&settings_files(host));
    let mut environment = account_variables();
    let mut set = |name: &str, value: OsString| environment.insert(name.into(), value);
    set("LANG", LANGUAGE.into());
    for (name, path) in plugin_paths(host) {
        set(name, path.into());
    }
    let is_passed = |name: &str| EXPORTED.contains(&name) || settings.assigns(name);
    for (name, value) in std::env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| is_passed(name)) {
            set(name, value);
        }
    }
    set("PATH", path(host, &settings));
    environment
}

/// The system's `PATH` as the settings files extend or replace it. The directories of docker's
/// client and of plugn are appended if these programs are not found in it.
fn path(host: &Host, settings: &Settings) -> OsString {
    let mut entries = settings.path(SYSTEM_PATH);
    let docker = DockerClient::find(host).ok().map(|client| client.program);
    for program in [docker, plugn()].into_iter().flatten() {
        let Some(directory) = program.parent().map(Path::to_owned) else {
            continue;
        };
        let name = program.file_name().unwrap_or_default();
        if !entries.iter().any(|entry| entry.join(name).is_file()) {
            entries.push(directory);
        }
    }
    std::env::join_paths(entries).unwrap_or_else(|_| SYSTEM_PATH.into())
}

/// The `PLUGIN_*` variables, derived from `DOKKU_LIB_ROOT` as Dokku derives those that its
/// caller has not set.
fn plugin_paths(host: &Host) -> [(&'static str, PathBuf); 6] {
    let plugins = host.library.join("plugins");
    let core = host.library.join("core-plugins");
    [
        ("PLUGIN_AVAILABLE_PATH", plugins.join("available")),
        ("PLUGIN_ENABLED_PATH", plugins.join("enabled")),
        ("PLUGIN_PATH", plugins),
        ("PLUGIN_CORE_AVAILABLE_PATH", core.join("available")),
        ("PLUGIN_CORE_ENABLED_PATH", core.join("enabled")),
        ("PLUGIN_CORE_PATH", core),
    ]
}

fn settings_files(host: &Host) -> Vec<PathBuf> {
    let others = fs::read_dir(host.root.join(".dokkurc"));
    let mut others: Vec<PathBuf> = others
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    others.sort();
    let first = [SYSTEM_SETTINGS.into(), host.root.join("dokkurc")];
    first.into_iter().chain(others).collect()
}

/// Name and home directory of our user, from `/etc/passwd`; if the user is not in it, from our
/// own variables.
fn account_variables() -> BTreeMap<OsString, OsString> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let id = rustix::process::geteuid().as_raw();
    if let Some((name, home)) = account(&users, id) {
        return [("HOME", home), ("LOGNAME", name), ("USER", name)]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
    }
    ["HOME", "LOGNAME", "USER"]
        .into_iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
        .collect()
}

/// Name and home directory of the user with this id, from the text of passwd(5).
fn account(users: &str, id: u32) -> Option<(&str, &str)> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            [name, _, number, _, _, home, _] if number.parse() == Ok(id) => Some((name, home)),
            _ => None,
        }
    })
}

/// The assignments of the settings files: per name the right-hand sides, in their order.
#[derive(Debug, Default)]
struct Settings(BTreeMap<String, Vec<String>>);

impl Settings {
    /// A file that cannot be read contributes nothing.
    fn read(files: &[PathBuf]) -> Self {
        let mut settings = Self::default();
        for file in files {
            settings.add(&fs::read_to_string(file).unwrap_or_default());
        }
        settings
    }

    /// Collects the assignments at the beginning of each line of a shell script. Only the names
    /// matter (and the value of `PATH`): the values are in our environment already.
    fn add(&mut self, text: &str) {
        const KEYWORDS: [&str; 4] = ["export", "declare", "typeset", "-x"];
        for line in text.lines() {
            let line = line.trim_start();
            if line.starts_with('#') {
                continue;
            }
            // A quote that is closed on a later line: only the first two words are read.
            let words = shell_words::split(line)
                .unwrap_or_else(|_| line.split_whitespace().take(2).map(str::to_owned).collect());
            let is_exported = words
                .first()
                .is_some_and(|word| KEYWORDS.contains(&&**word));
            for word in words {
                match word.split_once('=') {
                    _ if KEYWORDS.contains(&&*word) => {}
                    Some((name, value)) if is_name(name) => {
                        let values = self.0.entry(name.to_owned()).or_default();
                        values.push(value.to_owned());
                    }
                    None if is_exported && is_name(&word) => {
                        self.0.entry(word).or_default();
                    }
                    _ => break,
                }
            }
        }
    }

    fn assigns(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The directories of `PATH` after all assignments, if its value was `system` before them.
    /// Entries with any other shell expansion are omitted.
    fn path(&self, system: &str) -> Vec<PathBuf> {
        let mut path = system.to_owned();
        for value in self.0.get("PATH").into_iter().flatten() {
            path = value.replace("${PATH}", "$PATH").replace("$PATH", &path);
        }
        let is_plain = |entry: &&str| entry.starts_with('/') && !entry.contains(['$', '`', '"']);
        path.split(':')
            .filter(is_plain)
            .map(PathBuf::from)
            .collect()
    }
}

fn is_name(word: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !word.is_empty()
        && !word.starts_with(|first: char| first.is_ascii_digit())
        && word.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::default();
        settings.add(text);
        settings
    }

    #[test]
    fn variables_assigned_in_settings_files_are_found() {
        let settings = settings(
            "# export COMMENT=1\nexport DOCKER_HOST=unix:///x DOKKU_EVENTS=\"a b\"\n  PLAIN='c'\n\
             declare -x DECLARED=1\nexport LATER\nif true; then\n  export INNER=1\nfi\n\
             echo SAID=1\nexport OPEN=\"one\ntwo\"\n: \"${DEFAULT:=1}\"\n1=2\n",
        );
        let names: Vec<&str> = settings.0.keys().map(String::as_str).collect();
        let expected = [
            "DECLARED",
            "DOCKER_HOST",
            "DOKKU_EVENTS",
            "INNER",
            "LATER",
            "OPEN",
            "PLAIN",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn background_path_is_the_systems_extended_by_settings() {
        for (text, expected) in [
            ("", "/usr/bin:/bin"),
            ("export PATH=$PATH:/opt/x", "/usr/bin:/bin:/opt/x"),
            (
                "PATH=\"/opt/x:${PATH}\"\nPATH=/y:$PATH",
                "/y:/opt/x:/usr/bin:/bin",
            ),
            ("PATH=/only", "/only"),
            ("PATH=$HOME/bin:~/x:`id`:relative::$PATH", "/usr/bin:/bin"),
        ] {
            let path = settings(text).path("/usr/bin:/bin");
            let path = std::env::join_paths(path).unwrap();
            assert_eq!(path, *expected, "{text}");
        }
    }

    #[test]
    fn a_user_is_found_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nodd\ndokku:x:999:999:,,,:/home/dokku:/bin/bash\n";
        assert_eq!(account(users, 999), Some(("dokku", "/home/dokku")));
        assert_eq!(account(users, 9), None);
    }
}
