//! `dokku run` goes back to core, whichever way the plugin goes.

use std::fs;

use super::{By, assert_served, dokku_with, run_link};
use crate::support::Host;

fn leaves_something(host: &Host) {
    let records = host.library().join("data/oneoff/records");
    fs::create_dir_all(&records).unwrap();
    fs::write(records.join("one"), "{}").unwrap();
    let properties = host.library().join("config/oneoff/an-app");
    fs::create_dir_all(&properties).unwrap();
    fs::write(properties.join("stdin"), "none").unwrap();
}

#[test]
fn uninstall_returns_run_to_core_and_keeps_the_data() {
    let host = Host::with_plugin();
    leaves_something(&host);
    host.dokku_ok(&["plugin:uninstall", "oneoff"]);
    assert_eq!(
        run_link(&host),
        host.library().join("plugins/available/run")
    );
    assert_served(&host, By::Core);
    let data = host.library().join("data/oneoff");
    assert!(data.join("records/one").exists());
    assert!(!data.join("run").exists());
    assert!(host.library().join("config/oneoff/an-app/stdin").exists());
}

#[test]
fn uninstall_removes_the_data_on_request() {
    let host = Host::with_plugin();
    leaves_something(&host);
    let output = dokku_with(
        &host,
        &[("DOKKU_ONEOFF_REMOVE_DATA", "1")],
        &["plugin:uninstall", "oneoff"],
    );
    super::succeeds(&output);
    assert!(!host.library().join("data/oneoff").exists());
    assert!(!host.library().join("config/oneoff").exists());
    assert_served(&host, By::Core);
}

#[test]
fn uninstalling_another_plugin_changes_nothing() {
    let host = Host::with_plugin();
    host.add_hook("another", "no-such-hook", "true");
    let output = dokku_with(
        &host,
        &[("DOKKU_ONEOFF_REMOVE_DATA", "1")],
        &["plugin:uninstall", "another"],
    );
    super::succeeds(&output);
    assert_eq!(run_link(&host), host.library().join("data/oneoff/run"));
    assert_served(&host, By::Us);
}

#[test]
fn disabling_returns_run_to_core_and_enabling_takes_it_over() {
    let host = Host::with_plugin();
    host.dokku_ok(&["plugin:disable", "oneoff"]);
    assert_served(&host, By::Core);
    host.dokku_ok(&["plugin:enable", "oneoff"]);
    assert_served(&host, By::Us);
}

#[test]
fn uninstalling_the_disabled_plugin_leaves_run_with_core() {
    let host = Host::with_plugin();
    host.dokku_ok(&["plugin:disable", "oneoff"]);
    // It is told nothing: what leads to core stays.
    host.dokku_ok(&["plugin:uninstall", "oneoff"]);
    assert_served(&host, By::Core);
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Core);
}
