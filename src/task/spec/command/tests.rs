//! Commands and the arguments that they become, by the form that the image expects.

use super::*;
use CommandForm::{HerokuishExec, Launcher, ShellLine, Words};

const ALL: [CommandForm; 4] = [Words, ShellLine, Launcher, HerokuishExec];

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_form_depends_on_image_type_and_entrypoint() {
    use ImageType::{Dockerfile, Herokuish, Pack};
    for (image_type, entrypoint, form) in [
        (Dockerfile, &[][..], Words),
        (Dockerfile, &["/entrypoint.sh"], Words),
        (Dockerfile, &["/bin/sh", "-l", "-c"], ShellLine),
        (Dockerfile, &["/cnb/lifecycle/launcher"], Launcher),
        (Pack, &["launcher"], Launcher),
        (Pack, &["/bin/bash", "-c"], ShellLine),
        (Herokuish, &[], HerokuishExec),
    ] {
        let found = CommandForm::of(image_type, &owned(entrypoint));
        assert_eq!(found, form, "{entrypoint:?}");
    }
}

#[test]
fn typed_words_stay_words_except_in_front_of_a_shell_line() {
    let words = owned(&["sh", "-c", "exit 3"]);
    assert_eq!(Words.words(words.clone()), words);
    assert_eq!(Launcher.words(words.clone()), words);
    assert_eq!(
        HerokuishExec.words(words.clone()),
        ["/exec", "sh", "-c", "exit 3"]
    );
    assert_eq!(ShellLine.words(words), ["sh -c 'exit 3'"]);
    assert_eq!(ShellLine.words(owned(&["a b"])), ["a b"]);
    assert_eq!(ShellLine.words(owned(&["a b", "c"])), ["'a b' c"]);
}

#[test]
fn a_line_is_run_by_the_shell_of_the_image() {
    assert_eq!(Words.line("a && b", &[]), ["sh", "-c", "a && b"]);
    assert_eq!(ShellLine.line("a && b", &[]), ["a && b"]);
    assert_eq!(Launcher.line("a && b", &[]), ["a && b"]);
    let words = owned(&["c d"]);
    assert_eq!(
        Words.line("a && b", &words),
        ["sh", "-c", "a && b \"$@\"", "sh", "c d"]
    );
    assert_eq!(ShellLine.line("a && b", &words), ["a && b 'c d'"]);
    assert_eq!(Launcher.line("a && b", &words), ["a && b 'c d'"]);
    assert_eq!(
        HerokuishExec.line("a && b", &words),
        [
            "/exec",
            "sh",
            "-c",
            "'eval${IFS}\"$(printf${IFS}%b${IFS}\"$0\")\"'",
            "'a\\0040&&\\0040b\\0040\\0047c\\0040d\\0047'"
        ]
    );
}

#[test]
fn an_entry_goes_without_a_shell_if_it_has_nothing_for_one() {
    let none: [String; 0] = [];
    let plain = |form: CommandForm, entry: &str| {
        let words = form.words(shell_words::split(entry).unwrap());
        form.entry("job", entry, &none).unwrap() == words
    };
    assert!(
        [Words, Launcher, HerokuishExec]
            .iter()
            .all(|form| plain(*form, "rake db:migrate"))
    );
    assert!(plain(Words, "echo 'a b' '$X'"));
    assert!(!plain(Launcher, "echo 'a b' '$X'"));
    assert!(!plain(HerokuishExec, "echo 'a b'"));
    assert!(ALL.iter().all(|form| !plain(*form, "echo $X")));
    assert_eq!(
        ShellLine.entry("job", "'my rake'", &none).unwrap(),
        ["'my rake'"]
    );
    assert_eq!(
        Launcher.entry("job", "rake", &owned(&["a b"])).unwrap(),
        ["rake", "a b"]
    );
}

#[test]
fn an_entry_with_an_open_quote_is_refused_in_every_form() {
    for form in ALL {
        for entry in ["echo 'open", "a && echo \"open"] {
            let error = form.entry("job", entry, &[]).unwrap_err();
            assert_eq!(
                format!("{error:#}"),
                "the Procfile entry 'job' cannot be split into words: a quote is not closed: missing closing quote"
            );
        }
    }
}
