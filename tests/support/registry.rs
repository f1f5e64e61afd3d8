//! An image registry for one test, on its own port of this machine.

use std::fs;
use std::io::Write;

use duct::{Handle, cmd};
use tempfile::TempDir;

use super::host::repository;
use super::{App, docker, wait_until};

/// The login that pulling and pushing needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// No login.
    None,
    /// User `ada` with password `secret`.
    Needed,
}

/// `ada:secret` as docker stores it.
const AUTH: &str = "YWRhOnNlY3JldA==";

/// `ada:secret` for the registry (the output of `htpasswd -B`).
const HTPASSWD: &str = "ada:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";

/// A running registry; its process and its data are removed when it is dropped.
pub struct Registry {
    directory: TempDir,
    process: Handle,
    /// Host and port.
    pub server: String,
    login: Login,
}

impl Registry {
    /// `None`, with a line on stderr, if this machine has no registry program.
    pub fn start(login: Login) -> Option<Self> {
        let program = cmd!(repository().join("scripts/get-registry"))
            .unchecked()
            .stdout_capture()
            .run()
            .unwrap();
        if !program.status.success() {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: there is no docker-registry to pull from"
            );
            return None;
        }
        let program = String::from_utf8(program.stdout).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let auth = match login {
            Login::None => String::new(),
            Login::Needed => {
                fs::write(path("htpasswd"), HTPASSWD).unwrap();
                format!(
                    "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
                    path("htpasswd").display()
                )
            }
        };
        // For 127.0.0.0/8 docker needs no certificate. The system chooses the port.
        let configuration = format!(
            "version: 0.1\nlog: {{level: info, formatter: json}}\nhttp: {{addr: '127.0.0.1:0'}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\n{auth}",
            path("storage").display()
        );
        fs::write(path("config.yml"), configuration).unwrap();
        // The registry is killed also when the test is killed.
        let process = cmd!(
            "setpriv",
            "--pdeathsig=KILL",
            program.trim(),
            "serve",
            path("config.yml")
        )
        .stdin_null()
        .stdout_null()
        .stderr_path(path("log"))
        .unchecked()
        .start()
        .unwrap();
        let server = wait_until("the registry listens", || {
            let log = fs::read_to_string(path("log")).unwrap();
            let (_, after) = log.split_once("listening on ")?;
            let (server, _) = after.split_once('"')?;
            Some(server.to_owned())
        });
        Some(Self {
            directory,
            process,
            server,
            login,
        })
    }

    /// Moves the app's image to this registry, under a tag: it is pushed and removed locally.
    pub fn take(&self, app: &App<'_>, tag: &str) -> Pushed {
        let repository = format!("oneoff-test/{}", app.name);
        app.dokku_ok("registry:set", &["server", &self.server]);
        app.dokku_ok("registry:set", &["image-repo", &repository]);
        let reference = format!("{}/{repository}:{tag}", self.server);
        docker(&["image", "tag", &app.image(), &reference]);
        let pushed = Pushed { reference };
        let directory = self.directory.path().join("client");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.json"), self.client_configuration()).unwrap();
        docker(&[
            "--config",
            directory.to_str().unwrap(),
            "image",
            "push",
            &pushed.reference,
        ]);
        pushed.remove_local_copy();
        docker(&["image", "rm", &app.image()]);
        pushed
    }

    /// The `config.json` of docker's client for this registry.
    pub fn client_configuration(&self) -> String {
        match self.login {
            Login::None => "{}".to_owned(),
            Login::Needed => format!(r#"{{"auths":{{"{}":{{"auth":"{AUTH}"}}}}}}"#, self.server),
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

/// An image in a registry. Its local copy is removed when this is dropped.
pub struct Pushed {
    pub reference: String,
}

impl Pushed {
    pub fn has_local_copy(&self) -> bool {
        let listed = docker(&["image", "ls", "--quiet", &self.reference]);
        !listed.is_empty()
    }

    /// Removes the image from this machine.
    pub fn remove_local_copy(&self) {
        docker(&["image", "rm", &self.reference]);
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        let _ = cmd!("docker", "image", "rm", &self.reference)
            .stdout_null()
            .stderr_null()
            .unchecked()
            .run();
    }
}
