//! The repository is the plugin's tree on a user's host.

use std::fs;
use std::path::{Path, PathBuf};

use duct::cmd;

use crate::support::{Host, repository};

/// Every path that git keeps, or will.
fn kept() -> Vec<String> {
    let list = cmd!(
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard"
    )
    .dir(repository())
    .read()
    .unwrap();
    list.lines()
        .filter(|path| repository().join(path).symlink_metadata().is_ok())
        .map(str::to_owned)
        .collect()
}

#[test]
fn only_one_path_has_a_part_named_commands() {
    let found: Vec<String> = kept()
        .into_iter()
        .filter(|path| Path::new(path).iter().any(|part| part == "commands"))
        .collect();
    assert_eq!(
        found,
        ["commands"],
        "'dokku help' executes every one of them"
    );
}

#[test]
fn every_link_leads_to_a_binary_and_every_binary_is_reached() {
    let links: Vec<(String, PathBuf)> = kept()
        .into_iter()
        .filter(|path| !path.starts_with("tests/") && path != "update") // `install`, a script
        .filter_map(|path| Some((path.clone(), fs::read_link(repository().join(&path)).ok()?)))
        .collect();
    let mut reached: Vec<String> = Vec::new();
    for (link, to) in &links {
        let above = Path::new(link).components().count() - 1;
        let name = to.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            *to,
            Path::new(&"../".repeat(above)).join("bin").join(name),
            "{link}"
        );
        assert!(
            repository().join(format!("src/bin/{name}.rs")).is_file(),
            "{link} leads to {name}"
        );
        reached.push(name.to_owned());
    }
    // `agent` is started by the others, `help` by the script `commands`.
    let binaries = fs::read_dir(repository().join("src/bin"))
        .unwrap()
        .flatten();
    for binary in binaries.map(|file| {
        file.path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }) {
        assert!(
            binary == "agent" || binary == "help" || reached.contains(&binary),
            "nothing leads to {binary}"
        );
    }
}

#[test]
fn a_released_binary_weighs_at_most_a_megabyte() {
    let Some(tree) = std::env::var_os("ONEOFF_PLUGIN_TREE") else {
        return;
    };
    for binary in fs::read_dir(Path::new(&tree).join("bin"))
        .unwrap()
        .flatten()
    {
        let bytes = binary.metadata().unwrap().len();
        assert!(
            bytes <= 1024 * 1024,
            "{}: {bytes} bytes",
            binary.path().display()
        );
    }
}

#[test]
fn one_version_everywhere() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        read("plugin.toml").contains(&format!("version = \"{version}\"")),
        "plugin.toml"
    );
    let changelog = read("CHANGELOG.md");
    let newest = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## ["))
        .find(|line| !line.starts_with("Unreleased"));
    let released = newest.map_or("0.1.0", |line| line.split(']').next().unwrap());
    assert_eq!(released, version, "CHANGELOG.md");
}

#[test]
fn a_second_file_named_commands_breaks_dokku_help() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would break for everybody
    }
    let stray = host
        .library()
        .join("plugins/available/oneoff/docs/commands");
    fs::create_dir_all(&stray).unwrap();
    assert_eq!(
        host.dokku(["help"]).code,
        126,
        "the host is as strict as Dokku"
    );
    fs::remove_dir(&stray).unwrap();
    assert_eq!(host.dokku(["help"]).code, 0);
}
