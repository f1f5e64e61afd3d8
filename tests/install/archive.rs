//! A release archive: no Rust, no network.

use std::fs;

use duct::cmd;

use super::{
    By, archive_url, assert_served, available, commands_in, copy_of_the_tree, make_foreign, pack,
    succeeds,
};
use crate::support::{Host, plugin_tree};

#[test]
fn installing_an_archive_takes_run_over() {
    let host = Host::without_plugin();
    assert_served(&host, By::Core);
    let url = archive_url(&host);
    let output = host.dokku(["plugin:install", &url, "--name", "oneoff"]);
    succeeds(&output);
    assert_eq!(output.stderr, "");
    assert_served(&host, By::Us);
    assert!(
        !available(&host).join("Cargo.toml").exists(),
        "sources in an archive"
    );
}

#[test]
fn the_completion_cache_has_each_command_on_its_own_line() {
    let host = Host::with_plugin();
    host.dokku_ok(&["plugin:install"]);
    let primed = fs::read_to_string(host.directory().join("host/var/cache/dokku-completion"));
    let primed = primed.unwrap();
    let mut words: Vec<&str> = primed.lines().collect();
    assert!(words.contains(&"run") && words.contains(&"run:detached"));
    let all = host.dokku(["--quiet", "help", "--all"]).stdout;
    assert_eq!(words.len(), commands_in(&all).len());
    words.dedup();
    assert_eq!(words.len(), commands_in(&all).len(), "{words:?}");
}

#[test]
fn packing_a_tree_is_reproducible() {
    let host = Host::without_plugin();
    // Other times, another order of the directory's entries, another umask.
    let first = copy_of_the_tree(&host, "first");
    let second = copy_of_the_tree(&host, "second");
    let run = second.join("bin/run");
    fs::rename(&run, second.join("bin/run.away")).unwrap();
    fs::rename(second.join("bin/run.away"), &run).unwrap();
    cmd!("chmod", "-R", "g+w", &second).run().unwrap();
    let (one, two) = (
        host.directory().join("one.tar.gz"),
        host.directory().join("two.tar.gz"),
    );
    pack(&first, &one);
    pack(&second, &two);
    assert!(
        fs::read(one).unwrap() == fs::read(two).unwrap(),
        "the archives differ"
    );
}

#[test]
fn an_archive_unpacked_over_the_plugin_leaves_run_with_the_plugin() {
    let host = Host::with_plugin();
    let url = archive_url(&host);
    let output = host.dokku(["plugin:install", &url, "--name", "oneoff"]);
    assert_eq!(output.code, 1, "Dokku wants it removed first: {output:?}");
    assert_served(&host, By::Us);
    // What it brought is taken into use by the next hook.
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Us);
}

#[test]
fn binaries_for_another_machine_are_refused_and_core_serves_run() {
    let host = Host::without_plugin();
    let tree = copy_of_the_tree(&host, "foreign");
    make_foreign(&tree.join("bin"));
    let url = pack(&tree, &host.directory().join("foreign.tar.gz"));
    let output = host.dokku(["plugin:install", &url, "--name", "oneoff"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1, "one sentence: {output:?}");
    assert!(
        output
            .stderr
            .contains("its binaries are not made for this machine"),
        "{output:?}"
    );
    // Enabled and unusable: neither help nor run may suffer.
    assert_served(&host, By::Core);

    // The same on a host where the plugin served already.
    let host = Host::with_plugin();
    cmd!("cp", "-RPT", &tree, available(&host)).run().unwrap();
    assert_eq!(host.dokku(["plugin:install"]).code, 1);
    assert_served(&host, By::Core);

    // And back: the binaries of this machine again.
    cmd!(
        "cp",
        "-RPT",
        plugin_tree(host.directory()),
        available(&host)
    )
    .run()
    .unwrap();
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Us);
}

#[test]
fn an_install_under_another_name_prints_advice_and_changes_nothing() {
    let host = Host::without_plugin();
    let url = archive_url(&host);
    let output = host.dokku(["plugin:install", &url, "--name", "tasks"]);
    succeeds(&output);
    assert!(output.stderr.contains("--name oneoff"), "{output:?}");
    assert_eq!(
        host.dokku(["run", "no-such-app"]).code,
        99,
        "core's run serves"
    );
    host.dokku_ok(&["plugin:uninstall", "tasks"]);
    assert_served(&host, By::Core);
}
