//! The first word of a command may name an entry of the app's Procfile.

use crate::support::{Host, Image};

#[test]
fn a_procfile_entry_is_split_as_a_shell_splits() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("job: printf '[%s]' \"one  two\" 'it'\\''s' three\\ four\n");
    let output = app.run(["job", "own", "a b"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "[one  two][it's][three four][own][a b]"),
        "{output:?}"
    );
}

#[test]
fn a_procfile_entry_with_an_unclosed_quote_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("job: echo 'open\n");
    app.run(["job"]).assert_refused(1, "'job'");
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn a_double_dash_after_the_app_skips_the_procfile_lookup() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("echo: false\n");
    app.run(["--", "echo", "said"]).assert_stdout("said\n");
    assert_eq!(
        app.run(["--", "--", "x"]).code,
        127,
        "only the first one is ours"
    );
}

#[test]
fn a_word_without_a_procfile_entry_is_run_as_a_command() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("web: true\n");
    app.run(["echo", "web"]).assert_stdout("web\n");
}

#[test]
fn run_without_a_command_starts_the_shell_of_the_app() {
    let host = Host::new();
    let app = host.app(Image::Bash);
    let version = |app: &crate::support::App<'_>| {
        let command = app
            .command(&[], [""; 0])
            .stdin_bytes("echo ${BASH_VERSION:+bash}");
        crate::support::run_to_end(&command)
    };
    version(&app).assert_stdout("bash\n");
    app.dokku_ok("scheduler:set", &["shell", "/bin/sh"]);
    version(&app).assert_stdout("\n");
}

mod parity {
    use super::*;

    #[test]
    fn a_procfile_entry_receives_the_words_after_its_name() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        app.procfile("web: false\njob: echo from the entry\n");
        let output = app.run_with(&["--no-tty"], ["job", "and", "more"]);
        assert_eq!(output.code, 0);
        assert!(
            output.stdout.ends_with("from the entry and more\n"),
            "{output:?}"
        );
    }
}
