//! The directory that `plugins/enabled/run` leads to while `dokku run` is ours.

use std::fs;
use std::os::unix::fs::symlink;

use super::{By, assert_served, available, dokku_with, run_link};
use crate::support::{Host, Image};

#[test]
fn core_receives_its_arguments_as_dokku_passes_them() {
    let host = Host::with_plugin();
    host.dokku_ok(&["plugin:disable", "oneoff"]);
    for (words, core) in [
        (&["run", "an-app", "a  b", ""][..], "run an-app a  b "),
        (&["--app", "an-app", "run", "date"], "run an-app date"),
        (&["--app", "an-app", "run"], "run an-app"),
        (&["--app", "an-app", "run:list"], "run:list an-app"),
        (&["run:list", "an-app"], "run:list an-app"),
    ] {
        let output = host.dokku(words);
        assert_eq!(
            (output.code, output.stderr),
            (99, format!("core's run was asked for: {core}\n")),
            "{words:?}"
        );
    }
}

#[test]
fn the_plugin_receives_its_arguments_as_they_were_typed() {
    let host = Host::with_plugin();
    let app = host.app(Image::Busybox);
    let words = ["--app", &app.name, "run", "printf", "[%s]", "a  b", ""];
    host.dokku(words).assert_stdout("[a  b][]");
}

#[test]
fn a_subcommand_that_only_core_has_is_passed_to_core() {
    let host = Host::with_plugin();
    let core = host
        .library()
        .join("core-plugins/available/run/subcommands/extra");
    super::write_script(&core, "echo \"core's $*\"");
    assert_eq!(host.dokku(["run:extra", "an-app"]).code, 1);
    host.dokku_ok(&["plugin:install"]);
    host.dokku(["run:extra", "an-app"])
        .assert_stdout("core's run:extra an-app\n");
    fs::remove_file(core).unwrap();
    host.dokku(["run:extra", "an-app"])
        .assert_refused(10, "`run:extra` is not a dokku command.");
    // The next hook takes the name away.
    host.dokku_ok(&["plugin:install"]);
    assert_eq!(host.dokku(["run:extra", "an-app"]).code, 1);
}

#[test]
fn the_install_hook_restores_removed_links_and_files() {
    let host = Host::with_plugin();
    let run = host.library().join("plugins/enabled/run");
    let stand_in = host.library().join("data/oneoff/run");
    let damages: [&dyn Fn(); 5] = [
        &|| fs::remove_file(&run).unwrap(),
        &|| fs::remove_dir_all(&stand_in).unwrap(),
        &|| fs::remove_file(stand_in.join("commands")).unwrap(),
        &|| fs::remove_dir_all(stand_in.join("subcommands")).unwrap(),
        &|| fs::write(stand_in.join("launcher"), "").unwrap(),
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage();
        host.dokku_ok(&["plugin:trigger", "install"]);
        assert_eq!(run_link(&host), stand_in, "damage {number}");
        host.dokku_ok(&["plugin:trigger", "update"]);
    }
    assert_served(&host, By::Us);
}

#[test]
fn install_replaces_a_run_link_that_was_made_manually() {
    let host = Host::with_plugin();
    let run = host.library().join("plugins/enabled/run");
    fs::remove_file(&run).unwrap();
    symlink(available(&host), &run).unwrap();
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Us);
}

#[test]
fn take_over_works_with_a_symlinked_data_directory() {
    // As in docker's image of Dokku.
    let host = Host::with_plugin();
    let data = host.library().join("data");
    let mount = host.directory().join("mount");
    fs::rename(&data, &mount).unwrap();
    symlink(&mount, &data).unwrap();
    host.dokku_ok(&["plugin:install"]);
    assert_served(&host, By::Us);
}

#[test]
fn run_stays_with_core_when_the_launcher_cannot_be_executed() {
    let host = Host::with_plugin();
    // As on a file system that is mounted so: what stands in answers otherwise than it should.
    let core = host.library().join("core-plugins/available/run/commands");
    let launcher = available(&host).join("take-over/launcher");
    fs::remove_file(&launcher).unwrap();
    super::write_script(&launcher, "exit 126");
    let output = dokku_with(&host, &[], &["plugin:install"]);
    super::succeeds(&output);
    assert!(
        output.stderr.contains("'dokku run' stays core's"),
        "{output:?}"
    );
    assert!(core.exists());
    assert_served(&host, By::CoreBesideUs);
}
