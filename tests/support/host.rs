//! The Dokku host that a test runs on.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use duct::{Expression, cmd};
use tempfile::TempDir;

use super::{App, Daemon, Image, Output, Process, docker};

/// An embedded host, which belongs to one test, or the machine's installed one.
pub struct Host {
    /// The `dokku` command.
    dokku: PathBuf,
    root: PathBuf,
    library: PathBuf,
    /// Plugins that this test has added, removed when the host is dropped.
    plugins: std::sync::Mutex<Vec<String>>,
    /// The directory of the embedded host; `None` for the installed host.
    directory: Option<TempDir>,
    /// The socket of the test's docker daemon; `None` for the machine's daemon.
    daemon: Option<String>,
    /// Distinguishes the hosts of this process.
    number: u32,
}

/// A number that no other call in this process returns.
fn next_number() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

impl Host {
    /// The host that `ONEOFF_TEST_HOST` names.
    pub fn new() -> Self {
        match std::env::var("ONEOFF_TEST_HOST").as_deref() {
            Err(_) | Ok("" | "embedded") => Self::with_plugin(),
            Ok("installed" | "parity") => Self::installed(),
            Ok(other) => panic!("ONEOFF_TEST_HOST is '{other}': embedded, installed or parity"),
        }
    }

    /// An embedded host with the plugin.
    pub fn with_plugin() -> Self {
        let directory = temporary();
        let tree = plugin_tree(directory.path());
        let host = Self::create(directory, &["--plugin".into(), tree.into()]);
        // The supervisor outlives its caller and does not inherit this variable from it.
        if let Ok(daemon) = std::env::var("DOCKER_HOST") {
            host.set_variable("DOCKER_HOST", &daemon);
        }
        host
    }

    /// An embedded host without the plugin. Tests that install, update and remove the plugin never
    /// run on an installed host.
    pub fn without_plugin() -> Self {
        Self::create(temporary(), &[])
    }

    /// An embedded host with the plugin, on a docker daemon of the test.
    pub fn on(daemon: &Daemon) -> Self {
        let mut host = Self::with_plugin();
        host.set_variable("DOCKER_HOST", &daemon.socket());
        host.daemon = Some(daemon.socket());
        host
    }

    fn create(directory: TempDir, options: &[OsString]) -> Self {
        let path = directory.path().join("host");
        let words = [&[OsString::from(&path)], options].concat();
        cmd(repository().join("tests/host/create"), words)
            .run()
            .expect("an embedded host");
        Self {
            dokku: path.join("bin/dokku"),
            root: path.join("home/dokku"),
            library: path.join("var/lib/dokku"),
            plugins: std::sync::Mutex::default(),
            directory: Some(directory),
            daemon: None,
            number: next_number(),
        }
    }

    fn installed() -> Self {
        Self {
            dokku: "/usr/bin/dokku".into(),
            root: "/home/dokku".into(),
            library: "/var/lib/dokku".into(),
            plugins: std::sync::Mutex::default(),
            directory: None,
            daemon: None,
            number: next_number(),
        }
    }

    /// Whether the host belongs to this test alone and may be damaged.
    pub fn is_disposable(&self) -> bool {
        self.directory.is_some()
    }

    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The directory that contains the embedded host; a test may add files of its own.
    pub fn directory(&self) -> &Path {
        self.directory.as_ref().expect("an embedded host").path()
    }

    /// Creates an app and deploys it with the image.
    pub fn app(&self, image: Image) -> App<'_> {
        let name = format!("{}{}", self.app_prefix(), next_number());
        self.named_app(name, image)
    }

    /// The prefix of the names of all apps that [`Host::app`] creates on this host. No other host
    /// has it: without `cargo nextest`, tests of one process run in parallel.
    pub fn app_prefix(&self) -> String {
        format!("oneoff-{}-{}-", std::process::id(), self.number)
    }

    /// Like [`Host::app`], with a given name.
    pub fn named_app(&self, name: String, image: Image) -> App<'_> {
        App::create(self, name, image)
    }

    /// The user that logs in to run `dokku` through SSH.
    pub fn user(&self) -> String {
        if self.is_disposable() {
            cmd!("id", "-un").read().unwrap()
        } else {
            "dokku".to_owned()
        }
    }

    /// `dokku <words>`, ready for redirections and variables.
    pub fn command<I>(&self, words: I) -> Expression
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        Self::without_its_variables(cmd(&self.dokku, words))
    }

    /// `dokku <words>` as `"$@"` of a shell script, ready for redirections and variables.
    pub fn command_by(&self, script: &str, words: &[&str]) -> Expression {
        let dokku = self.dokku.to_str().unwrap();
        let words = [&["-c", script, "sh", dokku], words].concat();
        // bash, because not every shell takes a number of two digits before a redirection.
        Self::without_its_variables(cmd("bash", words))
    }

    /// Gives files that the test has created in the plugin's data to the user that the plugin runs
    /// as.
    pub fn chown_to_plugin_user(&self) {
        if self.is_disposable() {
            return; // the plugin runs as our own user
        }
        let data = self.library.join("data/oneoff");
        cmd!("chown", "--recursive", "--reference", &data, &data)
            .run()
            .unwrap();
    }

    /// The `dokku` command.
    pub fn program(&self) -> &Path {
        &self.dokku
    }

    /// Removes the variables that Dokku would take from its caller, and cargo's variables with a `-`
    /// in their names, about which plugn's shell complains.
    pub fn without_its_variables(command: Expression) -> Expression {
        std::env::vars_os()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                name.starts_with("DOKKU_")
                    || name.starts_with("SSH_")
                    || name.starts_with("PLUGIN_")
                    || name.contains('-')
            })
            .fold(command, |command, (name, _)| command.env_remove(name))
    }

    /// Runs `dokku <words>` without input.
    pub fn dokku<I>(&self, words: I) -> Output
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        run_to_end(&self.command(words).stdin_null())
    }

    /// Like [`Host::dokku`], for a preparation that must succeed.
    #[track_caller]
    pub fn dokku_ok(&self, words: &[&str]) {
        let output = self.dokku(words);
        assert_eq!(output.code, 0, "dokku {words:?}: {output:?}");
    }

    /// Adds a plugin with one hook, a shell script, to this host. On an installed host the script
    /// must ignore other apps.
    pub fn add_hook(&self, plugin: &str, hook: &str, script: &str) {
        let available = self.library.join("plugins/available").join(plugin);
        fs::create_dir_all(&available).unwrap();
        fs::write(
            available.join("plugin.toml"),
            "[plugin]\ndescription = \"a test\"\n[plugin.config]\n",
        )
        .unwrap();
        let file = available.join(hook);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let link = self.library.join("plugins/enabled").join(plugin);
        if !link.exists() {
            symlink(&available, link).unwrap();
            self.plugins.lock().unwrap().push(plugin.to_owned());
        }
    }

    /// The process id of this host's supervisor.
    pub fn supervisor(&self) -> Option<u32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|process| process.file_name().to_str()?.parse().ok())
            .find(|pid: &u32| {
                let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let program = fs::read_link(format!("/proc/{pid}/exe"));
                line.contains("\0--supervise\0")
                    && program.is_ok_and(|program| program.starts_with(&self.library))
            })
    }

    /// Runs the test with docker's client as it is and, on an embedded host, again without docker's
    /// event stream, so that exits are found by inspection only.
    pub fn with_and_without_events(&self, mut test: impl FnMut()) {
        test();
        if self.is_disposable() {
            self.replace_docker("[ \"$1\" != events ] || exit 1; exec \"$DOCKER\" \"$@\"");
            test();
        }
    }

    /// Replaces this host's docker client by the script. `$DOCKER` is the real one.
    pub fn replace_docker(&self, script: &str) {
        assert!(
            self.is_disposable(),
            "only a test's own host may lose its docker"
        );
        let docker = which::which("docker").unwrap();
        let file = self.root.join("docker");
        fs::write(
            &file,
            format!("#!/bin/sh\nDOCKER={}\n{script}\n", docker.display()),
        )
        .unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self.set_docker(&file);
    }

    /// What the real docker client prints, on this host's daemon.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> String {
        match &self.daemon {
            Some(socket) => docker(&[&["--host", socket], arguments].concat()),
            None => docker(arguments),
        }
    }

    /// The program with this host's docker daemon.
    pub fn on_its_daemon(&self, program: Expression) -> Expression {
        match &self.daemon {
            Some(socket) => program.env("DOCKER_HOST", socket),
            None => program,
        }
    }

    /// Every process that descends from a command of this host: its environment has a variable with
    /// the host's path.
    pub fn processes(&self) -> Vec<Process> {
        assert!(
            self.is_disposable(),
            "another host's processes are not all ours"
        );
        Process::with_variable(&format!("DOKKU_LIB_ROOT={}", self.library.display()))
    }

    /// Sets the docker client in a file that Dokku sources first.
    pub fn set_docker(&self, path: &Path) {
        assert!(
            self.is_disposable(),
            "only a test's own host may lose its docker"
        );
        self.set_variable("DOCKER_BIN", &path.display().to_string());
    }

    /// Sets a variable of Dokku's environment in a file that Dokku sources first.
    pub fn set_variable(&self, name: &str, value: &str) {
        let directory = self.root.join(".dokkurc");
        fs::create_dir_all(&directory).unwrap();
        let line = format!("export {name}={value}\n");
        fs::write(directory.join(name), line).unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for plugin in self.plugins.lock().unwrap().iter() {
            let _ = fs::remove_file(self.library.join("plugins/enabled").join(plugin));
            let _ = fs::remove_dir_all(self.library.join("plugins/available").join(plugin));
        }
    }
}

/// Runs a command to its end.
pub fn run_to_end(command: &Expression) -> Output {
    Output::new(
        &command
            .unchecked()
            .stdout_capture()
            .stderr_capture()
            .run()
            .expect("the command starts"),
    )
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the plugin has this subcommand, even if the binary that it links to is not built.
pub fn has_subcommand(name: &str) -> bool {
    let link = repository().join("subcommands").join(name);
    link.symlink_metadata().is_ok()
}

fn temporary() -> TempDir {
    tempfile::Builder::new()
        .prefix("oneoff-host-")
        .tempdir()
        .unwrap()
}

/// The plugin as `make plugin` lays it out: the tree that `ONEOFF_PLUGIN_TREE` names, or a tree
/// below `directory` with the binaries of this build.
pub fn plugin_tree(directory: &Path) -> PathBuf {
    match std::env::var_os("ONEOFF_PLUGIN_TREE") {
        Some(tree) => PathBuf::from(tree),
        None => stage(&directory.join("plugin")),
    }
}

fn stage(tree: &Path) -> PathBuf {
    if tree.exists() {
        return tree.to_owned(); // staged before: copying a file over a link to itself would empty it
    }
    fs::create_dir_all(tree.join("bin")).unwrap();
    // What Dokku executes is at the top level: links and executable files.
    let top = fs::read_dir(repository()).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        let executed =
            about.is_symlink() || (about.is_file() && about.permissions().mode() & 0o111 != 0);
        (path, executed)
    });
    let executed = top.filter_map(|(path, executed)| executed.then_some(path));
    let kept =
        ["plugin.toml", "path", "subcommands", "take-over"].map(|name| repository().join(name));
    let words = [OsString::from("-RP")]
        .into_iter()
        .chain(executed.chain(kept).map(OsString::from))
        .chain([OsString::from(tree)]);
    cmd("cp", words).run().unwrap();
    let built = Path::new(env!("CARGO_BIN_EXE_run")).parent().unwrap();
    for source in fs::read_dir(repository().join("src/bin")).unwrap() {
        let name = source.unwrap().path().file_stem().unwrap().to_owned();
        let (from, to) = (built.join(&name), tree.join("bin").join(&name));
        fs::hard_link(&from, &to)
            .or_else(|_| fs::copy(&from, &to).map(|_| ()))
            .unwrap();
    }
    tree.to_owned()
}
