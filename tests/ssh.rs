//! Commands that come through SSH: the words arrive as their user typed them.
//!
//! Most are told to Dokku as sshd tells it; some go through an sshd of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use duct::cmd;
use serde_json::Value;

use crate::support::{App, Gate, Host, Image, Output, Ssh, docker, records, run_to_end};

/// `dokku` as the forced command of a key starts it: sshd hands the text over in a
/// variable, and the user's shell splits it at its blanks for the command line.
fn over_ssh(host: &Host, text: &str) -> Output {
    let command = host
        .command(text.split_ascii_whitespace())
        .env("SSH_ORIGINAL_COMMAND", text)
        .env("NAME", Ssh::KEY);
    run_to_end(&command.stdin_null())
}

/// A command whose task prints each of the words after it between brackets.
fn shows_words(app: &App<'_>) -> String {
    format!(
        "run {} sh -c 'for word; do printf \"[%s]\" \"$word\"; done' sh",
        app.name
    )
}

/// Words that Dokku's way changes or loses, and what they are.
const WORDS: &str = r#"--version --help -n -e -E -nE - '' a\ b "c 'd" 'e "f' go\
ne $HOME * ? {a,b} ~ $(id) `id` ; & | > x#y #z é ''"#;
const SHOWN: &str = "[--version][--help][-n][-e][-E][-nE][-][][a b][c 'd][e \"f][gone][$HOME][*][?][{a,b}][~]\
                     [$(id)][`id`][;][&][|][>][x#y][#z][é][]";

/// Words that a shell can read, and Dokku's xargs not.
const UNREADABLE: &str = r#"a 'two
lines' "g\"h" "i\\j" k"#;
const READ: &str = "[a][two\nlines][g\"h][i\\j][k]";

/// The words arrive; of those that xargs cannot read it says so in its own words.
#[track_caller]
fn assert_words_arrive(run: impl Fn(&str) -> Output, app: &App<'_>) {
    run(&format!("{} {WORDS}", shows_words(app))).assert_stdout(SHOWN);
    let output = run(&format!("{} {UNREADABLE}", shows_words(app)));
    assert_eq!((output.code, output.stdout.as_str()), (0, READ));
    assert!(output.stderr.starts_with("xargs: ") && output.stderr.lines().count() == 1);
}

#[test]
fn ssh_words_arrive_as_they_were_typed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    assert_words_arrive(|text| over_ssh(&host, text), &app);
}

#[test]
fn ssh_words_and_exit_codes_pass_through_a_real_sshd_unchanged() {
    let host = Host::new();
    let Some(ssh) = Ssh::start(&host) else {
        return;
    };
    let app = host.app(Image::Busybox);
    assert_words_arrive(|text| ssh.run(text), &app);
    let name = &app.name;
    ssh.run(&format!(
        "run -e 'A=b  c' {name} sh -c 'echo \"$A\"; exit 0'"
    ))
    .assert_stdout("b  c\n");
    let output = ssh.run(&format!(
        "run {name} sh -c 'echo out; echo err >&2; exit 3'"
    ));
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (3, "out\n", "err\n")
    );
    assert_eq!(ssh.run("run no-such-app true").code, 20);
}

#[test]
fn a_pipe_through_sshd_reaches_the_task_unchanged() {
    let host = Host::new();
    let Some(ssh) = Ssh::start(&host) else {
        return;
    };
    let app = host.app(Image::Busybox);
    let bytes: Vec<u8> = (0..10_000_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let command = ssh.command(&format!("run {} cat", app.name));
    let output = command
        .stdin_bytes(bytes.clone())
        .stdout_capture()
        .unchecked()
        .run()
        .unwrap();
    assert!(output.status.success() && output.stdout == bytes);
}

#[test]
fn a_terminal_through_sshd_reaches_the_task() {
    let host = Host::new();
    let Some(ssh) = Ssh::start(&host) else {
        return;
    };
    let app = host.app(Image::Busybox);
    let script = "tty; until [ \"$(stty size)\" = \"33 77\" ]; do sleep 0.05; done; echo sized; \
                  read line; echo \"got $line\"; exit 4";
    let mut terminal = ssh.terminal(&format!("run {} sh -c '{script}'", app.name));
    terminal.wait_for("/dev/pts/0\n");
    terminal.wait_for("sized\n");
    terminal.type_keys("a \"b\"\n");
    terminal.wait_for("got a \"b\"\n");
    assert_eq!(terminal.wait_exit_code(), 4);
}

#[test]
fn options_work_through_ssh_in_every_command() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = &app.name;
    over_ssh(&host, &format!("run -e A=b {name} sh -c 'echo $A'")).assert_stdout("b\n");
    let help = over_ssh(&host, "run --help");
    assert!(
        help.code == 0 && help.stdout.contains("--ttl-seconds"),
        "{help:?}"
    );
    let wrong = over_ssh(&host, &format!("run -n {name} true"));
    wrong.assert_refused(1, "'-n'");
    // The other commands' words.
    let task = host.dokku(["run:detached", name, "sh", "-c", "seq 5; exec sleep 60"]);
    let container = task.stdout.trim_end();
    crate::support::wait_until("the task has written", || {
        docker(&["container", "logs", container])
            .ends_with('5')
            .then_some(())
    });
    over_ssh(&host, &format!("run:logs {name} --quiet -n 2")).assert_stdout("4\n5\n");
    over_ssh(&host, &format!("run:stop {name}")).assert_stdout(&format!("{container}\n"));
    crate::support::wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn global_flags_are_read_only_before_the_ssh_command() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = &app.name;
    // Dokku itself traces for any `--trace`, and its docker calls would show ours.
    let says = |text: String, expected: &str| {
        let output = over_ssh(&host, &text);
        assert_eq!((output.code, output.stdout.as_str()), (0, expected));
        assert!(!output.stderr.contains("+ docker "), "{output:?}");
    };
    says(
        format!("--app {name} run echo --app other -n --trace"),
        "--app other -n --trace\n",
    );
    // Words within a word: the outer `dokku` has taken them for its own.
    says(
        format!("run {name} sh -c 'echo \"--app x\" --trace  --quiet'"),
        "--app x --trace --quiet\n",
    );

    let gate = Gate::new(&app);
    let text = format!(
        "--label=com.example.one='a b' run {name} sh -c '{}' -n",
        Gate::WAIT[2]
    );
    let command = host
        .command(text.split_ascii_whitespace())
        .env("SSH_ORIGINAL_COMMAND", &text);
    let handle = command.stdin_null().unchecked().start().unwrap();
    gate.wait();
    let format = r#"{{index .Config.Labels "com.example.one"}}"#;
    let id = app.containers().concat();
    let label = docker(&["container", "inspect", "--format", format, &id]);
    gate.open();
    handle.wait().unwrap();
    assert_eq!(label, "a b");
}

#[test]
fn an_unclosed_quote_over_ssh_is_refused_and_nothing_is_started() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = &app.name;
    let refused = |text: &str, quote: &str| {
        let output = over_ssh(&host, text);
        let (of_xargs, ours) = output.stderr.split_once('\n').unwrap_or_default();
        let sentence = format!(" !     unclosed {quote} in the command, nothing was started\n");
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{text}");
        assert_eq!(ours, sentence, "{text}");
        assert!(of_xargs.starts_with("xargs: "), "{output:?}");
    };
    for command in ["run", "run:detached", "run --dry-run"] {
        refused(&format!("{command} {name} echo one it's two"), "'");
        refused(&format!("{command} {name} echo \"one two"), "\"");
        // The quote begins before the app's name.
        refused(&format!("{command} '{name} true"), "'");
    }
    for command in ["run:stop", "run:logs", "run:list", "run:history"] {
        refused(&format!("{command} {name} it's"), "'");
    }
    // For xargs a backslash does not quote here: it closes the quote, and does not complain.
    for (words, quote) in [(r#""one \"two"#, '"'), (r"$'it\'s", '\'')] {
        over_ssh(&host, &format!("run {name} echo {words}")).assert_refused(
            1,
            &format!("unclosed {quote} in the command, nothing was started"),
        );
    }
    let output = over_ssh(&host, &format!(r"run {name} echo $'a\0b'"));
    output.assert_refused(1, "$'…' in the command has a NUL");
    assert_eq!(app.containers(), [""; 0]);
    assert_eq!(records(&host, &app), Vec::<Value>::new());

    if host.is_disposable() {
        // The splitting of Dokku is what this property asks for.
        host.dokku_ok(&["run:set", "--global", "ssh-words", "dokku"]);
        let output = over_ssh(&host, &format!("run {name} echo one it's two"));
        assert_eq!((output.code, output.stdout.as_str()), (0, "one\n"));
    }
}

/// `printf %q` of bash is how a script quotes words for SSH.
#[test]
fn words_quoted_by_printf_q_arrive_over_ssh() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let words = [
        "two\nlines",
        "tab\there",
        "it's",
        "\x1b[1m",
        "é",
        "",
        "a b",
        "$HOME",
        "\\n",
    ];
    for locale in ["C", "C.UTF-8"] {
        let mut quoted = vec!["-c", r#"printf '%q ' "$@""#, "bash"];
        quoted.extend(words);
        let quoted = cmd("bash", quoted).env("LC_ALL", locale).read().unwrap();
        assert!(quoted.contains("$'two\\nlines'"), "{quoted}");
        let shown: Vec<String> = words.iter().map(|word| format!("[{word}]")).collect();
        over_ssh(&host, &format!("{} {quoted}", shows_words(&app))).assert_stdout(&shown.concat());
    }
}

#[test]
fn the_ssh_words_property_restores_the_splitting_of_dokku() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it holds for every app
    }
    let app = host.app(Image::Busybox);
    let text = format!("{} -n -e x", shows_words(&app));
    host.dokku(["run:set", "--global", "ssh-words", "dokku"])
        .assert_stdout("-----> Setting ssh-words to dokku\n");
    over_ssh(&host, &text).assert_stdout("[][x]");
    host.dokku_ok(&["run:set", "--global", "ssh-words", "typed"]);
    over_ssh(&host, &text).assert_stdout("[-n][-e][x]");

    host.dokku(["run:set", "--global", "ssh-words", "mine"])
        .assert_refused(1, "expected typed or dokku");
    host.dokku(["run:set", &app.name, "ssh-words", "dokku"])
        .assert_refused(1, "--global");
    let report = host.dokku(["run:report", &app.name]).stdout;
    assert!(
        report.contains("Run computed ssh words:") && !report.contains("Run ssh words:"),
        "{report}"
    );
}

/// An access plugin that looks at words, as most do: the user has one app.
#[test]
fn the_access_hook_authorizes_the_ssh_words_that_run_uses() {
    let host = Host::new();
    let mine = host.app(Image::Busybox);
    let theirs = host.named_app(format!("{}x", mine.name), Image::Busybox);
    let hook = format!(
        "case $4 in {}) ;; {}*) echo 'not yours' >&2; exit 1 ;; esac",
        mine.name, mine.name
    );
    host.add_hook("oneoff-test-acl", "user-auth", &hook);
    over_ssh(&host, &format!("run {} echo -n", mine.name)).assert_stdout("");
    let refused = |output: Output| {
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (1, "", "not yours\n !     Access denied\n")
        );
    };
    refused(over_ssh(&host, &format!("run {} true", theirs.name)));
    // Dokku sees two words, the first of them `mine`; a shell sees `theirs`.
    let split = format!("run {}\\\nx echo stolen", mine.name);
    refused(over_ssh(&host, &split));
    host.add_hook("oneoff-test-acl", "user-auth", "exit 0");
}

/// plugn passes over a hook that it cannot execute, and Dokku takes that for a yes to its own
/// words: to those that were typed nobody has said yes.
#[test]
fn a_user_auth_hook_without_an_answer_denies_typed_words() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let app = host.app(Image::Busybox);
    host.add_hook("oneoff-test-acl", "user-auth", "exit 0");
    let hook = host
        .library()
        .join("plugins/available/oneoff-test-acl/user-auth");
    let command = format!("run {} echo -n", app.name);
    over_ssh(&host, &command).assert_stdout("");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = over_ssh(&host, &command);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.ends_with(" !     Access denied\n"),
        "{refused:?}"
    );
    // An empty one would be a shell's script that does nothing, and succeeds.
    fs::write(&hook, "").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(over_ssh(&host, &command).code, 1);
    fs::remove_file(hook).unwrap();
    over_ssh(&host, &command).assert_stdout("");
}
