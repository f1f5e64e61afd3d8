//! A clone of the repository: the host's cargo builds it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use duct::{Expression, cmd};

use super::{By, assert_served, available, make_foreign, succeeds, write_script};
use crate::support::{
    Host, Image, Output, not_run, plugin_tree, repository, run_to_end, wait_until,
};

/// A git repository with these sources, beside the host.
pub(super) struct Origin(PathBuf);

impl Origin {
    pub(super) fn new(host: &Host) -> Self {
        let origin = Self(host.directory().join("dokku-oneoff.git"));
        fs::create_dir(&origin.0).unwrap();
        // What git keeps, or will.
        let kept = cmd!(
            "git",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard"
        );
        let kept = kept.dir(repository()).read().unwrap();
        let kept = kept
            .split('\0')
            .filter(|path| repository().join(path).symlink_metadata().is_ok() && !path.is_empty());
        let words = ["-P", "--parents", "-t"].map(OsString::from).into_iter();
        let words = words
            .chain([OsString::from(&origin.0)])
            .chain(kept.map(OsString::from));
        cmd("cp", words).dir(repository()).run().unwrap();
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin.commit();
        origin
    }

    fn git(&self, words: &[&str]) {
        let who = ["-c", "user.name=a test", "-c", "user.email=a@test.invalid"];
        cmd("git", who.iter().chain(words))
            .dir(&self.0)
            .run()
            .unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a state"]);
    }

    /// Commits a change that what is built depends on, or one that it does not.
    fn change(&self, file: &str) {
        let path = self.0.join(file);
        let text = fs::read_to_string(&path).unwrap_or_default() + "\n";
        fs::write(path, text).unwrap();
        self.commit();
    }

    fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    /// `plugin:install` with its URL, ready for more variables.
    pub(super) fn installation(&self, host: &Host, cargo: &Cargo) -> Expression {
        cargo.found_by(&host.command(["plugin:install", &self.url()]))
    }

    pub(super) fn install(&self, host: &Host, cargo: &Cargo) -> Output {
        run_to_end(&self.installation(host, cargo).stdin_null())
    }
}

/// A `cargo` of the test's, in place of minutes of compiling: `install` gives the
/// binaries of this build, or fails half-way.
pub(super) struct Cargo {
    directory: PathBuf,
}

impl Cargo {
    pub(super) fn new(host: &Host) -> Self {
        let directory = host.directory().join("cargo");
        let built = plugin_tree(host.directory()).join("bin");
        let script = format!(
            r#"here=$(pwd)
cd '{}' || exit 1
[ "$1" = install ] || exit 1
echo "$*" >>calls
while [ $# -gt 0 ]; do
  case $1 in
    --root) root=$2 ;;
    --path) path=$2 ;;
    --target-dir) mkdir -p "$2/commands" ;;
  esac
  shift
done
[ -e "$path/Cargo.lock" ] || exit 1
{{ echo "$here"; echo "$root"; stat -c '%u %a' "$root"; env; }} >asked
mkdir -p "$root/bin"
while [ -e hold ]; do touch held; sleep 0.05; done
cp '{}'/help "$root/bin"
if [ -e broken ]; then echo 'error: could not compile' >&2; exit 101; fi
cp '{}'/* "$root/bin"
"#,
            directory.display(),
            built.display(),
            built.display()
        );
        write_script(&directory.join("cargo"), &script);
        Self { directory }
    }

    pub(super) fn found_by(&self, command: &Expression) -> Expression {
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.directory.display()))
    }

    /// Whatever it is asked for fails from now on, or does no more.
    fn break_down(&self, broken: bool) {
        self.mark("broken", broken);
    }

    fn mark(&self, name: &str, there: bool) {
        let file = self.directory.join(name);
        if there {
            fs::write(file, "").unwrap();
        } else {
            fs::remove_file(file).unwrap();
        }
    }

    /// How often it was asked to build.
    pub(super) fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.directory.join("calls")).unwrap_or_default();
        assert!(calls.lines().all(|call| call.contains("--locked")));
        calls.lines().count()
    }
}

fn dokku(host: &Host, cargo: &Cargo, words: &[&str]) -> Output {
    run_to_end(&cargo.found_by(&host.command(words)).stdin_null())
}

/// A `PATH` and a home without any cargo.
fn without_cargo(host: &Host, command: &Expression) -> Expression {
    let programs = host.directory().join("programs");
    let found = std::env::var("PATH").unwrap();
    fs::create_dir_all(&programs).unwrap();
    for directory in found.split(':').rev() {
        cmd!("find", directory, "-mindepth", "1", "-maxdepth", "1")
            .pipe(cmd!("xargs", "-r", "ln", "-sf", "-t", &programs))
            .unchecked()
            .stderr_null()
            .run()
            .unwrap();
    }
    let _ = fs::remove_file(programs.join("cargo"));
    command
        .env("PATH", &programs)
        .env("CARGO_HOME", host.directory())
        .env("HOME", host.directory())
}

/// The clone's sources are no longer those that were built.
fn change_sources(host: &Host) {
    let path = available(host).join("src/lib.rs");
    let text = fs::read_to_string(&path).unwrap() + "\n";
    fs::write(path, text).unwrap();
}

fn is_clean(host: &Host) {
    assert!(!host.library().join("data/oneoff/build").exists());
    let status = cmd!("git", "status", "--porcelain")
        .dir(available(host))
        .read();
    assert_eq!(
        status.unwrap(),
        "",
        "'git pull' must find the clone as it was"
    );
}

#[test]
fn a_clone_is_rebuilt_only_when_its_sources_change() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    succeeds(&origin.install(&host, &cargo));
    assert_eq!(cargo.calls(), 1);
    is_clean(&host);
    assert_served(&host, By::Us);

    succeeds(&dokku(&host, &cargo, &["plugin:install"]));
    succeeds(&dokku(&host, &cargo, &["plugin:update", "oneoff"]));
    origin.change("README.md");
    succeeds(&dokku(&host, &cargo, &["plugin:update", "oneoff"]));
    assert_eq!(cargo.calls(), 1, "the sources are the same");

    origin.change("src/lib.rs");
    succeeds(&dokku(&host, &cargo, &["plugin:update", "oneoff"]));
    assert_eq!(cargo.calls(), 2);
    is_clean(&host);
    assert_served(&host, By::Us);
}

#[test]
fn a_subcommand_added_by_an_update_becomes_a_subcommand_of_run() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    succeeds(&origin.install(&host, &cargo));
    assert_eq!(host.dokku(["run:another", "x"]).code, 1);
    cmd!(
        "ln",
        "-s",
        "../bin/help",
        origin.0.join("subcommands/another")
    )
    .run()
    .unwrap();
    origin.commit();
    succeeds(&dokku(&host, &cargo, &["plugin:update", "oneoff"]));
    // `help` calls no such words its own.
    assert_eq!(host.dokku(["run:another", "x"]).code, 10);
    fs::remove_file(origin.0.join("subcommands/another")).unwrap();
    origin.commit();
    succeeds(&dokku(&host, &cargo, &["plugin:update", "oneoff"]));
    assert_eq!(host.dokku(["run:another", "x"]).code, 1);
    assert_served(&host, By::Us);
}

#[test]
fn a_failed_first_build_leaves_run_with_core() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    cargo.break_down(true);
    let output = origin.install(&host, &cargo);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output
            .stderr
            .contains("cannot be used, cargo could not build it"),
        "{output:?}"
    );
    is_clean(&host);
    assert_served(&host, By::Core);

    cargo.break_down(false);
    succeeds(&dokku(&host, &cargo, &["plugin:install"]));
    assert_served(&host, By::Us);
}

#[test]
fn a_failed_later_build_keeps_the_working_binaries() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    succeeds(&origin.install(&host, &cargo));
    let inode = || {
        cmd!("stat", "-c", "%i", available(&host).join("bin/help"))
            .read()
            .unwrap()
    };
    let before = inode();
    origin.change("src/lib.rs");
    cargo.break_down(true);
    let output = dokku(&host, &cargo, &["plugin:update", "oneoff"]);
    succeeds(&output);
    assert!(
        output
            .stderr
            .contains("it goes on with the binaries that it has"),
        "{output:?}"
    );
    assert_eq!(inode(), before);
    is_clean(&host);
    assert_served(&host, By::Us);

    cargo.break_down(false);
    let output = dokku(&host, &cargo, &["plugin:install"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_ne!(inode(), before);
    assert_served(&host, By::Us);
}

#[test]
fn core_serves_run_and_help_during_the_build() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    cargo.mark("hold", true);
    let installation = origin
        .installation(&host, &cargo)
        .stdin_null()
        .stdout_null()
        .start()
        .unwrap();
    wait_until("cargo runs", || {
        cargo.directory.join("held").exists().then_some(())
    });
    assert_served(&host, By::Core);
    cargo.mark("hold", false);
    installation.wait().unwrap();
    assert_served(&host, By::Us);
}

#[test]
fn parallel_installations_build_once() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    cargo.mark("hold", true);
    let first = origin
        .installation(&host, &cargo)
        .stdin_null()
        .stdout_null()
        .start()
        .unwrap();
    wait_until("cargo runs", || {
        cargo.directory.join("held").exists().then_some(())
    });
    let trigger = || {
        cargo
            .found_by(&host.command(["plugin:install"]))
            .stdin_null()
            .stdout_null()
            .start()
            .unwrap()
    };
    let others = [trigger(), trigger()];
    wait_until("they wait for it", || {
        let data = host.library().join("data/oneoff");
        let waiting = cmd!("grep", "-c", "-e", "->.*FLOCK", "/proc/locks").unchecked();
        let number = waiting.read().unwrap().parse::<usize>().unwrap_or(0);
        (data.exists() && number >= 2).then_some(())
    });
    cargo.mark("hold", false);
    first.wait().unwrap();
    for other in others {
        other.wait().unwrap();
    }
    assert_eq!(cargo.calls(), 1);
    assert_served(&host, By::Us);
}

#[test]
fn an_install_without_cargo_suggests_a_release_archive() {
    let host = Host::without_plugin();
    let origin = Origin::new(&host);
    let command = without_cargo(&host, &host.command(["plugin:install", &origin.url()]));
    let output = run_to_end(&command.stdin_null());
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains("there is no cargo to build it with")
            && output.stderr.contains("install a release archive"),
        "{output:?}"
    );
    assert_served(&host, By::Core);
}

#[test]
fn a_clone_with_binaries_for_another_machine_is_rebuilt() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    succeeds(&origin.install(&host, &cargo));
    make_foreign(&available(&host).join("bin"));
    succeeds(&dokku(&host, &cargo, &["plugin:install"]));
    assert_eq!(cargo.calls(), 2);
    assert_served(&host, By::Us);
}

/// Where an administrator may stand: settings and programs of somebody else's for
/// whatever is built there. None of them may be executed; each leaves a file `executed`.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn new(host: &Host) -> Self {
        let elsewhere = Self(host.directory().join("elsewhere"));
        let directory = elsewhere.0.display();
        let script = format!("echo \"$0 $*\" >>'{directory}/executed'\nexit 1");
        for program in ["cargo", "rustc", "wrapper", "toolchain/bin/cargo"] {
            write_script(&elsewhere.0.join(program), &script);
        }
        write_script(&elsewhere.0.join("toolchain/bin/rustc"), &script);
        let files = [
            (
                "rust-toolchain.toml",
                format!("[toolchain]\npath = '{directory}/toolchain'\n"),
            ),
            (
                ".cargo/config.toml",
                format!(
                    "[build]\nrustc = '{directory}/rustc'\nrustc-wrapper = '{directory}/wrapper'\n"
                ),
            ),
        ];
        for (name, text) in files {
            let file = elsewhere.0.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        elsewhere
    }

    /// The same by variables of cargo's and rustup's.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let program = |name: &str| self.0.join(name).display().to_string();
        vec![
            ("RUSTUP_TOOLCHAIN", program("toolchain")),
            ("RUSTC", program("rustc")),
            ("RUSTC_WRAPPER", program("wrapper")),
            ("CARGO_BUILD_RUSTC_WRAPPER", program("wrapper")),
            ("RUSTC_WORKSPACE_WRAPPER", program("wrapper")),
            ("RUSTFLAGS", format!("-Clinker={}", program("wrapper"))),
            ("CC", program("wrapper")),
            ("TMPDIR", program("")),
        ]
    }

    #[track_caller]
    fn was_not_asked(&self) {
        let executed = fs::read_to_string(self.0.join("executed")).unwrap_or_default();
        assert_eq!(executed, "");
    }
}

#[test]
fn the_working_directory_and_environment_do_not_reach_the_build() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    let elsewhere = Elsewhere::new(&host);
    // Directories that others can write, and one that they cannot.
    let (shared, own) = (
        host.directory().join("shared"),
        host.directory().join("own"),
    );
    for (directory, mode) in [(&shared, 0o777), (&own, 0o755)] {
        fs::create_dir(directory).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let command = elsewhere
        .variables()
        .iter()
        .fold(
            host.command(["plugin:install", &origin.url()]),
            |command, (name, value)| command.env(name, value),
        )
        .env("HOME", &shared)
        .env("CARGO_HOME", &shared)
        .env("RUSTUP_HOME", &own)
        .env("https_proxy", "http://proxy.invalid")
        .env("PATH", format!(".::{}:{path}", cargo.directory.display()))
        .dir(&elsewhere.0);
    let output = run_to_end(&command.stdin_null());
    succeeds(&output);
    elsewhere.was_not_asked();
    assert!(
        output.stderr.contains("CARGO_HOME is '")
            && output.stderr.contains("another user can write there")
            && !output.stderr.contains("RUSTUP_HOME"),
        "{output:?}"
    );

    let asked = fs::read_to_string(cargo.directory.join("asked")).unwrap();
    let lines: Vec<&str> = asked.lines().collect();
    let [directory, build, mode, environment @ ..] = &lines[..] else {
        panic!("{asked}")
    };
    assert_eq!(*directory, "/");
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(*mode, format!("{uid} 700"), "{build} is nobody else's");
    let build = Path::new(build);
    assert!(!build.starts_with(host.library()) && !build.exists());
    let home = cmd!("getent", "passwd", uid.to_string()).read().unwrap();
    let home = home.split(':').nth(5).unwrap();
    let expected = [
        format!("HOME={home}"),
        format!("RUSTUP_HOME={}", own.display()),
        format!("TMPDIR={}/tmp", build.display()),
        "https_proxy=http://proxy.invalid".to_owned(),
    ];
    for variable in &expected {
        assert!(
            environment.contains(&variable.as_str()),
            "{variable}: {asked}"
        );
    }
    for variable in environment {
        let name = variable.split('=').next().unwrap();
        let is_expected = expected.iter().any(|expected| expected == variable)
            || [
                "PATH", "PWD", "OLDPWD", "SHLVL", "_", "LANG", "LC_ALL", "TERM",
            ]
            .contains(&name)
            || name.to_ascii_lowercase().ends_with("_proxy")
            || name.starts_with("SSL_CERT_");
        assert!(is_expected, "{variable}");
    }
}

#[test]
fn install_builds_where_files_are_executable_and_space_is_left() {
    if !rustix::process::geteuid().is_root() {
        not_run("other file systems", "mounting takes root");
        return;
    }
    let host = Host::without_plugin();
    if !host.directory().starts_with("/tmp") {
        not_run("other file systems", "they could hide the host");
        return;
    }
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    let place = |mounts: &str| {
        let script = format!("{mounts}\nexec \"$@\"");
        let words = ["--mount", "sh", "-ec", &script, "sh"].map(OsString::from);
        let dokku = [
            host.program().as_os_str().to_owned(),
            "plugin:install".into(),
        ];
        let command = cmd("unshare", words.into_iter().chain(dokku));
        let command = cargo.found_by(&Host::without_its_variables(command));
        change_sources(&host);
        succeeds(&run_to_end(&command.stdin_null()));
        let asked = fs::read_to_string(cargo.directory.join("asked")).unwrap();
        let build = PathBuf::from(asked.lines().nth(1).unwrap());
        build.parent().unwrap().display().to_string()
    };
    succeeds(&origin.install(&host, &cargo));
    assert_eq!(place("true"), "/var/cache");
    let noexec = "mount -t tmpfs -o noexec,size=2g tmpfs /var/cache";
    assert_eq!(place(noexec), "/var/tmp");
    let small = "mount -t tmpfs -o size=10m tmpfs /var/tmp";
    assert_eq!(place(&format!("{noexec}\n{small}")), "/tmp");
    let shared = "mount -t tmpfs -o mode=0777 tmpfs /var/tmp";
    assert_eq!(place(&format!("{noexec}\n{shared}")), "/tmp");
    assert_served(&host, By::Us);
}

#[test]
fn install_removes_the_build_directory_of_a_killed_build() {
    let host = Host::without_plugin();
    let (origin, cargo) = (Origin::new(&host), Cargo::new(&host));
    succeeds(&origin.install(&host, &cargo));
    let built_in = || {
        let asked = fs::read_to_string(cargo.directory.join("asked")).unwrap();
        PathBuf::from(asked.lines().nth(1).unwrap())
    };
    let left = built_in();
    fs::create_dir_all(left.join("target")).unwrap();
    let other = left.with_file_name("dokku-oneoff-build.1-1.another-host");
    fs::create_dir(&other).unwrap();
    change_sources(&host);
    succeeds(&dokku(&host, &cargo, &["plugin:install"]));
    let is_kept = other.exists();
    fs::remove_dir(&other).unwrap();
    assert!(is_kept, "another host's build");
    assert!(!left.exists() && !built_in().exists());
    assert_eq!(cargo.calls(), 2);
}

/// With this machine's cargo and what it has fetched already; quick, not small.
#[test]
fn the_real_cargo_builds_the_plugin_outside_of_its_tree() {
    let host = Host::without_plugin();
    let origin = Origin::new(&host);
    let elsewhere = Elsewhere::new(&host);
    // The settings of an administrator's own cargo are those that count.
    let home = host.directory().join("cargo-home");
    fs::create_dir(&home).unwrap();
    let settings = "[net]\noffline = true\n\
        [profile.release]\nlto = 'off'\nopt-level = 0\ncodegen-units = 16\n";
    fs::write(home.join("config.toml"), settings).unwrap();
    let fetched = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo"),
        PathBuf::from,
    );
    symlink(fetched.join("registry"), home.join("registry")).unwrap();
    let command = elsewhere
        .variables()
        .iter()
        .fold(
            host.command(["plugin:install", &origin.url()]),
            |command, (name, value)| command.env(name, value),
        )
        .env("CARGO_HOME", &home)
        .dir(&elsewhere.0);
    succeeds(&run_to_end(&command.stdin_null()));
    elsewhere.was_not_asked();
    is_clean(&host);
    assert!(!available(&host).join("target").exists());
    assert_served(&host, By::Us);
    let app = host.app(Image::Busybox);
    assert_eq!(app.sh("exit 3").code, 3);
}
