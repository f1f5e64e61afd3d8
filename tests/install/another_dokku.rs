//! Dokku itself comes anew: upgraded from its sources, in a new container.

use std::fs;
use std::path::PathBuf;

use duct::cmd;

use super::built_here::{Cargo, Origin};
use super::{By, archive_url, assert_served, available, run_link, succeeds};
use crate::support::{Host, Output, repository, run_to_end};

fn renew(host: &Host, how: &str) -> Output {
    run_to_end(&cmd!(
        repository().join("tests/host/renew"),
        host.directory().join("host"),
        how
    ))
}

fn stand_in(host: &Host) -> PathBuf {
    host.library().join("data/oneoff/run")
}

#[test]
fn a_package_upgrade_leaves_run_with_the_plugin() {
    let host = Host::with_plugin();
    succeeds(&renew(&host, "package"));
    assert_eq!(run_link(&host), stand_in(&host));
    assert_served(&host, By::Us);
}

#[test]
fn install_restores_broken_links_that_a_package_upgrade_removed() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    succeeds(&origin.install(&host, &cargo));
    // Nothing is built for a moment, and what stands in for core's run is away.
    let bin = available(&host).join("bin");
    fs::rename(&bin, bin.with_extension("away")).unwrap();
    fs::remove_dir_all(stand_in(&host)).unwrap();
    succeeds(&renew(&host, "package"));
    assert!(
        !available(&host).join("subcommands/default").is_symlink()
            && !host.library().join("plugins/enabled/run").is_symlink(),
        "the upgrade deletes links to nothing"
    );
    fs::rename(bin.with_extension("away"), &bin).unwrap();
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Us);
    assert_eq!(cargo.calls(), 1, "nothing was built again");
}

#[test]
fn install_removes_the_stray_link_of_a_source_install() {
    let host = Host::with_plugin();
    succeeds(&renew(&host, "source"));
    assert_eq!(run_link(&host), stand_in(&host));
    assert!(
        stand_in(&host).join("run").is_symlink(),
        "'ln -fs' leaves a link where it was led to"
    );
    host.dokku_ok(&["plugin:install"]);
    assert!(!stand_in(&host).join("run").is_symlink());
    assert_served(&host, By::Us);
}

#[test]
fn run_stays_with_core_after_a_source_install_while_disabled() {
    let host = Host::with_plugin();
    host.dokku_ok(&["plugin:disable", "oneoff"]);
    succeeds(&renew(&host, "source"));
    // The stray link shows core's commands a second time until a hook of ours removes it.
    host.dokku_ok(&["plugin:enable", "oneoff"]);
    host.dokku_ok(&["plugin:install"]);
    host.dokku_ok(&["plugin:disable", "oneoff"]);
    assert_served(&host, By::Core);
}

#[test]
fn a_new_dokku_container_reinstalls_the_plugin_with_its_data() {
    let host = Host::with_plugin();
    let url = archive_url(&host);
    fs::write(
        host.directory().join("host/plugin-list"),
        format!("oneoff: {url}\n"),
    )
    .unwrap();
    let record = host.library().join("data/oneoff/record");
    fs::write(&record, "{}").unwrap();
    for _ in 0..2 {
        succeeds(&renew(&host, "docker"));
        assert_served(&host, By::Us);
    }
    assert!(record.exists());
}

#[test]
fn a_new_dokku_container_without_the_plugin_has_run_of_core() {
    let host = Host::with_plugin();
    succeeds(&renew(&host, "docker"));
    assert_served(&host, By::Core);
}

#[test]
fn a_second_install_hook_prints_and_changes_nothing() {
    let host = Host::with_plugin();
    let state = || {
        cmd!("find", ".", "-printf", "%p %i %m %T@ %l\n")
            .dir(host.library())
            .pipe(cmd!(
                "grep",
                "-v",
                "-e",
                "^./data/oneoff ",
                "-e",
                "config.toml"
            ))
            .pipe(cmd!("sort"))
            .read()
            .unwrap()
    };
    let before = state();
    let output = host.dokku(["plugin:trigger", "install"]);
    output.assert_stdout("");
    assert_eq!(state(), before);
}

#[test]
fn the_install_hook_warns_of_an_older_dokku_once() {
    let host = Host::with_plugin();
    fs::write(host.library().join("STABLE_VERSION"), "1700000000:0.37.9\n").unwrap();
    let output = host.dokku(["plugin:install"]);
    succeeds(&output);
    assert!(
        output.stderr.contains("made for Dokku 0.38 and later")
            && output.stderr.contains("'1700000000:0.37.9'"),
        "{output:?}"
    );
    let again = host.dokku(["plugin:install"]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""));
    assert_served(&host, By::Us);

    // Every way in which Dokku writes a version: of new enough ones, none, an old one.
    for (version, is_old) in [
        ("v0.38.0", false),
        ("0.39.1", false),
        ("v0.100.0-3-gabc", false),
        ("1.0.0", false),
        ("~master (now)", false),
        ("v0.8.99", true),
    ] {
        fs::write(host.library().join("STABLE_VERSION"), version).unwrap();
        let output = host.dokku(["plugin:trigger", "install"]);
        succeeds(&output);
        assert_eq!(output.stderr.contains(version), is_old, "{output:?}");
    }
}

#[test]
fn the_readme_states_the_dokku_release_of_plugin_toml() {
    let toml = fs::read_to_string(repository().join("plugin.toml")).unwrap();
    let release = toml
        .lines()
        .find_map(|line| line.strip_prefix("dokku = "))
        .unwrap()
        .trim_matches('"');
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(
        readme.contains(&format!("Dokku {release} or later")),
        "README.md does not say 'Dokku {release} or later'"
    );
}
