//! Hostile input, and what must not have come of it on the host: no container, image,
//! file or process.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use duct::cmd;
use tempfile::TempDir;

use crate::support::{App, Host, Image, Terminal, docker, has_subcommand, run_to_end, wait_until};

/// What became of a row.
enum Expected<'a> {
    /// The task ran, and wrote this.
    Wrote(&'a str),
    /// A refusal with this code.
    Refused(i32),
    /// No such program in the image: the words were its command.
    NotFound,
}
use Expected::{NotFound, Refused, Wrote};

/// A host, and a directory in which nothing must ever appear.
struct Target<'a> {
    host: &'a Host,
    traps: TempDir,
    before: RefCell<Vec<String>>,
}

impl<'a> Target<'a> {
    fn new(host: &'a Host, app: &App<'_>) -> Self {
        let traps = tempfile::tempdir().unwrap();
        fs::set_permissions(traps.path(), fs::Permissions::from_mode(0o777)).unwrap();
        app.run(["true"]).assert_stdout(""); // what the plugin makes once is there
        let target = Self {
            host,
            traps,
            before: RefCell::default(),
        };
        target.is_prepared();
        target
    }

    /// What there is now is what has to be there after every row.
    fn is_prepared(&self) {
        *self.before.borrow_mut() = self.seen();
    }

    /// The host is as it was.
    #[track_caller]
    fn is_unharmed(&self, what: &impl std::fmt::Debug) {
        assert_eq!(self.seen(), *self.before.borrow(), "{what:?}");
    }

    /// A command that a shell must not get to see.
    fn trap(&self) -> String {
        format!("touch {}/sprung", self.traps.path().display())
    }

    /// The trap in every form in which a shell would run it.
    fn forms(&self) -> Vec<String> {
        let trap = self.trap();
        vec![
            format!("; {trap} ;"),
            format!("$({trap})"),
            format!("`{trap}`"),
            format!("\n{trap}\n"),
            format!("'; {trap}; '"),
            format!("\"; {trap}; \""),
            format!("| {trap} & {trap} && {trap}"),
            "--privileged".to_owned(),
            "--volume=/:/host".to_owned(),
            "../../../../etc/passwd".to_owned(),
            "-".to_owned(),
            "--".to_owned(),
        ]
    }

    /// What there is of this test's, on the host.
    fn seen(&self) -> Vec<String> {
        let marks = [
            self.host.app_prefix(),
            self.traps.path().display().to_string(),
        ];
        let is_ours = |line: &&str| marks.iter().any(|mark| line.contains(mark.as_str()));
        let containers = docker(&[
            "container",
            "ls",
            "--all",
            "--no-trunc",
            "--format",
            "container {{.ID}} {{.Names}} {{.State}} {{.Image}} {{.Command}} {{.Labels}}",
        ]);
        let images = docker(&[
            "image",
            "ls",
            "--format",
            "image {{.Repository}}:{{.Tag}} {{.ID}}",
        ]);
        let mut seen: Vec<String> = [containers, images]
            .iter()
            .flat_map(|list| list.lines())
            .filter(is_ours)
            .map(str::to_owned)
            .collect();
        seen.extend(files(self.traps.path()));
        if self.host.is_disposable() {
            seen.extend(files(&self.host.directory().join("host")));
        }
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        seen.extend(
            lines
                .map(|line| String::from_utf8_lossy(&line).into_owned())
                .filter(|line| line.contains(&marks[1])),
        );
        seen.sort();
        seen
    }

    /// One row: it comes to what is expected, and the host is as before.
    #[track_caller]
    fn row(&self, words: &[&str], expected: &Expected<'_>) {
        let output = self.host.dokku(words);
        match expected {
            Wrote(text) => assert_eq!(
                (output.code, output.stdout.as_str()),
                (0, *text),
                "{words:?}: {output:?}"
            ),
            Refused(code) => assert_eq!(
                (output.code, output.stdout.as_str()),
                (*code, ""),
                "{words:?}: {output:?}"
            ),
            NotFound => assert_eq!(
                (output.code, output.stdout.as_str()),
                (127, ""),
                "{words:?}: {output:?}"
            ),
        }
        self.is_unharmed(&words);
    }
}

/// Every file with its kind, size and mode. The plugin's records and locks are its own.
fn files(directory: &Path) -> Vec<String> {
    let list = cmd!(
        "find",
        directory,
        "-path",
        "*/data/oneoff/*",
        "-prune",
        "-o",
        "-path",
        "*/var/log/*",
        "-prune",
        "-o",
        "-printf",
        "file %p %y %s %m %T@\n"
    );
    list.read().unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn hostile_values_and_words_reach_the_task_as_plain_text() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let target = Target::new(&host, &app);
    let name = app.name.as_str();
    for text in &target.forms() {
        let (value, label) = (format!("A={text}"), format!("--label=a={text}"));
        let written = format!("{text}\n");
        target.row(
            &[
                "run",
                "-e",
                &value,
                &label,
                name,
                "sh",
                "-c",
                "printf '%s\n' \"$A\"",
            ],
            &Wrote(&written),
        );
        target.row(&["run", name, "printf", "%s\\n", text], &Wrote(&written));
    }
    // Not a variable more, and no volume.
    target.row(
        &["run", "-e", "A=1\nB=2", name, "sh", "-c", "echo ${B-none}"],
        &Wrote("none\n"),
    );
    target.row(
        &[
            "run",
            "-e",
            "--volume=/:/host",
            name,
            "sh",
            "-c",
            "tr '\\0' '\\n' </proc/1/environ | grep volume; ls -d /host 2>/dev/null; true",
        ],
        &Wrote("--volume=/:/host\n"),
    );
    // Docker's options and images where the command stands.
    for command in [
        "--privileged",
        "--entrypoint=/bin/true",
        "127.0.0.1:1/evil",
        "-v",
        "--",
    ] {
        target.row(&["run", name, "--", command, name], &NotFound);
    }
    // A user with a key of any name.
    for text in target.forms().iter().step_by(3) {
        let command = app
            .command(&[], ["echo", "well"])
            .env("NAME", text)
            .stdin_null();
        run_to_end(&command).assert_stdout("well\n");
        target.is_unharmed(text);
    }
}

#[test]
fn options_with_a_fixed_syntax_refuse_hostile_values() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let target = Target::new(&host, &app);
    let name = app.name.as_str();
    let huge = "99999999999999999999";
    for text in target.forms().iter().chain([&huge.to_owned()]) {
        for option in [
            "--user",
            "--memory",
            "--cpus",
            "--ttl-seconds",
            "--timeout",
            "--lock",
            "--cron-id",
            "--concurrency-policy",
            "--on-hangup",
        ] {
            let numbers_are_fine = ["--user", "--lock", "--cron-id", "--cpus"].contains(&option);
            if text == huge && numbers_are_fine {
                continue;
            }
            target.row(
                &["run", &format!("{option}={text}"), name, "true"],
                &Refused(1),
            );
        }
        if !text.contains('=') {
            target.row(
                &["run", &format!("--label={text}"), name, "true"],
                &Refused(1),
            );
        }
        target.row(&["run:logs", &format!("--num={text}"), name], &Refused(1));
        if text != huge {
            target.row(&["run:logs", &format!("--since={text}"), name], &Refused(1));
            target.row(
                &["run", &format!("--workdir={text}"), name, "true"],
                &Refused(1),
            );
        }
        target.row(
            &["run:set", name, "memory", &format!("{text}g")],
            &Refused(1),
        );
        target.row(&["run:set", name, text, "1"], &Refused(1));
    }
    // More processors than there are, and more memory than can be counted.
    target.row(
        &["run", &format!("--cpus={huge}"), name, "true"],
        &Refused(125),
    );
    target.row(
        &["run", &format!("--memory={huge}g"), name, "true"],
        &Refused(1),
    );
}

#[test]
fn commands_refuse_containers_that_are_not_tasks_and_invalid_app_names() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let target = Target::new(&host, &app);
    let name = app.name.as_str();
    let task = host.dokku(["run:detached", name, "sleep", "600"]).stdout;
    let task = task.trim_end();
    if host.is_disposable() {
        let listens = host.library().join("data/oneoff/supervisor.wake");
        wait_until("its supervisor has made its files", || {
            listens.exists().then_some(())
        });
    }
    let run = |container: &str, labels: &[&str]| {
        let mut words = vec!["container", "run", "--detach", "--name", container];
        words.extend(labels);
        words.extend(["oneoff-test/busybox:latest", "sleep", "600"]);
        docker(&words)
    };
    let web = format!("{name}.web.1");
    let app_label = format!("--label=com.dokku.app-name={name}");
    let web_id = run(
        &web,
        &["--label=com.dokku.container-type=deploy", &app_label],
    );
    let database = format!("dokku.postgres.{name}");
    let database_id = run(&database, &[]);
    target.is_prepared();

    let mut containers = target.forms();
    containers.extend([&web, &web_id, &database, &database_id].map(ToString::to_string));
    containers.extend(
        [
            &task[..task.len() - 1],
            &format!("{task}0"),
            &format!("/{task}"),
            "",
        ]
        .map(str::to_owned),
    );
    for container in &containers {
        for command in ["run:logs", "run:stop", "run:attach", "run:wait", "run:exec"] {
            let Some(file) = command.strip_prefix("run:") else {
                continue;
            };
            if !has_subcommand(file) {
                continue;
            }
            let option = format!("--container={container}");
            let words = [command, option.as_str(), "true"];
            let count = if command == "run:exec" { 3 } else { 2 };
            target.row(&words[..count], &Refused(1));
        }
    }
    for app in target
        .forms()
        .iter()
        .map(String::as_str)
        .chain(["", ".", "..", "/", "../demo", "A"])
    {
        // A word with `-` in front is an option, and none of ours.
        let code = if app.starts_with('-') && app != "-" {
            1
        } else {
            20
        };
        if app != "--" && !app.is_empty() {
            target.row(&["run:stop", app], &Refused(code));
        }
        target.row(&["run", "--", app, "true"], &Refused(20));
        target.row(&["--app", app, "run", "--", "true"], &Refused(20));
    }
    host.dokku(["run:stop", "--container", task])
        .assert_stdout(&format!("{task}\n"));
    docker(&["container", "rm", "--force", &web_id, &database_id]);
    crate::support::wait_until("the task is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn hostile_config_runs_nothing_on_the_host() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let target = Target::new(&host, &app);
    let name = app.name.as_str();
    // Whoever believed these would run a trap.
    let bin = tempfile::tempdir().unwrap();
    fs::set_permissions(bin.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let directory = bin.path().display().to_string();
    for program in [
        "docker",
        "sh",
        "bash",
        "cat",
        "env",
        "plugn",
        "startup",
        "docker-credential-trap",
    ] {
        let file = bin.path().join(program);
        fs::write(&file, format!("#!/bin/sh\n{}\n", target.trap())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(
        bin.path().join("config.json"),
        r#"{"credsStore":"trap","HttpHeaders":{"X":"y"}}"#,
    )
    .unwrap();
    let startup = format!("{directory}/startup");
    let steering = [
        ("PATH", directory.as_str()),
        ("HOME", &directory),
        ("DOCKER_HOST", "tcp://127.0.0.1:1"),
        ("DOCKER_CONTEXT", "nowhere"),
        ("DOCKER_CONFIG", &directory),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_BIN", &startup),
        ("DOKKU_ROOT", &directory),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("no_proxy", "x"),
        ("LD_PRELOAD", &startup),
        ("LD_LIBRARY_PATH", &directory),
        ("UID", "0"),
        ("IFS", "/"),
        ("ENV", &startup),
        ("BASH_ENV", &startup),
        ("PLUGIN_ENABLED_PATH", &directory),
    ];
    // With a line break a value would go through the client's own environment.
    for (variable, value) in steering {
        if variable != "PLUGIN_ENABLED_PATH" {
            target.row(
                &["run", "-e", &format!("{variable}={value}\n"), name, "true"],
                &Refused(1),
            );
        }
    }
    for (variable, value) in steering {
        app.config(variable, value);
    }
    let hooks = tempfile::tempdir().unwrap();
    fs::set_permissions(hooks.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let plain = host_variables(&host, hooks.path(), &app);
    target.is_prepared();
    for (variable, value) in steering {
        let script = format!("tr '\\0' '\\n' </proc/1/environ | /bin/grep '^{variable}='");
        target.row(
            &["run", name, "/bin/sh", "-c", &script],
            &Wrote(&format!("{variable}={value}\n")),
        );
    }
    // Hooks get Dokku's environment.
    for variable in plain.lines() {
        let value = steering
            .iter()
            .find(|(name, _)| variable.starts_with(&format!("{name}=")));
        assert!(
            value.is_none_or(|(name, value)| variable != format!("{name}={value}")),
            "a hook has {variable}"
        );
    }
    assert!(
        plain.contains("DOKKU_ROOT=") && plain.contains("PATH="),
        "{plain}"
    );
}

/// What the hooks of a run find in their environment.
fn host_variables(host: &Host, directory: &Path, app: &App<'_>) -> String {
    let file = directory.join("environment");
    for (hook, word) in [
        ("post-container-create", "$3"),
        ("scheduler-post-run", "$2"),
        ("docker-args-run", "$1"),
    ] {
        let script = format!("[ \"{word}\" != {} ] || env >>{}", app.name, file.display());
        host.add_hook("oneoff-test-variables", hook, &script);
    }
    app.run(["/bin/true"]).assert_stdout("");
    for hook in [
        "post-container-create",
        "scheduler-post-run",
        "docker-args-run",
    ] {
        host.add_hook("oneoff-test-variables", hook, "");
    }
    fs::read_to_string(file).unwrap()
}

#[test]
fn hostile_procfile_entries_and_docker_options_run_nothing_on_the_host() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let target = Target::new(&host, &app);
    let name = app.name.as_str();
    let trap = target.trap();
    app.procfile(&format!(
        "job: a=`{trap} || echo a`; b=$({trap} || echo b); {trap} | {trap} --privileged || echo $a $b c\n"
    ));
    target.is_prepared();
    // The shell of the image runs it, where the directory does not exist.
    target.row(&["run", name, "job"], &Wrote("a b c\n"));
    app.procfile("");

    app.dokku_ok(
        "docker-options:add",
        &["run", &format!("--env A='$({trap})' --env B=\"; {trap}\"")],
    );
    target.is_prepared();
    target.row(
        &["run", name, "sh", "-c", "echo \"$A$B\""],
        &Wrote(&format!("$({trap}); {trap}\n")),
    );
    app.dokku_ok("docker-options:clear", &[]);

    // A switch that nobody knows must not leave the word after it to be the image.
    for options in [
        "--no-such-switch oneoff-test/bash:latest",
        "-Z oneoff-test/bash:latest",
        "--init 127.0.0.1:1/evil",
        "-- evil",
    ] {
        let script = format!("[ \"$1\" != {name} ] || printf ' {options}'");
        host.add_hook("oneoff-test-options", "docker-args-run", &script);
        target.is_prepared();
        let output = host.dokku(["run", name, "true"]);
        assert!(
            [1, 125].contains(&output.code) && output.stdout.is_empty(),
            "{options}: {output:?}"
        );
        target.is_unharmed(&options);
    }
    host.add_hook("oneoff-test-options", "docker-args-run", "");
}

/// What a terminal would obey is written out; a program gets the bytes.
#[test]
fn control_characters_in_names_and_commands_are_escaped_on_a_terminal() {
    const RED: &str = "\u{1b}[31mred\u{7}";
    const SHOWN: &str = "\\u{1b}[31mred\\u{7}";
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = app.name.as_str();
    let task = host.dokku(["run:detached", name, "sh", "-c", "sleep 100", RED]);
    let on_terminal = |words: &[&str]| {
        let mut terminal = Terminal::start(&host, "\"$@\"", words);
        terminal.wait_exit_code();
        terminal.screen()
    };
    for words in [
        &["run:list", name][..],
        &["--quiet", "run:list", name],
        &["run:list", "--quiet", name],
        &["run", RED],
        &["run:stop", "--container", RED],
        &["run", "--memory", RED, name],
    ] {
        let screen = on_terminal(words);
        assert!(!screen.contains(RED), "{words:?}: {screen:?}");
        // Docker writes out a command's itself, in another way.
        let shown = if words.contains(&"run:list") {
            "[31mred"
        } else {
            SHOWN
        };
        assert!(screen.contains(shown), "{words:?}: {screen:?}");
    }
    host.dokku(["run", RED])
        .assert_refused(20, &format!("App {RED} does not exist"));
    host.dokku(["run:stop", name]).assert_stdout(&task.stdout);
    crate::support::wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
}
