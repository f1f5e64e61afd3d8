//! What the task finds in its environment, and who else could see it on the way.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{App, Gate, Host, Image, Log, Output, docker, run_to_end, wait_until};

/// Values that a careless way through files, options and shells would change.
fn hostile_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " a  b ",
        "a=b=c",
        "'single' \"double\" `id` $(id) $HOME ${HOME} \\ \\n ; & | > # !",
        "--privileged",
        "two\nlines",
        "\nends with lines\n\n",
        "carriage\rreturn\r",
        "tab\tand \u{1} control",
        "é 漢字 \u{1f600} \u{feff}",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push("x".repeat(100_000));
    values
}

/// What the task has under a name, byte for byte.
fn value_in_task(app: &App<'_>, options: &[&str], name: &str) -> String {
    let output = app.run_with(options, ["sh", "-c", &format!("printf '%s.' \"${name}\"")]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    output.stdout.strip_suffix('.').unwrap().to_owned()
}

#[test]
fn hostile_env_option_values_arrive_byte_for_byte() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for value in hostile_values() {
        assert_eq!(
            value_in_task(&app, &["-e", &format!("VALUE={value}")], "VALUE"),
            value
        );
    }
}

#[test]
fn hostile_config_values_arrive_byte_for_byte() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (number, value) in hostile_values().iter().enumerate() {
        app.config(&format!("VALUE_{number}"), value);
    }
    for (number, value) in hostile_values().iter().enumerate() {
        assert_eq!(&value_in_task(&app, &[], &format!("VALUE_{number}")), value);
    }
}

#[test]
fn the_env_option_works_in_every_spelling() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for options in [
        vec!["-e", "A=b c"],
        vec!["-e=A=b c"],
        vec!["--env", "A=b c"],
        vec!["--env=A=b c"],
    ] {
        assert_eq!(value_in_task(&app, &options, "A"), "b c", "{options:?}");
    }
}

#[test]
fn env_options_win_over_docker_options_over_config_over_the_image() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    assert_eq!(value_in_task(&app, &[], "FROM_IMAGE"), "image");
    app.config("FROM_IMAGE", "config");
    assert_eq!(value_in_task(&app, &[], "FROM_IMAGE"), "config");
    app.dokku_ok(
        "docker-options:add",
        &["run", "--env FROM_IMAGE='docker option'"],
    );
    assert_eq!(value_in_task(&app, &[], "FROM_IMAGE"), "docker option");
    let twice = ["-e", "FROM_IMAGE=first", "--env=FROM_IMAGE=last"];
    assert_eq!(value_in_task(&app, &twice, "FROM_IMAGE"), "last");
}

#[test]
fn an_env_file_option_is_applied_in_its_order_among_the_options() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "# a comment\nA=file\nB=file 'x'\n").unwrap();
    fs::set_permissions(
        file.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let option = format!("--env-file {}", file.path().display());
    app.dokku_ok("docker-options:add", &["run", "--env A=before"]);
    app.dokku_ok("docker-options:add", &["run", &option]);
    app.sh("echo $A $B").assert_stdout("file file 'x'\n");
    drop(file);
    app.sh("true").assert_refused(1, "--env-file");
}

#[test]
fn an_endless_env_file_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    duct::cmd!("mkfifo", &fifo).run().unwrap();
    fs::set_permissions(
        directory.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    for file in ["/dev/zero", "/", fifo.to_str().unwrap()] {
        let option = format!("--env-file {file}");
        app.dokku_ok("docker-options:add", &["run", &option]);
        let why = format!("'{option}' cannot be read: it is not a regular file");
        app.sh("true").assert_refused(1, &why);
        app.dokku_ok("docker-options:remove", &["run", &option]);
    }
    app.sh("true").assert_stdout("");
}

#[test]
fn app_config_wins_over_global_config() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    // On a host that others use this stays for the length of the test.
    host.dokku_ok(&[
        "config:set",
        "--no-restart",
        "--global",
        "ONEOFF_TEST_A=global",
        "ONEOFF_TEST_B=global",
    ]);
    app.config("ONEOFF_TEST_A", "app");
    let output = app.sh("echo $ONEOFF_TEST_A $ONEOFF_TEST_B");
    host.dokku_ok(&[
        "config:unset",
        "--no-restart",
        "--global",
        "ONEOFF_TEST_A",
        "ONEOFF_TEST_B",
    ]);
    output.assert_stdout("app global\n");
}

#[test]
fn config_does_not_change_the_docker_client() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let steering = [
        ("DOCKER_HOST", "tcp://127.0.0.1:1"),
        ("DOCKER_CONFIG", "/nowhere"),
        ("DOCKER_CONTEXT", "nowhere"),
        ("HOME", "/nowhere"),
        ("LD_PRELOAD", "/nowhere.so"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("IFS", "/"),
        ("BASH_ENV", "/nowhere"),
        ("UID", "x"),
        ("GODEBUG", "x=1"),
    ];
    for (name, value) in steering {
        app.config(name, value);
    }
    let output = app.run(["env"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    for (name, value) in steering {
        assert!(
            output.stdout.contains(&format!("{name}={value}\n")),
            "{name}: {output:?}"
        );
    }
}

#[test]
fn an_environment_value_that_docker_cannot_pass_on_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let steering = app.run_with(&["-e", "DOCKER_HOST=secret\nsecret"], ["true"]);
    steering.assert_refused(1, "DOCKER_HOST");
    assert!(!steering.stderr.contains("secret"), "{steering:?}");

    let longest = format!("A={}", "x".repeat(128 * 1024 - 3));
    app.run_with(&["-e", &longest], ["sh", "-c", "echo ${#A}"])
        .assert_stdout("131069\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("LONG={}\n", "x".repeat(128 * 1024))).unwrap();
    fs::set_permissions(
        file.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    app.dokku_ok(
        "docker-options:add",
        &["run", &format!("--env-file {}", file.path().display())],
    );
    app.run(["true"]).assert_refused(1, "LONG");
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn an_env_value_in_quotes_keeps_the_quotes_with_a_warning() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = app.run_with(&["-e", "A='x y'"], ["sh", "-c", "echo \"$A\""]);
    assert_eq!((output.code, output.stdout.as_str()), (0, "'x y'\n"));
    assert!(
        output
            .stderr
            .starts_with(" !     The value of 'A' keeps the quotes"),
        "{output:?}"
    );
}

/// What no other test has on a command line.
fn secret(app: &App<'_>) -> String {
    format!("secret-of-{}-zq7Xw", app.name)
}

/// An app with its secret in its config, as it is, with a line break and after a long text.
fn app_with_secrets(host: &Host) -> App<'_> {
    let app = host.app(Image::Busybox);
    let secret = secret(&app);
    app.config("ONE", &secret);
    app.config("TWO", &format!("{secret}\nline"));
    app.config("THREE", &format!("{}{secret}", "x".repeat(65_000)));
    app
}

/// Runs the command; gives what it left, and every command line of the machine that had
/// the text at any time from then on until `over`.
fn sampled(
    command: &duct::Expression,
    text: &str,
    over: impl Fn() -> bool,
) -> (Output, BTreeSet<String>) {
    let command = command.stdin_null().stdout_capture().stderr_capture();
    let handle = command.unchecked().start().unwrap();
    let mut seen = BTreeSet::new();
    let output = wait_until("the command and what it has started end", || {
        let lines = command_lines();
        seen.extend(lines.into_iter().filter(|line| line.contains(text)));
        let output = handle.try_wait().unwrap()?;
        over().then(|| Output::new(output))
    });
    (output, seen)
}

#[test]
fn config_values_appear_on_no_command_line_of_the_host() {
    let host = Host::new();
    let app = app_with_secrets(&host);
    let secret = secret(&app);
    let script = ["sh", "-c", "sleep 0.3; echo \"$ONE\""];
    let (output, seen) = sampled(&app.command(&[], script), &secret, || true);
    output.assert_stdout(&format!("{secret}\n"));
    assert_eq!(seen, BTreeSet::new());

    let detached = app.subcommand("run:detached", &[], ["sleep", "0.3"]);
    let (output, seen) = sampled(&detached, &secret, || app.containers().is_empty());
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(seen, BTreeSet::new());
}

/// The words of `dokku` itself are its caller's, and the shells' of Dokku that run it.
#[test]
fn an_env_option_appears_only_on_the_command_line_of_dokku() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let secret = secret(&app);
    let pair = format!("ONE={secret}");
    let command = app.subcommand("run:detached", &["-e", &pair], ["sh", "-c", "sleep 1"]);
    let (output, seen) = sampled(&command, &secret, || app.containers().is_empty());
    assert_eq!(output.code, 0, "{output:?}");
    let others: Vec<&String> = seen
        .iter()
        .filter(|line| !line.contains(&format!("\0run:detached\0-e\0{pair}\0")))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn no_inherited_variable_repeats_e_values() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    let secret = secret(&app);
    let log = Log::new();
    let note = format!("env >>{}", log.path().display());
    host.replace_docker(&format!("{note}; exec \"$DOCKER\" \"$@\""));
    for hook in [
        "docker-args-run",
        "post-container-create",
        "scheduler-post-run",
    ] {
        host.add_hook("oneoff-test-variables", hook, &note);
    }
    for command in ["run", "run:detached"] {
        let option = format!("--env=ONE={secret}");
        let task = app.subcommand(command, &[&option], ["sh", "-c", "exit 3"]);
        let line = format!("/usr/bin/dokku {command} {option} {}", app.name);
        // As sudo and sshd tell of the command that they start.
        let output = run_to_end(&task.stdin_null().env("SUDO_COMMAND", line));
        assert!([0, 3].contains(&output.code), "{output:?}");
        wait_until("the task is removed, and its supervisor gone", || {
            (app.containers().is_empty() && host.supervisor().is_none()).then_some(())
        });
        let noted = log.take();
        assert!(noted.contains("DOKKU_LIB_ROOT="), "{noted}");
        let found: Vec<&str> = noted
            .lines()
            .filter(|line| line.contains(&secret))
            .collect();
        assert_eq!(found, [""; 0], "{command}");
    }
    host.set_docker(&which::which("docker").unwrap());
}

#[test]
fn environment_values_appear_in_no_output_and_no_file() {
    let host = Host::new();
    let app = app_with_secrets(&host);
    let secret = secret(&app);
    let own = format!("FOUR={secret}");
    let (nameless, steering) = (format!("={secret}"), format!("DOCKER_HOST={secret}\n"));
    for (options, code) in [
        (&[][..], 0),
        (&["--dry-run"], 0),
        // Docker refuses to make it, and to start it.
        (&["--memory=1m"], 125),
        (&["--user=nobody-of-this-name"], 125),
        (&["--timeout=soon"], 1),
        (&["-e", &nameless], 1),
        (&["-e", &steering], 1),
    ] {
        let options = [&["-e", &own], options].concat();
        let output = app.run_with(&options, ["true"]);
        assert_eq!(output.code, code, "{options:?}: {output:?}");
        let said = output.stdout + &output.stderr;
        assert!(!said.contains(&secret), "{options:?}: {said}");
    }
    if host.is_disposable() {
        // Config is Dokku's to keep.
        let grep = duct::cmd!(
            "grep",
            "-rlF",
            "--exclude=ENV",
            &secret,
            host.directory().join("host")
        );
        let found = grep.unchecked().read().unwrap();
        assert_eq!(found, "");
    }
}

fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .collect()
}

#[test]
fn trace_prints_the_docker_calls_without_environment_values() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.config("ONE", "config-secret");
    app.config("TWO", "config-secret\nline");
    let words = [
        "--trace",
        "run",
        "-e",
        "THREE=own-secret",
        &app.name,
        "sh",
        "-c",
        "echo $TRACE",
    ];
    let output = run_to_end(&host.command(words).stdin_null());
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "true\n"),
        "{output:?}"
    );
    let ours: Vec<&str> = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("+ docker "))
        .collect();
    assert!(
        ours.iter().any(|line| line.contains("container create")),
        "{output:?}"
    );
    assert!(!ours.iter().any(|line| line.contains("secret")), "{ours:?}");
}

mod parity {
    use super::*;

    #[test]
    fn dyno_is_the_container_name_without_the_app() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        let script = format!("echo $DYNO >/gate/dyno; {}", Gate::WAIT[2]);
        let handle = app
            .command(&["--no-tty"], ["sh", "-c", &script])
            .stdin_null()
            .start()
            .unwrap();
        gate.wait();
        let name = docker(&[
            "container",
            "inspect",
            "--format",
            "{{.Name}}",
            &app.containers().concat(),
        ]);
        let dyno = fs::read_to_string(gate.path("dyno")).unwrap();
        gate.open();
        handle.wait().unwrap();
        assert_eq!(name, format!("/{}.{}", app.name, dyno.trim()));
    }

    #[test]
    fn an_env_option_wins_over_config() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        app.config("A", "config");
        let output = app.run_with(&["--no-tty", "--env=A=own"], ["sh", "-c", "echo $A"]);
        assert_eq!((output.code, output.stdout.as_str()), (0, "own\n"));
    }
}
