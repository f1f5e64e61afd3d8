//! Whole command lines, and what of them is Dokku's.

use super::*;

fn line(text: &str) -> Vec<Vec<u8>> {
    text.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// What Dokku does: `typed` is the whole command line, `argv` what is left of it.
fn found(typed: &str, argv: &str, app: Option<&str>, seen: bool) -> Result<GlobalFlags> {
    let typed = line(typed);
    let ancestors = if seen {
        vec![typed.clone()]
    } else {
        Vec::new()
    };
    find(&Evidence {
        global_flags: &scanned(&typed).join(" "),
        app_name: app,
        argv: &line(argv),
        ancestors: &ancestors,
    })
}

fn flags(app: Option<&str>, labels: &[&str], not_meant: &[&'static str]) -> GlobalFlags {
    GlobalFlags {
        app: app.map(str::to_owned),
        labels: labels.iter().map(ToString::to_string).collect(),
        not_meant: not_meant.to_vec(),
    }
}

#[test]
fn only_leading_words_are_dokkus() {
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
fn an_app_written_twice_is_read_from_the_ancestor_or_refused() {
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
fn the_same_word_before_and_after_counts_twice() {
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
fn a_label_with_blanks_is_read_from_the_ancestor() {
    let argv = line("run demo ls");
    let mut typed = vec![b"--label=k=a b".to_vec()];
    typed.extend(argv.clone());
    let global_flags = scanned(&typed).join(" ");
    let evidence = Evidence {
        global_flags: &global_flags,
        app_name: None,
        argv: &argv,
        ancestors: std::slice::from_ref(&typed),
    };
    assert_eq!(find(&evidence).unwrap().labels, ["k=a b"]);
    assert!(
        find(&Evidence {
            ancestors: &[],
            ..evidence
        })
        .is_err(),
        "unseen, it is refused"
    );
}

#[test]
fn a_second_dokku_under_sudo_has_lost_the_leading_words() {
    let argv = line("run demo ls");
    let ancestors = [
        argv.clone(),
        line("--label=k=v run demo ls"),
        line("--label=no apps:list"),
    ];
    let evidence = Evidence {
        global_flags: "--label=k=v",
        app_name: None,
        argv: &argv,
        ancestors: &ancestors,
    };
    assert_eq!(find(&evidence).unwrap().labels, ["k=v"]);
}

#[test]
fn an_app_from_the_callers_environment_is_taken() {
    assert_eq!(
        found("run ls", "run ls", Some("demo"), true)
            .unwrap()
            .app
            .unwrap(),
        "demo"
    );
    assert_eq!(found("run ls", "run ls", Some(""), true).unwrap().app, None);
}

#[test]
fn dokku_is_found_in_a_command_line() {
    assert_eq!(
        words_of_dokku(b"bash\0/usr/bin/dokku\0run\0a\0").unwrap(),
        line("run a")
    );
    assert_eq!(
        words_of_dokku(b"dokku\0run\0\0").unwrap(),
        [b"run".to_vec(), Vec::new()]
    );
    assert!(words_of_dokku(b"sudo\0-u\0dokku\0-E\0dokku\0run\0").is_none());
    assert!(words_of_dokku(b"").is_none());
}
