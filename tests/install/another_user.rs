//! Root's hooks work in directories of user `dokku`, on a host that has other users:
//! here `dokku` is one without rights, and another file is root's alone.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use duct::{Expression, cmd};

use super::built_here::{Cargo, Origin};
use super::{archive_url, available, run_link, succeeds, write_script};
use crate::support::{Host, Image, Output, not_run, run_to_end, wait_until};

/// What a hook takes at most; it ends with 124 where it waits for something that never comes.
const LIMIT_SECONDS: &str = "60";

/// A user that every host has, and none of its files.
struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// `None` where this test may not be another user.
    fn new(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            not_run(test, "another user takes root");
            return None;
        }
        let id = |which| cmd!("id", which, "nobody").read().unwrap().parse().unwrap();
        let (uid, gid) = (id("-u"), id("-g"));
        Some(Self { uid, gid })
    }

    fn own(&self, path: &Path) {
        let owner = format!("{}:{}", self.uid, self.gid);
        cmd!("chown", "-hR", owner, path).run().unwrap();
    }

    /// Starts a shell script of this user's, with one argument.
    fn script(&self, script: &str, argument: &Path) -> Expression {
        let (uid, gid) = (
            format!("--reuid={}", self.uid),
            format!("--regid={}", self.gid),
        );
        let options = [&uid, &gid, "--clear-groups", "bash", "-c", script, "bash"];
        let words = options
            .map(PathBuf::from)
            .into_iter()
            .chain([argument.into()]);
        cmd("setpriv", words)
    }
}

/// A host that other users can look into, whose user `dokku` has no rights.
fn host_of(user: &User, install: impl FnOnce(&Host)) -> Host {
    let host = Host::without_plugin();
    open_for_others(&host);
    fs::write(
        host.directory()
            .join("host/home/dokku/.dokkurc/SYSTEM_USER"),
        "export DOKKU_SYSTEM_USER=nobody\n",
    )
    .unwrap();
    user.own(host.library());
    install(&host);
    // As hook `install` of core's plugin `plugin` does it after ours.
    user.own(&host.library().join("plugins"));
    host
}

fn open_for_others(host: &Host) {
    fs::set_permissions(host.directory(), fs::Permissions::from_mode(0o755)).unwrap();
}

fn from_archive(host: &Host) {
    let url = archive_url(host);
    host.dokku_ok(&["plugin:install", &url, "--name", "oneoff"]);
}

/// `dokku <words>`, ended where it would wait for ever.
fn limited(host: &Host, variables: &[(&str, &str)], words: &[&str]) -> Output {
    let words = [
        &[LIMIT_SECONDS, host.program().to_str().unwrap()][..],
        words,
    ]
    .concat();
    let command = Host::without_its_variables(cmd("timeout", words));
    let command = variables
        .iter()
        .fold(command, |command, (name, value)| command.env(name, value));
    run_to_end(&command.stdin_null())
}

fn stand_in(host: &Host) -> PathBuf {
    host.library().join("data/oneoff/run")
}

/// A file and a directory of root's.
struct Treasure(PathBuf);

impl Treasure {
    const TEXT: &str = "root's\n";

    fn new(host: &Host) -> Self {
        let treasure = Self(host.directory().join("treasure"));
        fs::create_dir(&treasure.0).unwrap();
        fs::write(treasure.file(), Self::TEXT).unwrap();
        for (path, mode) in [(treasure.file(), 0o600), (treasure.0.clone(), 0o700)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        treasure
    }

    fn file(&self) -> PathBuf {
        self.0.join("file")
    }

    /// What has become of it, when it is not as it was.
    fn damage(&self) -> Option<String> {
        let state = |path: &Path| {
            let about = path.symlink_metadata().unwrap();
            (about.uid(), about.mode() & 0o7777)
        };
        let names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        let text = fs::read_to_string(self.file()).unwrap();
        let (directory, file) = (state(&self.0), state(&self.file()));
        (names.len() != 1 || text != Self::TEXT || directory != (0, 0o700) || file != (0, 0o600))
            .then(|| format!("{directory:?} {file:?} {names:?} {text:?}"))
    }
}

/// Puts `make`'s thing, of the user's, at this path.
fn plant(user: &User, path: &Path, make: impl FnOnce(&Path)) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir_all(path);
    if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
        fs::create_dir_all(parent).unwrap();
        user.own(parent);
    }
    make(path);
    user.own(path);
}

fn make_old(host: &Host) {
    fs::write(host.library().join("STABLE_VERSION"), "v0.37.0\n").unwrap();
}

#[test]
fn install_follows_no_link_of_another_user() {
    let Some(user) = User::new("links in Dokku's directories") else {
        return;
    };
    let host = host_of(&user, from_archive);
    let treasure = Treasure::new(&host);
    let (data, tree) = (host.library().join("data/oneoff"), available(&host));
    let global = host.library().join("config/oneoff/--global");
    make_old(&host);
    let mut damages = Vec::new();
    // What is as it should be is not written again.
    let spoil = || fs::write(stand_in(&host).join("launcher"), "").unwrap();
    let mut expect_none = |what: &Path| {
        let wish = [("DOKKU_ONEOFF_TAKE_OVER", "true")];
        let output = limited(&host, &wish, &["plugin:trigger", "install"]);
        if let Some(damage) = treasure.damage() {
            damages.push(format!("{}: {damage}: {output:?}", what.display()));
            fs::remove_dir_all(&treasure.0).unwrap();
            Treasure::new(&host);
        }
        assert_eq!(output.code, 0, "{what:?}: {output:?}");
    };
    for path in [
        data.join("run/.new"),
        data.join("version-warned-of"),
        data.join("install.lock"),
        global.join("take-over"),
        tree.join("bin/another"),
        host.library().join("plugins/enabled/.run.new"),
    ] {
        spoil();
        plant(&user, &path, |path| {
            symlink(treasure.file(), path).unwrap();
        });
        // So that all binaries are made executable.
        let help = tree.join("bin/help");
        fs::set_permissions(&help, fs::Permissions::from_mode(0o644)).unwrap();
        expect_none(&path);
        assert_eq!(run_link(&host), stand_in(&host), "{path:?}");
    }
    fs::remove_file(tree.join("bin/another")).unwrap();
    for path in [
        data.join("run/subcommands"),
        data.join("run"),
        global.clone(),
        global.parent().unwrap().to_owned(),
        data.clone(),
    ] {
        host.dokku_ok(&["plugin:trigger", "install"]);
        spoil();
        plant(&user, &path, |path| symlink(&treasure.0, path).unwrap());
        expect_none(&path);
        fs::remove_file(&path).unwrap_or_default();
    }
    assert_eq!(damages, Vec::<String>::new());
    assert_eq!(fs::read_to_string(treasure.file()).unwrap(), Treasure::TEXT);

    host.dokku_ok(&["plugin:trigger", "install"]);
    assert_eq!(run_link(&host), stand_in(&host));
    let owner = data.metadata().unwrap().uid();
    assert_eq!(owner, user.uid, "the plugin's data is user dokku's");
}

#[test]
fn install_does_not_hang_on_planted_fifos_or_directories() {
    let Some(user) = User::new("FIFOs in Dokku's directories") else {
        return;
    };
    let host = host_of(&user, from_archive);
    let data = host.library().join("data/oneoff");
    let property = host.library().join("config/oneoff/--global/take-over");
    make_old(&host);
    let fifo = |path: &Path| cmd!("mkfifo", path).run().map(|_| ()).unwrap();
    let directory = |path: &Path| fs::create_dir_all(path.join("within")).unwrap();
    let makes: [&dyn Fn(&Path); 2] = [&fifo, &directory];
    for path in [
        data.join("version-warned-of"),
        data.join("install.lock"),
        data.join("run/launcher"),
        data.join("run/plugin.toml"),
        data.join("run/run"),
        available(&host).join("bin/.sources"),
        host.library().join("plugins/enabled/.run.new"),
        property.clone(),
    ] {
        for make in makes {
            plant(&user, &path, make);
            // Led there anew.
            fs::remove_file(host.library().join("plugins/enabled/run")).unwrap();
            let output = limited(&host, &[], &["plugin:trigger", "install"]);
            assert_eq!(output.code, 0, "{path:?}: {output:?}");
            assert_eq!(run_link(&host), stand_in(&host), "{path:?}");
        }
    }
    for make in makes {
        plant(&user, &property, make);
        let wish = [("DOKKU_ONEOFF_TAKE_OVER", "false")];
        succeeds(&limited(&host, &wish, &["plugin:trigger", "install"]));
        assert_eq!(fs::read_to_string(&property).unwrap(), "false");
        assert_eq!(property.metadata().unwrap().uid(), user.uid);
    }
}

#[test]
fn install_gives_root_owned_data_to_the_plugins_user() {
    let Some(user) = User::new("data of root's") else {
        return;
    };
    let host = host_of(&user, from_archive);
    let data = host.library().join("data/oneoff");
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    host.dokku_ok(&["plugin:trigger", "install"]);
    assert_eq!(data.metadata().unwrap().uid(), user.uid);
    assert_eq!(stand_in(&host).metadata().unwrap().uid(), user.uid);
    assert_eq!(run_link(&host), stand_in(&host));
}

#[test]
fn install_executes_files_as_their_owner() {
    let Some(user) = User::new("programs of another user") else {
        return;
    };
    let mut built = None;
    let host = host_of(&user, |host| {
        let (origin, cargo) = (Origin::new(host), Cargo::new(host));
        succeeds(&origin.install(host, &cargo));
        built = Some(cargo);
    });
    let cargo = built.unwrap();
    let (tree, seen) = (available(&host), host.directory().join("seen"));
    fs::write(&seen, "").unwrap();
    user.own(&seen);
    let uids = || {
        let text = fs::read_to_string(&seen).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let nobody = user.uid.to_string();

    // Git executes what a repository says.
    let filter = host.directory().join("filter");
    write_script(&filter, &format!("id -u >>'{}'\nexec cat", seen.display()));
    cmd!(
        "git",
        "config",
        "--file",
        tree.join(".git/config"),
        "filter.a.smudge",
        &filter
    )
    .run()
    .unwrap();
    fs::create_dir_all(tree.join(".git/info")).unwrap();
    fs::write(tree.join(".git/info/attributes"), "* filter=a\n").unwrap();
    fs::remove_file(tree.join("README.md")).unwrap();
    user.own(&tree);
    let variables = [("GIT_DIR", "/no-such-repository")];
    let output = limited(&host, &variables, &["plugin:trigger", "install"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(uids(), [nobody.as_str()]);
    assert_eq!(tree.join("README.md").metadata().unwrap().uid(), user.uid);

    // A build takes the place of what works no more.
    let treasure = Treasure::new(&host);
    fs::write(&seen, "").unwrap();
    let help = tree.join("bin/help");
    fs::remove_file(&help).unwrap();
    write_script(&help, &format!("id -u >>'{}'", seen.display()));
    plant(&user, &tree.join("bin/.new"), |path| {
        symlink(treasure.file(), path).unwrap();
    });
    user.own(&help);
    succeeds(&run_to_end(
        &cargo
            .found_by(&host.command(["plugin:trigger", "install"]))
            .stdin_null(),
    ));
    assert_eq!(cargo.calls(), 2);
    assert!(uids().iter().all(|uid| *uid == nobody) && !uids().is_empty());
    assert_eq!(treasure.damage(), None);
    assert_eq!(help.metadata().unwrap().uid(), user.uid);
    succeeds(&host.dokku(["run:help"]));
}

/// Locks everything that can be opened, and says so.
const LOCK_EVERYTHING: &str = r#"
ulimit -n "$(ulimit -H -n)"
while IFS= read -r -d '' path; do
  if { exec {file}<"$path"; } 2>/dev/null; then flock --nonblock "$file"; fi
done < <(find "$1" \( -type d -o -type f \) -print0 2>/dev/null)
echo locked
exec sleep infinity
"#;

#[test]
fn locks_of_another_user_delay_nothing() {
    let Some(user) = User::new("locks of another user") else {
        return;
    };
    let host = Host::with_plugin();
    open_for_others(&host);
    let app = host.app(Image::Busybox);
    // So that there are records, a journal, and a supervisor with its lock.
    app.run(["echo", "before"]).assert_stdout("before\n");
    let detached = host.dokku(["run:detached", &app.name, "sleep", "300"]);
    succeeds(&detached);
    wait_until("a supervisor", || host.supervisor());

    let script = user.script(LOCK_EVERYTHING, &host.directory().join("host"));
    let locks = script.stdin_null().unchecked().reader().unwrap();
    let mut line = String::new();
    BufReader::new(&locks).read_line(&mut line).unwrap();
    assert_eq!(line, "locked\n");

    succeeds(&limited(&host, &[], &["plugin:install"]));
    let locked = ["run", "--lock", "one", &app.name, "echo", "meanwhile"];
    limited(&host, &[], &locked).assert_stdout("meanwhile\n");
    succeeds(&limited(&host, &[], &["run:stop", &app.name]));
    wait_until("all are recorded, and removed", || {
        let history = host.dokku(["run:history", "--format", "json", &app.name]);
        let number = history.stdout.matches("\"id\"").count();
        (number == 3 && app.containers().is_empty()).then_some(())
    });
    drop(app);
    succeeds(&limited(&host, &[], &["plugin:uninstall", "oneoff"]));
    locks.kill().unwrap();
}

#[test]
fn install_waits_for_another_install_with_a_limit() {
    let host = Host::with_plugin();
    let log = host.directory().join("log");
    let script = format!("echo \"${{0##*/}}\" >>'{}'", log.display());
    for hook in ["install", "uninstall"] {
        host.add_hook("zz-later", hook, &script);
    }
    let file = host.library().join("data/oneoff/install.lock");
    let lock = File::open(&file).unwrap();
    lock.lock().unwrap();
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600);
    let limit = [("DOKKU_ONEOFF_LOCK_TIMEOUT", "1")];

    let output = limited(&host, &limit, &["plugin:trigger", "install"]);
    succeeds(&output);
    assert!(
        output.stderr.lines().count() == 1 && output.stderr.contains("under way for 1 s"),
        "{output:?}"
    );
    assert_eq!(fs::read_to_string(&log).unwrap(), "install\n");
    super::assert_served(&host, super::By::Us);

    // It goes all the same, and `dokku run` is core's.
    let output = limited(&host, &limit, &["plugin:uninstall", "oneoff"]);
    succeeds(&output);
    assert!(output.stderr.contains("under way for 1 s"), "{output:?}");
    assert_eq!(
        run_link(&host),
        host.library().join("plugins/available/run")
    );
    assert_eq!(fs::read_to_string(&log).unwrap(), "install\nuninstall\n");
    super::assert_served(&host, super::By::Core);
    // Even when the other one leads it there again.
    let run = host.library().join("plugins/enabled/run");
    fs::remove_file(&run).unwrap();
    symlink(stand_in(&host), &run).unwrap();
    super::assert_served(&host, super::By::Core);
}

#[test]
fn a_first_install_fails_after_waiting_too_long_for_the_lock() {
    let host = Host::without_plugin();
    let file = host.library().join("data/oneoff/install.lock");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let lock = File::create(&file).unwrap();
    lock.lock().unwrap();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    let command = origin
        .installation(&host, &cargo)
        .env("DOKKU_ONEOFF_LOCK_TIMEOUT", "1");
    let output = run_to_end(&command.stdin_null());
    assert_eq!((output.code, cargo.calls()), (1, 0), "{output:?}");
    super::assert_served(&host, super::By::Core);
    drop(lock);
    succeeds(&run_to_end(
        &cargo
            .found_by(&host.command(["plugin:install"]))
            .stdin_null(),
    ));
    super::assert_served(&host, super::By::Us);
}
