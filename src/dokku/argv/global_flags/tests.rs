//! Tests with whole command lines: which words are Dokku's flags.

use super::*;

fn line(text: &str) -> Vec<Vec<u8>> {
    text.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// Dokku's part: `typed` is the whole command line, `argv` the words that reach the plugin.
fn found(typed: &str, argv: &str, app: Option<&str>, seen: bool) -> Result<GlobalFlags> {
    found_all(typed, argv, app, seen).map(without_scanned)
}

fn without_scanned(flags: GlobalFlags) -> GlobalFlags {
    let scanned = None;
    GlobalFlags { scanned, ..flags }
}

fn found_all(typed: &str, argv: &str, app: Option<&str>, seen: bool) -> Result<GlobalFlags> {
    let typed = line(typed);
    let ancestors = if seen {
        vec![typed.clone()]
    } else {
        Vec::new()
    };
    find(&FlagSources {
        global_flags: &dokku_flag_scan(&typed).join(" "),
        app_name: app,
        argv: &line(argv),
        ancestors: &ancestors,
        leading: None,
    })
}

fn flags(app: Option<&str>, labels: &[&str], not_meant: &[&'static str]) -> GlobalFlags {
    GlobalFlags {
        app: app.map(str::to_owned),
        labels: labels.iter().map(ToString::to_string).collect(),
        misattributed: not_meant.to_vec(),
        scanned: None,
    }
}

#[test]
fn hooks_get_only_the_leading_global_flags() {
    let user = "run --env=A=secret demo x --label=no";
    for (leading, expected) in [
        ("", ""),
        ("--trace ", "--trace"),
        ("--label=a=1 --quiet ", "--label=a=1 --quiet"),
        ("--app demo --quiet ", "--app --quiet"),
    ] {
        for seen in [true, false] {
            let flags = found_all(&format!("{leading}{user}"), user, Some("demo"), seen);
            assert_eq!(
                flags.unwrap().scanned.as_deref(),
                Some(expected),
                "{leading}"
            );
        }
    }
}

#[test]
fn only_leading_words_are_global_flags() {
    let user = "run demo train.py --label=no --app other --trace --quiet";
    let argv = user;
    for seen in [true, false] {
        assert_eq!(
            found(user, argv, Some("other"), seen).unwrap(),
            flags(None, &[], &["DOKKU_TRACE", "DOKKU_QUIET_OUTPUT"]),
        );
        assert_eq!(
            found(
                &format!("--trace --label=k=v {user}"),
                argv,
                Some("other"),
                seen
            )
            .unwrap(),
            flags(None, &["k=v"], &["DOKKU_QUIET_OUTPUT"]),
        );
        assert_eq!(
            found(
                "--app demo --label=a=1 --label=b=2 run ls",
                "run ls",
                Some("demo"),
                seen
            )
            .unwrap(),
            flags(Some("demo"), &["a=1", "b=2"], &[]),
        );
    }
}

#[test]
fn a_repeated_app_flag_is_read_from_the_ancestor_or_refused() {
    let typed = "--app demo run train --app other";
    let argv = "run train --app other";
    assert_eq!(
        found(typed, argv, Some("other"), true)
            .unwrap()
            .app
            .unwrap(),
        "demo"
    );
    assert!(found(typed, argv, Some("other"), false).is_err());
}

#[test]
fn a_leading_flag_repeated_in_the_command_is_still_read() {
    let argv = "run demo x --label=a=1 --trace";
    let typed = format!("--label=a=1 --trace {argv}");
    for seen in [true, false] {
        assert_eq!(
            found(&typed, argv, None, seen).unwrap(),
            flags(None, &["a=1"], &[])
        );
    }
}

#[test]
fn a_label_with_spaces_is_read_from_the_ancestor_or_refused() {
    let argv = line("run demo ls");
    let mut typed = vec![b"--label=k=a b".to_vec()];
    typed.extend(argv.clone());
    let global_flags = dokku_flag_scan(&typed).join(" ");
    let evidence = FlagSources {
        global_flags: &global_flags,
        app_name: None,
        argv: &argv,
        ancestors: std::slice::from_ref(&typed),
        leading: None,
    };
    assert_eq!(without_scanned(find(&evidence).unwrap()).labels, ["k=a b"]);
    assert!(
        find(&FlagSources {
            ancestors: &[],
            ..evidence
        })
        .is_err(),
        "unseen, it is refused"
    );
}

#[test]
fn leading_flags_are_read_from_the_dokku_above_sudo() {
    let argv = line("run demo ls");
    let ancestors = [
        argv.clone(),
        line("--label=k=v run demo ls"),
        line("--label=no apps:list"),
    ];
    let evidence = FlagSources {
        global_flags: "--label=k=v",
        app_name: None,
        argv: &argv,
        ancestors: &ancestors,
        leading: None,
    };
    assert_eq!(without_scanned(find(&evidence).unwrap()).labels, ["k=v"]);
}

#[test]
fn an_app_name_from_the_environment_of_the_caller_is_used() {
    assert_eq!(
        found("run ls", "run ls", Some("demo"), true)
            .unwrap()
            .app
            .unwrap(),
        "demo"
    );
    assert_eq!(found("run ls", "run ls", Some(""), true).unwrap().app, None);
}

/// The outer one of two `dokku` processes has split the text of an SSH client at its spaces,
/// and scanned the result.
#[test]
fn flags_within_a_quoted_word_are_not_global_flags() {
    let argv = [
        &b"run"[..],
        b"demo",
        b"sh",
        b"-c",
        b"echo --app x --trace --label=a=b",
    ];
    let argv = argv.map(<[u8]>::to_vec);
    let evidence = FlagSources {
        global_flags: "--app --trace --label=a=b",
        app_name: Some("x"),
        argv: &argv,
        ancestors: &[],
        leading: Some(&[]),
    };
    assert_eq!(
        without_scanned(find(&evidence).unwrap()),
        flags(None, &[], &["DOKKU_TRACE"])
    );
    let leading = ["--app", "demo", "--label=k=a b", "--trace"].map(str::to_owned);
    let evidence = FlagSources {
        leading: Some(&leading),
        ..evidence
    };
    assert_eq!(
        without_scanned(find(&evidence).unwrap()),
        flags(Some("demo"), &["k=a b"], &[])
    );
}

#[test]
fn an_app_name_from_the_environment_is_used_through_ssh() {
    let evidence = FlagSources {
        global_flags: "",
        app_name: Some("demo"),
        argv: &line("run ls"),
        ancestors: &[],
        leading: Some(&[]),
    };
    assert_eq!(
        without_scanned(find(&evidence).unwrap()),
        flags(Some("demo"), &[], &[])
    );
}
