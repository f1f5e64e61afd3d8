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
fn only_one_path_of_the_repository_has_a_component_named_commands() {
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
fn every_link_points_to_a_binary_and_every_binary_is_reachable() {
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
fn a_released_binary_has_at_most_one_megabyte() {
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
fn plugin_toml_and_changelog_have_the_version_of_the_crate() {
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
fn a_second_path_named_commands_breaks_dokku_help() {
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

/// The test functions of `tests/<module>.rs` and its directory.
fn tests_of(module: &str) -> Vec<String> {
    let directory = repository().join("tests");
    let mut files = vec![directory.join(format!("{module}.rs"))];
    let below = fs::read_dir(directory.join(module)).into_iter().flatten();
    files.extend(below.map(|entry| entry.unwrap().path()));
    let mut names = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for part in text.split("#[test]").skip(1) {
            let name = part.split("fn ").nth(1).unwrap_or_default();
            names.push(name.split('(').next().unwrap_or_default().to_owned());
        }
    }
    names
}

/// The tests in the last cell of a table's row exist, and there is one: a file's name and a comma,
/// then names between backticks.
fn assert_names_tests(row: &str) {
    let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
    let mut named = 0;
    let mut module = "";
    for (number, part) in cell.split('`').enumerate() {
        if number % 2 == 0 {
            let word = part
                .trim()
                .trim_end_matches(',')
                .rsplit(' ')
                .next()
                .unwrap();
            if part.trim().ends_with(',') && !word.is_empty() {
                module = word.split("::").next().unwrap();
            }
        } else if !module.is_empty() {
            assert!(
                tests_of(module).iter().any(|test| test == part),
                "there is no test '{part}' in tests/{module}.rs: {row}"
            );
            named += 1;
        }
    }
    assert!(named > 0, "the row names no test: {row}");
}

/// The rows of the tables in a text, without the heading that begins with `head`.
fn rows<'a>(text: &'a str, head: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| {
        line.starts_with("| ") && !line.starts_with(head) && !line.starts_with("|---")
    })
}

#[test]
fn every_difference_names_tests_that_exist() {
    let text = fs::read_to_string(repository().join("docs/differences.md")).unwrap();
    rows(&text, "| core |").for_each(assert_names_tests);
    let count = rows(&text, "| core |").count();
    assert!(count > 50, "{count} rows");
}

#[test]
fn every_exit_status_names_tests_that_exist() {
    let text = fs::read_to_string(repository().join("docs/commands.md")).unwrap();
    let section = text.split("\n## Exit status\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    rows(section, "| exit status |").for_each(assert_names_tests);
    let count = rows(section, "| exit status |").count();
    assert!(count > 9, "{count} rows");
}

#[test]
fn every_guarantee_names_test_files_that_exist() {
    let text = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let guarantees = text.split("## Guarantees").nth(1).unwrap();
    let guarantees = guarantees.split("\n## ").next().unwrap();
    for guarantee in guarantees.split("\n* ").skip(1) {
        let tests = guarantee.split("Tests: ").nth(1);
        let tests = tests.unwrap_or_else(|| panic!("a guarantee without tests: {guarantee}"));
        for file in tests.split('`').skip(1).step_by(2) {
            assert!(repository().join(file).is_file(), "{file}: {guarantee}");
        }
    }
}
