use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::sys::process::Stdout;

const HOOK: &str = "user-auth-app";

/// A directory of plugins with `enabled`.
struct Plugins(TempDir);

impl Plugins {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("enabled")).unwrap();
        Self(directory)
    }

    fn path(&self, plugin: &str) -> PathBuf {
        let directory = self.0.path().join("enabled").join(plugin);
        fs::create_dir_all(&directory).unwrap();
        directory.join(HOOK)
    }

    fn file(&self, plugin: &str, text: &str, mode: u32) {
        let path = self.path(plugin);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn hooks(&self) -> AccessHooks {
        TriggerRunner::new(self.0.path()).access_hooks(HOOK)
    }

    #[track_caller]
    fn are_unusable_at(&self, plugin: &str, case: &str) {
        match self.hooks() {
            AccessHooks::Unusable(path) => assert_eq!(path, self.path(plugin), "{case}"),
            AccessHooks::Absent => panic!("{case}: absent"),
            AccessHooks::Executable(_) => panic!("{case}: executable"),
        }
    }
}

const SCRIPT: &str = "#!/bin/sh\n";

#[test]
fn without_plugins_there_is_no_access_hook() {
    let plugins = Plugins::new();
    assert!(matches!(plugins.hooks(), AccessHooks::Absent));
    plugins.path("other");
    symlink("nothing", plugins.0.path().join("enabled/gone")).unwrap();
    fs::write(plugins.0.path().join("enabled/file"), "").unwrap();
    assert!(matches!(plugins.hooks(), AccessHooks::Absent));
}

#[test]
fn the_event_log_is_not_an_access_plugin() {
    for mode in [0o755, 0o644] {
        let plugins = Plugins::new();
        plugins.file(EVENT_LOG, SCRIPT, mode);
        assert!(matches!(plugins.hooks(), AccessHooks::Absent), "{mode:o}");
        plugins.file("acl", SCRIPT, 0o755);
        assert!(matches!(plugins.hooks(), AccessHooks::Executable(_)));
    }
}

#[test]
fn a_non_executable_access_hook_counts_as_present() {
    type Make = fn(&Plugins);
    let cases: [(&str, Make); 6] = [
        ("mode", |plugins| plugins.file("acl", SCRIPT, 0o644)),
        ("empty", |plugins| plugins.file("acl", "", 0o755)),
        ("dangling link", |plugins| {
            symlink("nothing", plugins.path("acl")).unwrap();
        }),
        ("link to itself", |plugins| {
            symlink(HOOK, plugins.path("acl")).unwrap();
        }),
        ("directory", |plugins| {
            fs::create_dir(plugins.path("acl")).unwrap();
        }),
        ("link to a device", |plugins| {
            symlink("/dev/null", plugins.path("acl")).unwrap();
        }),
    ];
    for (name, make) in cases {
        // The result does not depend on other plugins.
        for other in [None, Some("aaa"), Some("zzz")] {
            let plugins = Plugins::new();
            if let Some(other) = other {
                plugins.file(other, SCRIPT, 0o755);
            }
            make(&plugins);
            plugins.are_unusable_at("acl", &format!("{name} beside {other:?}"));
        }
    }
}

#[test]
fn a_plugin_skipped_by_plugn_counts_as_an_access_plugin() {
    let plugins = Plugins::new();
    plugins.file(".acl", SCRIPT, 0o755);
    plugins.are_unusable_at(".acl", "hidden");
}

#[test]
fn an_unsearchable_plugin_directory_counts_as_an_access_hook() {
    let plugins = Plugins::new();
    fs::remove_dir(plugins.0.path().join("enabled")).unwrap();
    assert!(matches!(plugins.hooks(), AccessHooks::Unusable(_)));
    // Root can search every directory, but no user can search a link to itself.
    symlink("enabled", plugins.0.path().join("enabled")).unwrap();
    assert!(matches!(plugins.hooks(), AccessHooks::Unusable(_)));
    fs::remove_file(plugins.0.path().join("enabled")).unwrap();
    fs::create_dir(plugins.0.path().join("enabled")).unwrap();
    symlink("acl", plugins.0.path().join("enabled/acl")).unwrap();
    assert!(matches!(plugins.hooks(), AccessHooks::Unusable(_)));
}

#[test]
fn an_access_hook_that_disappears_is_a_failure() {
    let plugins = Plugins::new();
    plugins.file("acl", "#!/bin/sh\necho demo\n", 0o755);
    let AccessHooks::Executable(hooks) = plugins.hooks() else {
        panic!("not executable");
    };
    let runner = TriggerRunner::new(plugins.0.path());
    let ask =
        || runner.ask_for_access(&hooks, HOOK, &[], |call| call.stdout(Stdout::Capture).run());
    assert_eq!(ask().unwrap(), b"demo\n");
    plugins.file("acl", "#!/bin/sh\necho demo\nexit 3\n", 0o755);
    assert!(ask().is_err());
    plugins.file("acl", SCRIPT, 0o644);
    assert!(ask().is_err());
    fs::remove_file(plugins.path("acl")).unwrap();
    assert!(ask().is_err());
}
