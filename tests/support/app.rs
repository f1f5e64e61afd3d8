//! An app for one test.

use std::ffi::OsString;
use std::fs;

use duct::{Expression, cmd};

use super::host::{repository, run_to_end};
use super::{Gate, Host, Output, Terminal, docker, wait_until};

/// The image that an app is deployed with; `tests/images/` builds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// Busybox: `/bin/sh`, no bash.
    Busybox,
    Bash,
    /// Runs every command through `/exec`, which prints its arguments in brackets.
    Herokuish,
    /// Runs every command through `launcher`, which prints its arguments in brackets and runs a
    /// single one as a line of bash; its own entrypoint fails.
    Pack,
    /// Its `/exec` expands and splits its arguments as that of herokuish does.
    HerokuishExec,
    /// Its entrypoint ends in a shell's `-c`, as that of nixpacks' images does.
    ShellEntrypoint,
    /// The only program is `echo`.
    NoShell,
    /// Not released, because its build failed half-way.
    BuildStage,
    /// No image.
    None,
}

/// An app, destroyed when it is dropped. If a container of it is left then, the test fails.
pub struct App<'a> {
    host: &'a Host,
    pub name: String,
}

impl<'a> App<'a> {
    pub(super) fn create(host: &'a Host, name: String, image: Image) -> Self {
        host.dokku_ok(&["apps:create", &name]);
        let app = Self { host, name };
        app.deploy(image);
        app
    }

    /// Builds the image and tags it as the app's, which is the last step of a deployment.
    pub fn deploy(&self, image: Image) {
        let recipe = match image {
            Image::Busybox => "busybox",
            Image::Bash => "bash",
            Image::Herokuish => "herokuish",
            Image::Pack => "pack",
            Image::HerokuishExec => "herokuish-exec",
            Image::ShellEntrypoint => "shell-entrypoint",
            Image::NoShell => "no-shell",
            Image::BuildStage => "build-stage",
            Image::None => return,
        };
        let build = cmd!(repository().join("tests/images/build"), recipe);
        let reference = self
            .host
            .on_its_daemon(build)
            .read()
            .expect("the image is built");
        self.host
            .docker(&["image", "tag", &reference, &self.image()]);
    }

    /// Adds labels to the app's image, each as `NAME=value`.
    pub fn label_image(&self, labels: &[&str]) {
        let container = self
            .host
            .docker(&["container", "create", &self.image(), "true"]);
        let mut words = vec!["container", "commit"];
        let changes: Vec<String> = labels
            .iter()
            .map(|label| format!("LABEL {label}"))
            .collect();
        words.extend(changes.iter().flat_map(|change| ["--change", change]));
        let image = self.image();
        words.extend([container.as_str(), &image]);
        self.host.docker(&words);
        self.host.docker(&["container", "rm", &container]);
    }

    pub fn image(&self) -> String {
        format!("dokku/{}:latest", self.name)
    }

    /// `dokku run <options> <app> <command>`, ready for redirections.
    pub fn command<I>(&self, options: &[&str], command: I) -> Expression
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.subcommand("run", options, command)
    }

    /// `dokku <name> <options> <app> <command>`, ready for redirections.
    pub fn subcommand<I>(&self, name: &str, options: &[&str], command: I) -> Expression
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.host.command(self.words(name, options, command))
    }

    /// `dokku run …` on a terminal of its own, in a shell script that runs it as `"$@"`.
    pub fn terminal<I>(&self, script: &str, options: &[&str], command: I) -> Terminal
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        Terminal::start(self.host, script, self.words("run", options, command))
    }

    fn words<I>(&self, name: &str, options: &[&str], command: I) -> Vec<OsString>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut words = vec![OsString::from(name)];
        words.extend(options.iter().map(OsString::from));
        words.push(OsString::from(&self.name));
        words.extend(command.into_iter().map(Into::into));
        words
    }

    /// Gives the app a crontab of one daily task that runs this script. Returns the task's id.
    pub fn schedule(&self, script: &str) -> String {
        let directory = self.host.library().join("data/app-json").join(&self.name);
        fs::create_dir_all(&directory).unwrap();
        let text = format!(
            "{{\"cron\": [\n{{\"command\": \"sh -c '{script}'\", \"schedule\": \"@daily\"}}\n]}}\n"
        );
        fs::write(directory.join("app.json"), text).unwrap();
        let list = self.host.dokku(["cron:list", &self.name]);
        let line = list.stdout.lines().find(|line| line.contains("@daily"));
        let line = line.expect("the task is listed");
        line.split_whitespace().next().unwrap().to_owned()
    }

    /// Creates, but does not start, a container of this name with the labels of a task of ours and
    /// these further labels. Returns its id.
    pub fn create_task_container(&self, name: &str, labels: &[&str], command: &[&str]) -> String {
        let image = self.image();
        let app_label = format!("com.dokku.app-name={}", self.name);
        let name_label = format!("dokku-oneoff.name={name}");
        let ours = ["com.dokku.container-type=run", &name_label, &app_label];
        let labels = ours.iter().chain(labels);
        let labels = labels.flat_map(|label| ["--label", label]);
        let words: Vec<&str> = ["container", "create", "--name", name]
            .into_iter()
            .chain(labels)
            .chain([image.as_str()])
            .chain(command.iter().copied())
            .collect();
        docker(&words)
    }

    /// Runs a command without input.
    pub fn run<I>(&self, command: I) -> Output
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.run_with(&[], command)
    }

    /// Runs a command without input, with options of `run`.
    pub fn run_with<I>(&self, options: &[&str], command: I) -> Output
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        run_to_end(&self.command(options, command).stdin_null())
    }

    /// Runs a shell script in the task.
    pub fn sh(&self, script: &str) -> Output {
        self.run(["sh", "-c", script])
    }

    /// Starts a detached task that writes this number of lines with `script` and then waits at the
    /// gate. Returns its name when docker has all of the lines.
    #[track_caller]
    pub fn writes(&self, gate: &Gate, script: &str, lines: usize) -> String {
        let script = format!("{script}; {}", Gate::WAIT[2]);
        let command = self.subcommand("run:detached", &[], ["sh", "-c", &script]);
        let output = run_to_end(&command.stdin_null());
        assert_eq!(output.code, 0, "{output:?}");
        gate.wait();
        let name = output.stdout.trim().to_owned();
        self.wait_logged(&name, lines);
        name
    }

    /// Waits until docker has this number of lines of the container. Docker reads them some time
    /// after they are written.
    #[track_caller]
    pub fn wait_logged(&self, name: &str, lines: usize) {
        let logs = self
            .host
            .on_its_daemon(cmd!("docker", "container", "logs", name));
        let logs = logs.stderr_to_stdout().stdout_capture();
        wait_until("docker has got the lines", || {
            let text = logs.run().unwrap().stdout;
            // After the last line end there is nothing, or a part of a line.
            let whole = text.split(|byte| *byte == b'\n').count() - 1;
            (whole >= lines).then_some(())
        });
    }

    /// Sets a config value, byte for byte. A long value is passed without encoding: encoded, it
    /// would be too long for an argument.
    pub fn config(&self, name: &str, value: &str) {
        if value.len() > 90_000 {
            return self.dokku_ok("config:set", &["--no-restart", &format!("{name}={value}")]);
        }
        let encoded = cmd!("base64", "-w0").stdin_bytes(value).read().unwrap();
        self.dokku_ok(
            "config:set",
            &["--no-restart", "--encoded", &format!("{name}={encoded}")],
        );
    }

    /// Runs `dokku <command> <options> <app> <words>` as a preparation.
    #[track_caller]
    pub fn dokku_ok(&self, command: &str, words: &[&str]) {
        // Core's commands read their options before the app.
        let options = words
            .iter()
            .take_while(|word| word.starts_with("--no-restart") || **word == "--encoded")
            .count();
        let (options, rest) = words.split_at(options);
        let line: Vec<&str> = [&[command], options, &[self.name.as_str()], rest].concat();
        self.host.dokku_ok(&line);
    }

    pub fn procfile(&self, text: &str) {
        let directory = self.host.library().join("data/ps").join(&self.name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("Procfile"), text).unwrap();
    }

    /// The ids of the app's containers, in any state.
    pub fn containers(&self) -> Vec<String> {
        let filter = format!("label=com.dokku.app-name={}", self.name);
        let ids = self.host.docker(&[
            "container",
            "ls",
            "--all",
            "--no-trunc",
            "--quiet",
            "--filter",
            &filter,
        ]);
        ids.lines().map(str::to_owned).collect()
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        let left = self.containers();
        for id in &left {
            self.host.docker(&["container", "rm", "--force", id]);
        }
        let destroyed = self.host.dokku(["--force", "apps:destroy", &self.name]);
        let _ = self
            .host
            .on_its_daemon(cmd!("docker", "image", "rm", self.image()))
            .stdout_null()
            .stderr_null()
            .unchecked()
            .run();
        if !std::thread::panicking() {
            assert_eq!(destroyed.code, 0, "{destroyed:?}");
            assert!(
                left.is_empty(),
                "containers of {} are left: {left:?}",
                self.name
            );
        }
    }
}
