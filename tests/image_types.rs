//! How an image was built decides what runs the command. The images of these
//! tests print each argument that reaches their `/exec` or `launcher` between
//! brackets, and then execute them.

use crate::support::{App, Host, Image, Log, docker, run_to_end};

/// A command, and the words that core hands over for it.
const COMMANDS: [(&[&str], &[&str]); 4] = [
    (
        &["echo", "a b", "", "--help"],
        &["echo", "a b", "", "--help"],
    ),
    (&["job"], &["echo", "from", "the", "entry"]),
    (
        &["job", "own word"],
        &["echo", "from", "the", "entry", "own word"],
    ),
    (&["echo", "job"], &["echo", "job"]),
];

fn brackets(words: &[&str]) -> String {
    words.iter().flat_map(|word| ["[", word, "]"]).collect()
}

/// What the image's program was given for a command, and that it ran.
fn assert_given(app: &App<'_>) {
    app.procfile("job: echo from the entry\n");
    for (command, words) in COMMANDS {
        let output = app.run_with(&["--no-stdin"], command.iter().copied());
        let expected = format!("{}\n{}\n", brackets(words), words[1..].join(" "));
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, expected.as_str()),
            "{command:?}: {output:?}"
        );
    }
    let shell = app
        .command(&[], [""; 0])
        .stdin_bytes("echo ${BASH_VERSION:+bash}");
    run_to_end(&shell).assert_stdout("[/bin/bash]\nbash\n");
    let status = app.run(["sh", "-c", "exit 7"]).code;
    assert_eq!(status, 7, "the command's own");
}

#[test]
fn a_herokuish_image_runs_every_command_by_exec() {
    let host = Host::new();
    assert_given(&host.app(Image::Herokuish));
}

#[test]
fn a_buildpack_image_runs_every_command_by_its_launcher() {
    let host = Host::new();
    assert_given(&host.app(Image::Pack));
}

#[test]
fn the_shell_of_the_app_runs_by_exec_and_launcher() {
    let host = Host::new();
    for image in [Image::Herokuish, Image::Pack] {
        let app = host.app(image);
        app.dokku_ok("scheduler:set", &["shell", "/bin/sh"]);
        let shell = app.command(&[], [""; 0]).stdin_bytes("echo in the shell");
        run_to_end(&shell).assert_stdout("[/bin/sh]\nin the shell\n");
    }
}

/// Writes down the image type of every task of the app.
fn record(host: &Host, app: &App<'_>) -> Log {
    let log = Log::new();
    let hook = format!(
        "[ \"$1\" != {} ] || echo \"$2 $3\" >>{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-type", "docker-args-process-run", &hook);
    log
}

#[test]
fn the_process_args_hook_receives_the_image_type() {
    for (image, told) in [
        (Image::Busybox, "dockerfile latest\n"),
        (Image::Herokuish, "herokuish latest\n"),
        (Image::Pack, "pack latest\n"),
    ] {
        let host = Host::new();
        let app = host.app(image);
        let log = record(&host, &app);
        assert_eq!(app.run(["true"]).code, 0);
        assert_eq!(log.read(), told, "{image:?}");
    }
}

/// Deploys the same image with another environment.
fn deploy_with(app: &App<'_>, image: Image, change: &str) {
    app.deploy(image);
    let id = docker(&["container", "create", &app.image()]);
    docker(&["container", "commit", "--change", change, &id, &app.image()]);
    docker(&["container", "rm", &id]);
}

#[test]
fn dokku_app_user_of_the_app_decides_whether_an_image_is_herokuish() {
    let host = Host::new();
    let app = host.app(Image::Herokuish);
    let log = record(&host, &app);
    app.config("DOKKU_APP_USER", "ada");
    // /exec would have printed the word.
    app.run(["true"]).assert_stdout("");
    assert_eq!(log.take(), "dockerfile latest\n");
    deploy_with(&app, Image::Herokuish, "ENV USER=ada");
    app.run(["true"]).assert_stdout("[true]\n");
    assert_eq!(log.take(), "herokuish latest\n");
    app.config("DOKKU_APP_USER", "");
    app.run(["true"]).assert_stdout("");
    assert_eq!(log.take(), "dockerfile latest\n");
}

#[test]
fn a_global_dokku_app_user_does_not_change_the_image_type() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its global config is everybody's
    }
    let app = host.app(Image::Herokuish);
    host.dokku_ok(&[
        "config:set",
        "--global",
        "--no-restart",
        "DOKKU_APP_USER=ada",
    ]);
    app.run(["true"]).assert_stdout("[true]\n");
}

#[test]
fn the_default_shell_is_sh_in_an_image_without_bash() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let shell = |options: &[&str]| {
        let command = app
            .command(options, [""; 0])
            .stdin_bytes("echo ${BASH_VERSION:-no bash}");
        run_to_end(&command)
    };
    let said = shell(&[]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "no bash\n"));
    assert_eq!(
        said.stderr,
        "-----> The image has no /bin/bash, running sh\n"
    );

    let quiet = host
        .command(["--quiet", "run", &app.name])
        .stdin_bytes("echo quiet");
    run_to_end(&quiet).assert_stdout("quiet\n");

    // One that was chosen is taken, whether it is there or not.
    app.dokku_ok("scheduler:set", &["shell", "/bin/ash"]);
    shell(&[]).assert_stdout("no bash\n");
    app.dokku_ok("scheduler:set", &["shell", "/bin/bash"]);
    let output = shell(&[]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (127, ""),
        "{output:?}"
    );
}

#[test]
fn the_default_shell_is_sh_in_a_buildpack_image_without_bash() {
    let host = Host::new();
    let app = host.app(Image::Pack);
    let id = docker(&[
        "container",
        "create",
        "--entrypoint",
        "rm",
        &app.image(),
        "/bin/bash",
    ]);
    docker(&["container", "start", "--attach", &id]);
    docker(&[
        "container",
        "commit",
        "--change",
        "ENTRYPOINT [\"/bin/false\"]",
        &id,
        &app.image(),
    ]);
    docker(&["container", "rm", &id]);
    let shell = app.command(&[], [""; 0]).stdin_bytes("echo in the shell");
    let output = run_to_end(&shell);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (
            0,
            "[sh]\nin the shell\n",
            "-----> The image has no /bin/bash, running sh\n"
        )
    );
}

/// A Procfile entry or a line for which a shell is needed, the words after it, and what it prints.
const LINES: [(&str, &[&str], &str); 5] = [
    ("echo one && echo two", &[], "one\ntwo\n"),
    (
        "printf '[%s]' \"$SET\" '$SET' '*' 'it'\\''s'",
        &[],
        "[a  b][$SET][*][it's]",
    ),
    ("echo $FROM_IMAGE | tr a-z A-Z", &[], "IMAGE\n"),
    (
        "true; printf '[%s]'",
        &["a  b", "$SET", ""],
        "[a  b][$SET][]",
    ),
    ("sh -c 'exit 3'", &[], ""),
];

/// Runs the lines as entries of the Procfile and with `--shell`. `output_after` is the part of
/// stdout that is the command's own.
fn assert_lines_run(app: &App<'_>, output_after: impl Fn(&str) -> String) {
    app.config("SET", "a  b");
    for (line, words, expected) in LINES {
        let code = if expected.is_empty() { 3 } else { 0 };
        app.procfile(&format!("job: {line}\n"));
        let output = app.run(["job"].iter().chain(words).copied());
        assert_eq!(
            (output.code, output_after(&output.stdout).as_str()),
            (code, expected),
            "{line}: {output:?}"
        );
        if words.is_empty() {
            let output = app.run_with(&["--shell"], [line]);
            assert_eq!(
                (output.code, output_after(&output.stdout).as_str()),
                (code, expected),
                "--shell {line}: {output:?}"
            );
        }
    }
}

#[test]
fn entries_with_shell_syntax_run_in_a_herokuish_image() {
    let host = Host::new();
    let app = host.app(Image::HerokuishExec);
    assert_lines_run(&app, str::to_owned);
}

#[test]
fn entries_with_shell_syntax_are_one_line_for_the_launcher() {
    let host = Host::new();
    let app = host.app(Image::Pack);
    assert_lines_run(&app, |stdout| {
        let (given, output) = stdout.split_once("]\n").unwrap();
        assert!(!given.contains("]["), "a single argument: {stdout}");
        output.to_owned()
    });
    app.procfile("job: echo one && echo\n");
    assert_eq!(
        app.run(["job", "a b"]).stdout,
        "[echo one && echo 'a b']\none\na b\n"
    );
}

#[test]
fn words_are_one_command_for_an_entrypoint_that_ends_in_a_shell_option() {
    let host = Host::new();
    let app = host.app(Image::ShellEntrypoint);
    assert_lines_run(&app, str::to_owned);
    app.run(["printf", "[%s]", "a  b", "", "$HOME", "it's"])
        .assert_stdout("[a  b][][$HOME][it's]");
    assert_eq!(app.run(["sh", "-c", "exit 3"]).code, 3);
    // A single word is a line, as for docker.
    app.run(["echo a && echo b"]).assert_stdout("a\nb\n");
    app.procfile("job: echo 'a  b'\n");
    assert_eq!(app.run(["job", "c  d"]).stdout, "a  b c  d\n");
    let shell = app.command(&[], [""; 0]).stdin_bytes("echo in the shell");
    assert_eq!(run_to_end(&shell).stdout, "in the shell\n");

    // With another entrypoint they are words again.
    app.dokku_ok("docker-options:add", &["run", "--entrypoint=/bin/echo"]);
    app.run(["printf", "a  b"]).assert_stdout("printf a  b\n");
}
