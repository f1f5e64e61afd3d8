//! The embedded host refuses what Dokku refuses: else the tests here would prove
//! nothing of a real one.

use super::archive_url;
use crate::support::Host;

#[test]
fn the_embedded_host_refuses_to_manage_core_plugins() {
    let host = Host::without_plugin();
    host.dokku(["plugin:disable", "run"])
        .assert_refused(1, "Cannot disable a core plugin");
    host.dokku(["plugin:uninstall", "run"])
        .assert_refused(1, "Cannot uninstall a core plugin");
    host.dokku(["plugin:update", "run"])
        .assert_refused(1, "Cannot update a core plugin");
    let url = format!("file://{}/no-repository", host.directory().display());
    let output = host.dokku(["plugin:install", &url, "--name", "run"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("run is there already"), "{output:?}");
}

#[test]
fn the_embedded_host_fetches_plugins_only_from_urls() {
    let host = Host::without_plugin();
    let path = host.directory().display().to_string();
    host.dokku(["plugin:install", &path])
        .assert_refused(1, "neither");
    host.dokku(["plugin:install", "http://an.example/plugin"])
        .assert_refused(1, "neither");
}

#[test]
fn the_embedded_host_fires_install_hooks_as_dokku_does() {
    let host = Host::with_plugin();
    let log = host.directory().join("log");
    let script = format!("echo \"${{0##*/}} $*\" >>'{}'", log.display());
    for hook in ["install", "update", "uninstall"] {
        host.add_hook("witness", hook, &script);
    }
    let fired = |words: &[&str]| {
        let _ = std::fs::remove_file(&log);
        host.dokku_ok(words);
        std::fs::read_to_string(&log).unwrap_or_default()
    };
    assert_eq!(fired(&["plugin:disable", "oneoff"]), "");
    assert_eq!(fired(&["plugin:enable", "oneoff"]), "");
    assert_eq!(fired(&["plugin:install"]), "install \n");
    assert_eq!(fired(&["plugin:update", "oneoff"]), "update \n");
    assert_eq!(fired(&["plugin:update"]), "update \n");
    assert_eq!(fired(&["plugin:install", "--core"]), "");
    assert_eq!(fired(&["plugin:uninstall", "oneoff"]), "uninstall oneoff\n");
    let url = archive_url(&host);
    assert_eq!(
        fired(&["plugin:install", &url, "--name", "oneoff"]),
        "install \n"
    );
    host.dokku_ok(&["plugin:uninstall", "oneoff"]);
    let words = [
        "plugin:install",
        &url,
        "--name",
        "oneoff",
        "--skip-install-trigger",
    ];
    assert_eq!(fired(&words), "");
}
