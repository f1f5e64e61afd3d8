//! Tests of which SSH command is recognized as the origin of our words.

use super::*;

fn dokku(words: &[&str], ssh_command: Option<&str>) -> Ancestor {
    Ancestor {
        words: Some(words.iter().map(|word| word.as_bytes().to_vec()).collect()),
        ssh_command: ssh_command.map(str::to_owned),
    }
}

fn argv(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

const VERSION: &str = "echo (GNU coreutils) 9.1\n\nWritten by two.\n";

/// Through SSH: the inner `dokku` was started with the words `given`, this process with `ours`.
fn found(text: &str, given: &[&str], ours: &[&str]) -> Option<SshCommand> {
    let ancestors = [
        dokku(given, None),
        dokku(&["run", "whatever"], Some(text)),
        Ancestor::default(),
    ];
    find(&argv(ours), &ancestors, |_| Some(VERSION.to_owned()))
}

fn typed_argv(text: &str, given: &[&str]) -> Vec<OsString> {
    let typed = found(text, given, given).unwrap().as_typed;
    typed.unwrap().unwrap().argv
}

#[test]
fn ssh_words_that_dokku_lost_are_recovered() {
    let version = [
        "run",
        "app",
        "x",
        "echo (GNU coreutils) 9.1",
        "",
        "Written by two.",
    ];
    for (text, given, typed) in [
        (
            "run app x --version",
            &version[..],
            &["run", "app", "x", "--version"][..],
        ),
        (
            "run app ls -n -l",
            &["run", "app", "ls", "-l"],
            &["run", "app", "ls", "-n", "-l"],
        ),
        (
            "run -e A=b app",
            &["run", "", "A=b", "app"],
            &["run", "-e", "A=b", "app"],
        ),
        ("run app ''", &["run", "app"], &["run", "app", ""]),
        ("run app 'a\nb'", &["run", "app"], &["run", "app", "a\nb"]),
        (
            r"run app $'a\nb'",
            &["run", "app", r"$a\nb"],
            &["run", "app", "a\nb"],
        ),
        (
            r#"run app "a\"b""#,
            &["run", "app"],
            &["run", "app", "a\"b"],
        ),
        (
            "run app 'a b' $x",
            &["run", "app", "a b", "$x"],
            &["run", "app", "a b", "$x"],
        ),
    ] {
        assert_eq!(typed_argv(text, given), argv(typed), "{text:?}");
    }
}

#[test]
fn leading_ssh_flags_are_separated_from_the_command() {
    let text = "--app demo '--label=k=a b' --quiet run ls --app other -n";
    let given = [
        "--app",
        "demo",
        "--label=k=a b",
        "--quiet",
        "run",
        "ls",
        "--app",
        "other",
    ];
    let command = found(text, &given, &given[4..]).unwrap();
    assert_eq!(command.as_dokku_split.flags, given[..4]);
    let typed = command.as_typed.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(typed.argv, argv(&["run", "ls", "--app", "other", "-n"]));
    assert_eq!(command.flags_before(&typed.argv), &given[..4]);
}

#[test]
fn ssh_text_that_does_not_match_the_arguments_is_not_used() {
    let given = ["run", "app", "ls"];
    assert!(found("run app ls -n", &given, &given).is_some());
    for (text, why) in [
        ("run app ls x", "another text"),
        ("run app", "a part of it"),
        ("", "no text"),
    ] {
        assert!(found(text, &given, &given).is_none(), "{why}");
    }
    assert!(found("run app ls", &given, &["run", "app", "lt"]).is_none());

    // A quote that a shell would not close either, or another command.
    assert_eq!(
        found("run app ls 'x", &given, &given).unwrap().as_typed,
        Err(SplitError::Unclosed('\''))
    );
    assert_eq!(
        found("-n run app ls", &given, &given).unwrap().as_typed,
        Ok(None)
    );
}

#[test]
fn ssh_text_is_used_only_through_an_unbroken_chain_of_dokku_processes() {
    let given = ["run", "app", "ls"];
    let inner = dokku(&given, None);
    let outer = dokku(&["run"], Some("run app ls -n"));
    let other = Ancestor::default();
    let is_found = |ancestors: &[Ancestor]| find(&argv(&given), ancestors, |_| None).is_some();

    assert!(is_found(&[inner.clone(), outer.clone()]));
    assert!(is_found(&[
        inner.clone(),
        inner.clone(),
        outer.clone(),
        other.clone()
    ]));
    for ancestors in [
        &[][..],
        std::slice::from_ref(&inner),
        // An administrator's shell, or a hook, that an SSH command has started.
        &[inner.clone(), other.clone(), outer.clone()],
        &[other, inner.clone(), outer.clone()],
        &[inner.clone(), dokku(&["apps:destroy"], None), outer.clone()],
        &[dokku(&given, Some("run app ls -n"))],
        std::slice::from_ref(&outer),
    ] {
        assert!(!is_found(ancestors), "{ancestors:?}");
    }
}

#[test]
fn recovered_ssh_words_equal_the_words_of_bash_or_of_dokku() {
    const PIECES: [&str; 25] = [
        " ",
        " ",
        " ",
        " ",
        " ",
        "\n",
        "'",
        "'",
        "\"",
        "\"",
        "\\",
        "\t",
        "-n",
        "-e",
        "--help",
        "--version",
        "--app x ",
        "--quiet ",
        "--tty",
        "a",
        "'b c'",
        "=",
        "é",
        "*",
        "run",
    ];
    const BEGINNINGS: [&str; 6] = [
        "run app ",
        "run app ",
        "run ",
        "--quiet run app ",
        "-n ",
        "",
    ];
    // The expected words are those of xargs and bash.
    let check = |text: &str| {
        let given: Vec<String> = given::tests::by_bash(text);
        let ancestors = [
            Ancestor {
                words: Some(given.iter().map(|word| word.clone().into_bytes()).collect()),
                ssh_command: None,
            },
            dokku(&["whatever"], Some(text)),
        ];
        let ours = line(given);
        let found = find(&ours.argv, &ancestors, given::ask_echo);
        let command = found.unwrap_or_else(|| unreachable!("Dokku's own words: {text:?}"));
        let by_shell = typed::tests::by_bash(text).map(line);
        let is_same = |typed: &CommandLine| typed.argv.first() == ours.argv.first();
        match (&command.as_typed, by_shell) {
            (Ok(typed), Some(by_shell)) => {
                assert_eq!(*typed, Some(by_shell).filter(is_same), "{text:?}");
            }
            (typed, by_shell) => assert!(typed.is_err() && by_shell.is_none(), "{text:?}"),
        }
        assert_eq!(command.as_dokku_split, ours, "{text:?}");
        matches!(command.as_typed, Ok(Some(typed)) if typed != ours)
    };
    let mut random = fastrand::Rng::with_seed(8);
    let texts: Vec<String> = (0..1500)
        .map(|_| {
            let pieces = (0..random.usize(..12)).map(|_| *random.choice(&PIECES).unwrap());
            let pieces: String = pieces.collect();
            random.choice(&BEGINNINGS).unwrap().to_string() + &pieces
        })
        // The script of bash continues after the text.
        .filter(|text| !text.ends_with('\\'))
        .collect();
    let repaired: usize = std::thread::scope(|scope| {
        let parts: Vec<_> = texts
            .chunks(texts.len() / 4 + 1)
            .map(|part| scope.spawn(|| part.iter().filter(|text| check(text)).count()))
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    assert!(
        repaired > 100,
        "only {repaired} of {} had lost something",
        texts.len()
    );
}
