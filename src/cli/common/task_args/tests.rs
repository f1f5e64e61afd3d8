//! Command lines and the requests that result from them.

use crate::cli::usage;
use clap::CommandFactory;

use super::*;

fn parsed(words: &[&str]) -> Result<TaskOptions> {
    let words: Vec<OsString> = ["run"].iter().chain(words).map(OsString::from).collect();
    match TaskOptions::parse(&usage::RUN, &words)? {
        ParsedArgs::Options(options) => Ok(options),
        ParsedArgs::Help(text) => bail!("help: {text}"),
    }
}

#[test]
fn the_option_parser_passes_the_checks_of_clap() {
    TaskOptions::command().debug_assert();
}

#[test]
fn option_parsing_ends_at_the_app() {
    for (words, expected) in [
        ("demo ls --help -e  --no-tty", "demo ls --help -e  --no-tty"),
        ("--no-tty -e A=b demo -x", "demo -x"),
        ("demo -- ls", "demo -- ls"),
        ("-- demo -- ls --", "demo -- ls --"),
        ("demo ls -- x", "demo ls -- x"),
        (" ls", " ls"),
    ] {
        let given: Vec<&str> = words.split(' ').collect();
        assert_eq!(
            parsed(&given).unwrap().words,
            expected.split(' ').collect::<Vec<_>>(),
            "{words:?}"
        );
    }
}

#[test]
fn the_words_after_the_app_become_the_command() {
    let no_flags = GlobalFlags::default();
    let with_app = GlobalFlags {
        app: Some("other".to_owned()),
        ..GlobalFlags::default()
    };
    for (words, flags, app, command, literal) in [
        ("demo ls -l", &no_flags, "demo", "ls -l", false),
        ("demo -- ls -- -l", &no_flags, "demo", "ls -- -l", true),
        ("-- demo ls", &no_flags, "demo", "ls", false),
        ("demo", &no_flags, "demo", "", false),
        ("ls -l", &with_app, "other", "ls -l", false),
        ("-e A=b ls", &with_app, "other", "ls", false),
    ] {
        let given: Vec<&str> = words.split(' ').collect();
        let (name, request) = parsed(&given).unwrap().to_request(flags).unwrap();
        assert_eq!(
            (name.as_str(), request.command.join(" ").as_str()),
            (app, command),
            "{words}"
        );
        let is_literal = request.syntax == CommandSyntax::Program;
        assert_eq!(is_literal, literal, "{words}");
    }
}

#[test]
fn the_shell_option_takes_the_words_as_a_line() {
    let request = |words: &[&str]| parsed(words)?.to_request(&GlobalFlags::default());
    let (_, request_of_line) = request(&["--shell", "demo", "--", "ls", "&& id"]).unwrap();
    assert_eq!(request_of_line.syntax, CommandSyntax::ShellLine);
    assert_eq!(request_of_line.command, ["ls", "&& id"]);
    for words in [&["--shell", "demo"][..], &["--shell", "demo", "", " "]] {
        let error = request(words).unwrap_err().to_string();
        assert_eq!(error, "'--shell' needs a command to run", "{words:?}");
    }
}

#[test]
fn the_env_option_is_parsed_in_every_spelling() {
    for words in [
        vec!["-e", "A=b"],
        vec!["-e=A=b"],
        vec!["--env", "A=b"],
        vec!["--env=A=b"],
        vec!["-eA=b"],
    ] {
        let given: Vec<&str> = words.iter().copied().chain(["demo"]).collect();
        assert_eq!(parsed(&given).unwrap().env, ["A=b"], "{words:?}");
    }
}

#[test]
fn an_option_with_one_value_is_refused_when_it_is_repeated() {
    for option in [
        "--ttl-seconds=5",
        "--memory=1g",
        "--lock=x",
        "--cron-id=x",
        "--user=ada",
    ] {
        let error = parsed(&[option, option, "demo"]).unwrap_err().to_string();
        assert!(error.contains("multiple times"), "{error}");
    }
    assert!(parsed(&["--no-tty", "--no-tty", "demo"]).unwrap().no_tty);
    let options = parsed(&["-eA=1", "-eA=2", "--label=a=b", "--label=a=c", "demo"]).unwrap();
    assert_eq!((options.env.len(), options.label.len()), (2, 2));
}

#[test]
fn rm_of_old_guides_is_accepted_unless_it_is_turned_off() {
    for words in [
        ["--rm", "demo"],
        ["--rm=true", "demo"],
        ["--rm-container", "demo"],
    ] {
        let options = parsed(&words).unwrap();
        assert_eq!(
            (options.words, options.rm.as_deref()),
            (vec!["demo".into()], Some("true"))
        );
    }
    assert_eq!(parsed(&["demo", "--rm"]).unwrap().rm, None);
    let error = parsed(&["--rm=false", "demo"]).unwrap_err().to_string();
    assert!(
        error.contains("'false'") && error.contains("always removed"),
        "{error}"
    );
}

#[test]
fn an_option_of_docker_is_refused_with_what_to_use() {
    for (option, hint) in [
        ("-it", "a terminal is allocated if"),
        ("--tty", "'--force-tty'"),
        ("--detach", "'dokku run:detached'"),
        ("--detach=true", "'dokku run:detached'"),
        ("-d", "'dokku run:detached'"),
        ("-v=/a:/b", "'dokku storage:mount'"),
        ("--name=x", "'--label'"),
    ] {
        let error = parsed(&[option, "demo"]).unwrap_err().to_string();
        let (sentence, _) = error.split_once('\n').unwrap();
        assert!(sentence.contains(hint), "{option}: {error}");
    }
}

#[test]
fn a_usage_error_is_one_sentence_followed_by_the_usage() {
    for (words, named) in [
        (vec!["--wrong", "demo"], "--wrong"),
        (vec!["-x", "demo"], "-x"),
        (vec!["--timeout", "soon", "demo"], "soon"),
        (vec!["--ttl-seconds", "0", "demo"], "'0'"),
        (vec!["--ttl-seconds"], "--ttl-seconds"),
        (vec!["--ttl-seconds=5", "--timeout=5", "demo"], "--timeout"),
        (vec!["--label", "x", "demo"], "--label"),
        (vec!["--concurrency-policy=no", "demo"], "no"),
    ] {
        let error = parsed(&words).unwrap_err().to_string();
        let (sentence, usage) = error.split_once('\n').unwrap();
        assert!(sentence.contains(named), "{words:?}: {error}");
        assert_eq!(
            usage, "Usage: dokku run [options] <app> [<cmd>...]",
            "{words:?}"
        );
    }
}
