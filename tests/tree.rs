//! The repository is the plugin's tree on a user's host.

use std::fs;
use std::path::Path;

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
fn every_subcommand_is_a_link_to_a_binary() {
    let subcommands = fs::read_dir(repository().join("subcommands")).unwrap();
    let mut names = Vec::new();
    for entry in subcommands {
        let link = entry.unwrap().path();
        let binary = fs::read_link(&link).unwrap();
        let name = binary.file_name().unwrap().to_str().unwrap();
        assert_eq!(binary, Path::new("../bin").join(name), "{}", link.display());
        assert!(
            repository().join(format!("src/bin/{name}.rs")).is_file(),
            "{}",
            link.display()
        );
        names.push(link.file_name().unwrap().to_owned());
    }
    assert!(names.iter().any(|name| name == "default"), "{names:?}");
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
    if !host.is_own() {
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
