//! Hooks that root fires by hand (`dokku plugin:trigger` is root's) write nothing as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use duct::cmd;

use crate::support::{
    Host, Image, docker, not_run, record, records, store, wait_until, write_records,
};

/// A host of the test's own whose Dokku runs as another user than we, and that user's
/// number. `None` where there can be none, which is said.
fn host_of_another_user() -> Option<(Host, u32)> {
    let host = Host::new();
    if !host.is_disposable() {
        return None; // hooks of all plugins would be fired for what is not there
    }
    // In the group that may talk to docker, as Dokku's user is.
    let socket = cmd!("stat", "--format=%G", "/var/run/docker.sock");
    let group = socket.stderr_null().read();
    let (true, Ok(group)) = (number_of("root") == own_number(), group) else {
        not_run("hooks that root fires", "needs root, and docker's socket");
        return None;
    };
    host.set_variable("DOKKU_SYSTEM_USER", USER);
    host.set_variable("DOKKU_SYSTEM_GROUP", &group);
    fs::set_permissions(host.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    Some((host, number_of(USER)))
}

/// A user of every system, who owns nothing.
const USER: &str = "nobody";

fn number_of(user: &str) -> u32 {
    cmd!("id", "-u", user).read().unwrap().parse().unwrap()
}

fn own_number() -> u32 {
    cmd!("id", "-u").read().unwrap().parse().unwrap()
}

/// Gives all that is there to Dokku's user, as it is on a host.
fn give(host: &Host, user: u32) {
    let all = host.directory().join("host");
    let words = ["--recursive", "--no-dereference"];
    cmd!("chown", words[0], words[1], user.to_string(), all)
        .run()
        .unwrap();
}

fn properties(host: &Host, app: &str) -> PathBuf {
    host.library().join("config/oneoff").join(app)
}

/// Fires a hook of ours as root does.
#[track_caller]
fn fire(host: &Host, words: &[&str]) -> String {
    let output = host.dokku([&["plugin:trigger"], words].concat());
    assert_eq!(output.code, 0, "{words:?}: {output:?}");
    output.stderr
}

/// Everything below these is that user's.
#[track_caller]
fn belongs_to(user: u32, paths: &[PathBuf]) {
    for path in paths {
        let found = cmd!("find", path, "!", "-uid", user.to_string()).read();
        assert_eq!(found.unwrap(), "", "not the user's");
    }
}

#[test]
fn files_written_by_root_hooks_belong_to_dokkus_user() {
    let Some((host, user)) = host_of_another_user() else {
        return;
    };
    let app = host.app(Image::None);
    // Before the host is another user's: no command would be root's then.
    fs::create_dir_all(properties(&host, &app.name)).unwrap();
    fs::write(properties(&host, &app.name).join("memory"), "1g").unwrap();
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    give(&host, user);
    let (copy, new) = (format!("{}-copy", app.name), format!("{}-new", app.name));
    fire(&host, &["post-app-clone-setup", &app.name, &copy]);
    fire(&host, &["post-app-rename-setup", &app.name, &new]);
    let renamed = store(&host, &app).with_file_name(&new);
    let written = [properties(&host, &copy), properties(&host, &new), renamed];
    for path in &written {
        assert!(path.exists(), "{}", path.display());
    }
    belongs_to(user, &written);
    fire(&host, &["post-app-rename-setup", &new, &app.name]);
    assert_eq!(records(&host, &app).len(), 1);
    for app in [&copy, &new] {
        fire(&host, &["post-delete", app]);
        assert!(!properties(&host, app).exists());
    }
    // A sweep writes down that an app is missing.
    let missing = store(&host, &app).with_file_name(&new);
    fs::create_dir(&missing).unwrap();
    chown(&missing, Some(user), None).unwrap();
    fire(&host, &["scheduler-run-retire"]);
    belongs_to(user, std::slice::from_ref(&missing));
    assert!(missing.join("missing").exists());
    fire(&host, &["post-create", &new]);
    assert!(!missing.exists());
}

/// The whole of what a task of core's gets: a journal, and a supervisor.
#[test]
fn a_supervisor_started_by_a_root_hook_runs_as_dokkus_user() {
    let Some((host, user)) = host_of_another_user() else {
        return;
    };
    let app = host.app(Image::Busybox);
    give(&host, user);
    let name = format!("{}.run.77", app.name);
    let app_label = format!("com.dokku.app-name={}", app.name);
    let image = app.image();
    let id = docker(&[
        "container",
        "run",
        "--detach",
        "--init",
        "--name",
        &name,
        "--label",
        "com.dokku.container-type=run",
        "--label",
        &app_label,
        &image,
        "sleep",
        "100",
    ]);
    let said = fire(
        &host,
        &["post-container-create", "app", &id, &app.name, "run"],
    );
    let data = host.library().join("data/oneoff");
    let journal = data.join("tasks").join(&name);
    assert!(journal.exists(), "{said}");
    let supervisor = wait_until("there is a supervisor", || host.supervisor());
    let process = Path::new("/proc").join(supervisor.to_string());
    assert_eq!(fs::metadata(process).unwrap().uid(), user);
    fire(
        &host,
        &["scheduler-post-run", "docker-local", &app.name, &id, "0"],
    );
    let below = ["tasks", "locks", "supervisor.wake"].map(|path| data.join(path));
    let there: Vec<_> = below.into_iter().filter(|path| path.exists()).collect();
    belongs_to(user, &there);
    docker(&["container", "rm", "--force", &id]);
    wait_until("the task is recorded", || (!journal.exists()).then_some(()));
    belongs_to(user, &[store(&host, &app)]);
    assert_eq!(records(&host, &app).len(), 1);
}

/// What root has left there by other means.
#[test]
fn files_only_root_can_remove_do_not_end_a_command() {
    let Some((host, user)) = host_of_another_user() else {
        return;
    };
    let names = ["destroyed", "renamed"].map(|name| format!("root-left-{name}"));
    for name in &names {
        host.dokku_ok(&["apps:create", name]);
    }
    give(&host, user);
    let leave = |name: &str| {
        let records = host.library().join("data/oneoff/records").join(name);
        for directory in [properties(&host, name), records] {
            fs::create_dir_all(directory.join("output")).unwrap();
            fs::write(directory.join("memory"), "1g").unwrap();
            fs::write(directory.join("tasks.jsonl"), "{}\n").unwrap();
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
        }
    };
    for name in &names {
        leave(name);
    }
    // The parents are Dokku's, and what is in them is not.
    for parent in ["config/oneoff", "data/oneoff/records"] {
        chown(host.library().join(parent), Some(user), None).unwrap();
    }
    let [destroyed, renamed] = &names;
    let output = host.dokku(["--force", "apps:destroy", destroyed]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stderr.contains("config/oneoff"), "{output:?}");
    let kept = host.library().join("data/oneoff/records").join(destroyed);
    assert!(!kept.exists(), "the next app of that name would have it");
    let output = host.dokku(["apps:rename", renamed, "root-left-new"]);
    assert_eq!(output.code, 0, "{output:?}");
    let listed = host.dokku(["apps:list"]).stdout;
    assert!(listed.contains("root-left-new"), "{listed}");
    assert!(!names.iter().any(|name| listed.contains(name)), "{listed}");
}

#[test]
fn commands_refuse_root() {
    let Some((host, _)) = host_of_another_user() else {
        return;
    };
    for command in ["run", "run:list", "run:set", "run:retire"] {
        let output = host.dokku([command]);
        output.assert_refused(1, "'nobody'");
    }
    // Where there is no such user nothing is written, and the rest of Dokku goes on.
    host.set_variable("DOKKU_SYSTEM_USER", "oneoff-no-such-user");
    for (words, code) in [
        (&["post-create", "x"][..], 0),
        (&["post-delete", "x"], 0),
        (&["post-container-create", "app", "x", "x", "run"], 0),
        (&["scheduler-run-retire"], 1),
    ] {
        let output = host.dokku([&["plugin:trigger"], words].concat());
        assert_eq!(output.code, code, "{words:?}: {output:?}");
        assert!(
            output
                .stderr
                .contains("there is no user 'oneoff-no-such-user'"),
            "{output:?}"
        );
    }
}
