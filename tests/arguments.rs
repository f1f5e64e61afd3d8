//! Which words are ours, and which the command's.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::support::{Host, Image, wait_until};

/// Prints each argument between brackets, so that none is lost from sight.
const SHOW: [&str; 4] = [
    "sh",
    "-c",
    r#"for word; do printf '[%s]' "$word"; done"#,
    "sh",
];

fn shown(words: &[&str]) -> String {
    words.iter().flat_map(|word| ["[", word, "]"]).collect()
}

#[test]
fn every_word_after_the_app_reaches_the_command() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let words = [
        "--help",
        "-e",
        "",
        "--env=A=b",
        "--no-tty",
        "a b",
        "'q'",
        "\"",
        "$(id)",
        "\n",
        "*",
        "--",
        "é",
    ];
    app.run(SHOW.iter().chain(&words).copied())
        .assert_stdout(&shown(&words));
}

#[test]
fn a_double_dash_before_the_app_ends_the_options() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    host.dokku(["run", "--no-tty", "--", &app.name, "echo", "--", "x"])
        .assert_stdout("-- x\n");
}

#[test]
fn an_argument_of_100_kilobytes_reaches_the_command() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let long = "x".repeat(100_000);
    app.run(SHOW.iter().copied().chain([long.as_str()]))
        .assert_stdout(&format!("[{long}]"));
}

#[test]
fn an_invalid_option_is_reported_with_the_usage_of_run() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (option, named) in [
        ("--wrong", "'--wrong'"),
        ("-x", "'-x'"),
        ("--ttl-seconds=soon", "'soon'"),
        ("--ttl-seconds=0", "'0'"),
        ("--timeout=1x", "'1x'"),
        ("--label=x", "'x'"),
        ("--label=com.dokku.app-name=other", "--label"),
        ("--memory=lots", "'lots'"),
        ("--cpus=-1", "'-1'"),
        ("--user=a b", "'a b'"),
        ("--workdir=srv", "'srv'"),
        ("--cron-id=../x", "'../x'"),
        ("--on-hangup=maybe", "'maybe'"),
        ("--concurrency-policy=maybe", "'maybe'"),
        ("--env=KEY", "'KEY'"),
        ("--env==x", "'=***'"),
    ] {
        let output = app.run_with(&[option], ["true"]);
        output.assert_refused(1, named);
        assert!(
            output
                .stderr
                .contains("Usage: dokku run [options] <app> [<cmd>...]"),
            "{output:?}"
        );
    }
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn rm_of_old_guides_is_accepted_with_a_note() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let note =
        "-----> '--rm' is not needed: the container of a task is always removed at its end\n";
    for option in ["--rm", "--rm=true", "--rm-container"] {
        let output = app.run_with(&[option], ["echo", "--rm"]);
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (0, "--rm\n", note),
            "{option}"
        );
        let output = host.dokku(["run:detached", option, &app.name, "true"]);
        assert_eq!((output.code, output.stderr.as_str()), (0, note), "{option}");
        let name = format!("{}.run.", app.name);
        assert!(output.stdout.starts_with(&name), "{output:?}");
    }
    wait_until("the tasks are removed", || {
        app.containers().is_empty().then_some(())
    });
    // As a flag before the command it has always been one of Dokku's.
    host.dokku(["--quiet", "--rm", "run", &app.name, "echo", "x"])
        .assert_stdout("x\n");
    host.dokku(["--quiet", "run", "--rm", &app.name, "echo", "x"])
        .assert_stdout("x\n");
    app.run_with(&["--rm=false"], ["true"]).assert_refused(
        1,
        "'false' for '--rm[=<true>]': the container of a task is always removed",
    );
}

#[test]
fn options_of_docker_run_and_old_guides_are_refused_with_what_to_use() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (option, hint) in [
        ("--detach", "'dokku run:detached' starts a detached task"),
        ("-d", "'dokku run:detached' starts a detached task"),
        (
            "-it",
            "a terminal is allocated if stdin and stdout are terminals",
        ),
        ("--tty", "'--force-tty' allocates one in any case"),
        ("--name=mine", "'--label' marks a task"),
        ("--volume=/a:/b", "'dokku storage:mount'"),
        ("--publish=80", "'dokku docker-options:add <app> run'"),
        ("-u", "'--user'"),
    ] {
        for command in ["run", "run:detached"] {
            let output = host.dokku([command, option, &app.name, "true"]);
            output.assert_refused(1, hint);
            assert_eq!(output.stderr.lines().count(), 2, "{output:?}");
        }
    }
    for words in [["--detach", "run"], ["--detach", "oneoff"]] {
        host.dokku([&words[..], &[&app.name, "true"]].concat())
            .assert_refused(
                1,
                "'--detach' before 'run' has no effect: 'dokku run:detached'",
            );
    }
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn an_option_without_its_value_is_reported() {
    let host = Host::new();
    host.dokku(["run", "--ttl-seconds"])
        .assert_refused(1, "--ttl-seconds");
    host.dokku(["run", "-e"]).assert_refused(1, "--env");
}

#[test]
fn an_option_with_one_value_is_refused_in_every_command_when_it_is_repeated() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = app.name.as_str();
    for words in [
        vec!["run", "--ttl-seconds=5", "--ttl-seconds=7", name, "true"],
        vec!["run", "--lock", "a", "--lock", "b", name, "true"],
        vec!["run:detached", "--timeout=5", "--timeout=7", name, "true"],
        vec!["run:attach", "--container=a", "--container=b"],
        vec!["run:exec", "--container=a", "--container=b", "true"],
        vec!["run:wait", "--container=a", "--container=b"],
        vec!["run:wait", "--timeout=1", "--timeout=2", "--container=a"],
        vec!["run:logs", "--container=a", "--container=b"],
        vec!["run:logs", "-n1", "--num=2", name],
        vec!["run:list", "--format=json", "--format=stdout", name],
        vec!["run:history", "--type=run", "--type=cron", name],
        vec!["run:history", "--since=1d", "--since=2d", name],
        vec!["run:report", "--format=json", "--format=stdout", name],
    ] {
        host.dokku(&words)
            .assert_refused(1, "cannot be used multiple times");
    }
    host.dokku(["run:report", name, "--run-stdin", "--run-memory"])
        .assert_refused(
            1,
            "'--run-stdin' and '--run-memory' cannot be used together",
        );
    assert_eq!(app.containers(), [""; 0]);

    // Switches, and options that add up.
    app.run_with(
        &[
            "--no-tty",
            "--no-tty",
            "-eA=1",
            "-eA=2",
            "--label=a=b",
            "--label=a=c",
        ],
        ["sh", "-c", "echo $A"],
    )
    .assert_stdout("2\n");
    assert_eq!(host.dokku(["run:list", "--quiet", "--quiet", name]).code, 0);
}

#[test]
fn mutually_exclusive_options_are_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.run_with(&["--no-tty", "--force-tty"], ["true"])
        .assert_refused(1, "Cannot specify both --force-tty and --no-tty");
    app.run_with(&["--ttl-seconds=5", "--timeout=5"], ["true"])
        .assert_refused(1, "--timeout");
}

#[test]
fn an_argument_or_env_value_that_is_not_valid_utf8_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let word = OsString::from_vec(b"caf\xe9".to_vec());
    app.run([OsString::from("echo"), word.clone()])
        .assert_refused(1, "not valid UTF-8");
    let mut pair = OsString::from("SECRET=");
    pair.push(word);
    let output = crate::support::run_to_end(&host.command([
        "run".into(),
        "-e".into(),
        pair,
        OsString::from(&app.name),
    ]));
    output.assert_refused(1, "'SECRET' is not valid UTF-8");
    assert!(!output.stderr.contains("caf"), "{output:?}");
}

#[test]
fn user_and_workdir_options_apply_to_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.run_with(
        &["--user=app", "--workdir=/tmp"],
        ["sh", "-c", "id -un; pwd"],
    )
    .assert_stdout("app\n/tmp\n");
    app.sh("id -un; pwd").assert_stdout("root\n/app\n");
}

#[test]
fn dry_run_creates_no_container_and_masks_every_value() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.config("FROM_CONFIG", "secret");
    app.dokku_ok("docker-options:add", &["run", "--env OPTION=secret"]);
    let output = app.run_with(
        &["--dry-run", "--memory=64m", "-e", "OWN=secret"],
        ["echo", "a b"],
    );
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    let call = output.stdout.lines().next().unwrap();
    assert!(call.starts_with("docker container create "), "{output:?}");
    assert!(
        call.contains("--memory=64m") && call.ends_with(&format!("{} echo 'a b'", app.image())),
        "{output:?}"
    );
    for name in ["FROM_CONFIG", "OPTION", "OWN", "DYNO"] {
        assert!(
            output.stdout.contains(&format!("\n  {name}=***\n")),
            "{name}: {output:?}"
        );
    }
    assert!(!output.stdout.contains("secret"), "{output:?}");
}

#[test]
fn help_option_before_the_app_lists_the_options() {
    let host = Host::new();
    let output = host.dokku(["run", "--help"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    for option in [
        "-e, --env",
        "--no-tty",
        "--force-tty",
        "--ttl-seconds",
        "--timeout",
        "--memory",
        "--dry-run",
    ] {
        assert!(output.stdout.contains(option), "{option}");
    }
}

mod parity {
    use super::*;

    #[test]
    fn words_after_the_app_are_not_parsed_as_options() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        let words = ["--help", "-e", "--env=A=b", "--no-tty", "a b"];
        let output = app.run_with(&["--no-tty"], SHOW.iter().chain(&words).copied());
        assert_eq!((output.code, output.stdout), (0, shown(&words)));
    }

    #[test]
    fn run_exits_20_when_the_app_is_missing_or_unknown() {
        let host = Host::new();
        for words in [
            vec!["run"],
            vec!["run", "no-such-app", "ls"],
            vec!["run", "Not_An_App", "ls"],
            vec!["run", "../x"],
        ] {
            let output = host.dokku(&words);
            assert_eq!(output.code, 20, "{words:?}: {output:?}");
            let app = words.get(1).unwrap_or(&"");
            assert!(
                output
                    .stderr
                    .contains(&format!(" !     App {app} does not exist")),
                "{output:?}"
            );
        }
    }

    #[test]
    fn run_exits_1_when_the_ttl_is_not_a_number() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        assert_eq!(app.run_with(&["--ttl-seconds", "soon"], ["true"]).code, 1);
    }
}
