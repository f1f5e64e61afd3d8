//! `dokku run` stays core's where the administrator says so.

use std::fs;

use super::{By, archive_url, assert_served, dokku_with, run_link, succeeds};
use crate::support::Host;

#[test]
fn the_take_over_variable_is_stored_as_a_property() {
    let host = Host::without_plugin();
    let url = archive_url(&host);
    let words = ["plugin:install", &url, "--name", "oneoff"];
    succeeds(&dokku_with(
        &host,
        &[("DOKKU_ONEOFF_TAKE_OVER", "false")],
        &words,
    ));
    assert_served(&host, By::CoreBesideUs);
    // The next start knows no such variable.
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::CoreBesideUs);

    succeeds(&dokku_with(
        &host,
        &[("DOKKU_ONEOFF_TAKE_OVER", "true")],
        &["plugin:install"],
    ));
    assert_served(&host, By::Us);
}

#[test]
fn the_take_over_property_false_returns_run_to_core() {
    let host = Host::with_plugin();
    let property = host.library().join("config/oneoff/--global/take-over");
    fs::create_dir_all(property.parent().unwrap()).unwrap();
    fs::write(&property, "false").unwrap();
    host.dokku_ok(&["plugin:install"]);
    assert_eq!(
        run_link(&host),
        host.library().join("plugins/available/run")
    );
    assert_served(&host, By::CoreBesideUs);
    fs::remove_file(&property).unwrap();
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Us);
}

#[test]
fn an_invalid_take_over_variable_changes_nothing() {
    let host = Host::with_plugin();
    let wish = [("DOKKU_ONEOFF_TAKE_OVER", "no")];
    let output = dokku_with(&host, &wish, &["plugin:install"]);
    succeeds(&output);
    assert!(
        output.stderr.contains("'no', it can be true or false"),
        "{output:?}"
    );
    assert_served(&host, By::Us);
}

#[test]
fn a_run_plugin_of_a_third_party_is_not_replaced() {
    let host = Host::without_plugin();
    host.add_hook("their-run", "commands", "[ \"$1\" = help ] || exit 10");
    let theirs = host.library().join("plugins/available/their-run");
    super::write_script(&theirs.join("subcommands/default"), "echo theirs");
    let link = host.library().join("plugins/enabled/run");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&theirs, &link).unwrap();
    let url = archive_url(&host);
    let output = host.dokku(["plugin:install", &url, "--name", "oneoff"]);
    succeeds(&output);
    assert!(
        output.stderr.contains("neither core's nor ours"),
        "{output:?}"
    );
    host.dokku(["run", "an-app"]).assert_stdout("theirs\n");
    host.dokku_ok(&["plugin:uninstall", "oneoff"]);
    assert_eq!(run_link(&host), theirs, "it was never ours to give back");
}
