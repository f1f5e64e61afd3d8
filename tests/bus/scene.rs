//! Plugins of a test's own, and the two who run their hooks.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use duct::{Expression, cmd};
use tempfile::TempDir;

use crate::support::{Host, Output, run_to_end};

/// `PLUGIN_PATH`, and what surrounds a trigger.
pub struct Scene {
    host: Host,
    directory: TempDir,
    variables: RefCell<Vec<(String, String)>>,
    input: RefCell<String>,
}

/// What the plugin puts first in the `PATH` of hooks.
pub fn own_directory(host: &Host) -> PathBuf {
    let tree = host.library().join("plugins/available/oneoff");
    fs::canonicalize(tree).unwrap().join("path")
}

impl Scene {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["plugins/available", "plugins/enabled", "no-plugn", "cwd"] {
            fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        let scene = Self {
            host: Host::new(),
            directory,
            variables: RefCell::default(),
            input: RefCell::default(),
        };
        scene.configuration("");
        let stub = scene.directory.path().join("no-plugn/plugn");
        fs::write(&stub, "#!/bin/sh\necho handed over: \"$@\"\nexit 99\n").unwrap();
        fs::set_permissions(stub, fs::Permissions::from_mode(0o755)).unwrap();
        scene
    }

    fn plugins(&self) -> PathBuf {
        self.directory.path().join("plugins")
    }

    /// The plugin's directory, enabled.
    fn plugin(&self, name: &str) -> PathBuf {
        let available = self.plugins().join("available").join(name);
        if !available.exists() {
            fs::create_dir(&available).unwrap();
            symlink(&available, self.plugins().join("enabled").join(name)).unwrap();
            self.toml(name, "[plugin]\nversion = \"1\"\n[plugin.config]\n");
        }
        available
    }

    pub fn hook(&self, plugin: &str, trigger: &str, script: &str) {
        self.file(plugin, trigger, &format!("#!/bin/sh\n{script}\n"));
    }

    pub fn file(&self, plugin: &str, trigger: &str, text: &str) {
        fs::write(self.plugin(plugin).join(trigger), text).unwrap();
        self.set_mode(plugin, trigger, 0o755);
    }

    pub fn set_mode(&self, plugin: &str, trigger: &str, mode: u32) {
        let file = self.plugin(plugin).join(trigger);
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn directory(&self, plugin: &str, name: &str) {
        fs::create_dir(self.plugin(plugin).join(name)).unwrap();
    }

    pub fn link_to_nothing(&self, plugin: &str, name: &str) {
        symlink("nothing", self.plugin(plugin).join(name)).unwrap();
    }

    pub fn toml(&self, plugin: &str, text: &str) {
        fs::write(self.plugin(plugin).join("plugin.toml"), text).unwrap();
    }

    pub fn remove(&self, plugin: &str, name: &str) {
        fs::remove_file(self.plugin(plugin).join(name)).unwrap();
    }

    /// `config.toml`, which all plugins share.
    pub fn configuration(&self, text: &str) {
        fs::write(self.plugins().join("config.toml"), text).unwrap();
    }

    pub fn variable(&self, name: &str, value: &str) {
        let pair = (name.to_owned(), value.to_owned());
        self.variables.borrow_mut().push(pair);
    }

    pub fn input(&self, text: &str) {
        text.clone_into(&mut self.input.borrow_mut());
    }

    /// What both make of a trigger, which has to be the same; ours had no plugn to
    /// hand it to.
    #[track_caller]
    pub fn served(&self, trigger: &str, arguments: &[&OsStr]) -> Output {
        let words = words(trigger, arguments);
        let plugns = self.plugns(&words);
        let alone = [self.directory.path().join("no-plugn")];
        let ours = self.ours(&alone, &words);
        assert_eq!(ours, plugns);
        ours
    }

    /// plugn's output and ours, which may hand it over.
    pub fn both(&self, trigger: &str, arguments: &[&OsStr]) -> (Output, Output) {
        self.both_say(&words(trigger, arguments))
    }

    pub fn both_say(&self, words: &[&OsStr]) -> (Output, Output) {
        let behind = [self.plugn_directory()];
        (self.plugns(words), self.ours(&behind, words))
    }

    /// The same with another tree of ours behind, and ours once more.
    pub fn with_another_tree(&self, words: &[&OsStr]) -> (Output, Output) {
        let own = own_directory(&self.host);
        let copy = self.directory.path().join("copy");
        let words_of_cp = ["-rL", "--parents", "path", "bin/plugn"].map(OsString::from);
        fs::create_dir_all(&copy).unwrap();
        cmd("cp", words_of_cp.into_iter().chain([OsString::from(&copy)]))
            .dir(own.parent().unwrap())
            .run()
            .unwrap();
        fs::remove_file(copy.join("path/plugn")).unwrap();
        symlink("../bin/plugn", copy.join("path/plugn")).unwrap();
        let behind = [copy.join("path"), own, self.plugn_directory()];
        (self.plugns(words), self.ours(&behind, words))
    }

    fn plugn_directory(&self) -> PathBuf {
        if self.host.is_disposable() {
            self.host.directory().join("host/bin")
        } else {
            which::which("plugn").unwrap().parent().unwrap().to_owned()
        }
    }

    fn plugns(&self, words: &[&OsStr]) -> Output {
        let directory = self.plugn_directory();
        self.run(&directory, std::slice::from_ref(&directory), words)
    }

    fn ours(&self, behind: &[PathBuf], words: &[&OsStr]) -> Output {
        let own = own_directory(&self.host);
        let path = [std::slice::from_ref(&own), behind].concat();
        self.run(&own, &path, words)
    }

    /// `plugn` in the directory, with these first in its `PATH`.
    fn run(&self, directory: &Path, first: &[PathBuf], words: &[&OsStr]) -> Output {
        let path = std::env::var_os("PATH").unwrap();
        let path = first.iter().cloned().chain(std::env::split_paths(&path));
        let command = Host::without_its_variables(cmd(directory.join("plugn"), words))
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("PLUGIN_PATH", self.plugins())
            .dir(self.directory.path().join("cwd"))
            .stdin_bytes(self.input.borrow().clone());
        let command = self
            .variables
            .borrow()
            .iter()
            .fold(command, |command: Expression, (name, value)| {
                command.env(name, value)
            });
        run_to_end(&command)
    }
}

fn words<'a>(trigger: &'a str, arguments: &[&'a OsStr]) -> Vec<&'a OsStr> {
    [&[OsStr::new("trigger"), OsStr::new(trigger)], arguments].concat()
}
