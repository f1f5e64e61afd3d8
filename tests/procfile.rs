//! The first word of a command may name an entry of the app's Procfile.

use crate::support::{App, Gate, Host, Image, Log, run_to_end, wait_until};

/// Waits for the end of a detached task and the removal of its container. Returns its exit code.
fn wait_ended(host: &Host, app: &App<'_>, name: &str) -> i32 {
    let output = host.dokku(["run:wait", "--container", name]);
    wait_until("the task is removed", || {
        app.containers().is_empty().then_some(())
    });
    output.code
}

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
fn a_procfile_entry_is_run_as_written_by_the_shell_of_the_image() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.config("SET", "a  b' c");
    for (entry, words, expected) in [
        ("echo one && echo two", &[][..], "one\ntwo\n"),
        ("echo one | tr a-z A-Z >&2; echo $?", &[], "0\n"),
        (
            "printf '[%s]' \"$SET\" '$SET' \\$SET",
            &[],
            "[a  b' c][$SET][$SET]",
        ),
        (
            "echo $FROM_IMAGE $(echo cut) `echo whole`",
            &[],
            "image cut whole\n",
        ),
        ("echo ${UNSET:-default}$UNSET", &[], "default\n"),
        ("VAR=value sh -c 'echo $VAR'", &[], "value\n"),
        ("exec echo replaced", &[], "replaced\n"),
        (
            "true && printf '[%s]'",
            &["a  b", "$SET", "", "it's"],
            "[a  b][$SET][][it's]",
        ),
        (
            "sh -c 'printf \"[%s]\" $SET \"$@\"' sh",
            &["x y"],
            "[a][b'][c][x y]",
        ),
        ("$SET_COMMAND", &["word"], "from the environment word\n"),
        ("false;", &[], ""),
    ] {
        app.procfile(&format!("web: false\njob: {entry} # comment\n"));
        let command = ["job"].iter().chain(words).copied();
        let options = ["-e", "SET_COMMAND=echo from the environment"];
        let output = app.run_with(&options, command);
        let code = i32::from(entry == "false;");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, expected),
            "{entry}: {output:?}"
        );
    }
}

#[test]
fn a_procfile_entry_without_shell_syntax_needs_no_shell_in_the_image() {
    let host = Host::new();
    let app = host.app(Image::NoShell);
    app.procfile("job: echo 'a  b' \"c\" '$HOME'\nother: echo a && echo b\n");
    let output = app.run(["job", "$X"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "a  b c $HOME $X\n"),
        "{output:?}"
    );
    let output = app.run(["other"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (127, ""),
        "{output:?}"
    );
}

#[test]
fn config_values_in_a_procfile_entry_appear_nowhere_on_the_host() {
    const SECRET: &str = "postgres://user:s3cr3t@db";
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    app.config("DATABASE_URL", SECRET);
    let calls = Log::new();
    host.replace_docker(&format!(
        "echo \"$*\" >>{}; exec \"$DOCKER\" \"$@\"",
        calls.path().display()
    ));
    app.procfile("db: printf %s $DATABASE_URL\nwait: : $DATABASE_URL; touch /gate/ready; while [ ! -e /gate/go ]; do sleep 0.05; done\n");
    let dry = app.run_with(&["--dry-run"], ["db"]);
    assert!(
        dry.stdout.contains("sh -c 'printf %s $DATABASE_URL'") && !dry.stdout.contains("s3cr3t"),
        "{dry:?}"
    );
    assert_eq!(app.run(["db"]).stdout, SECRET);

    let gate = Gate::new(&app);
    let detached = run_to_end(&app.subcommand("run:detached", &[], ["wait"]));
    assert_eq!(detached.code, 0, "{detached:?}");
    gate.wait();
    let is_shown = |text: &str| text.contains("s3cr3t");
    let called = calls.read();
    assert!(
        called.contains("$DATABASE_URL") && !is_shown(&called),
        "{called}"
    );
    let list = host.dokku(["run:list", "--format", "json", &app.name]);
    assert!(
        list.stdout.contains("$DATABASE_URL") && !is_shown(&list.stdout),
        "{list:?}"
    );
    gate.open();
    assert_eq!(wait_ended(&host, &app, detached.stdout.trim()), 0);
    let history = host.dokku(["run:history", "--format", "json", &app.name]);
    assert!(
        history.stdout.matches("$DATABASE_URL").count() == 2 && !is_shown(&history.stdout),
        "{history:?}"
    );
}

#[test]
fn a_port_in_a_procfile_entry_is_5000_unless_something_sets_it() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("web: echo $PORT $PS\n");
    assert_eq!(app.run(["web"]).stdout, "5000 web\n");
    app.run(["sh", "-c", "echo ${PORT-unset}"])
        .assert_stdout("unset\n");
    app.config("PORT", "80");
    assert_eq!(app.run(["web"]).stdout, "80 web\n");
    assert_eq!(app.run_with(&["-e", "PORT=1"], ["web"]).stdout, "1 web\n");
}

#[test]
fn an_entry_of_another_plugin_is_run_as_its_hook_prints_it() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let script = format!(
        "[ \"$1 $2\" != '{} job' ] || echo 'echo one && echo $UNSET two'",
        app.name
    );
    host.add_hook("oneoff-test-entry", "procfile-get-command", &script);
    assert_eq!(app.run(["job", "three"]).stdout, "one\ntwo three\n");
    app.run(["echo", "job"]).assert_stdout("job\n");
}

#[test]
fn a_procfile_that_is_too_large_to_read_starts_nothing() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile(&format!("# {}\njob: echo\n", "x".repeat(1024 * 1024)));
    app.run(["job"])
        .assert_refused(1, "the Procfile entry 'job' cannot be read");
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn the_shell_option_runs_the_words_as_one_line() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("echo: false\n");
    app.config("SET", "a  b");
    for (words, expected) in [
        (&["echo \"$SET\" && echo two"][..], "a  b\ntwo\n"),
        (&["echo", "$SET", "|", "tr", "a-z", "A-Z"], "A B\n"),
        (&["--", "echo", "it's;", "echo '"], "its; echo \n"),
        (&["exit 3"], ""),
    ] {
        let output = app.run_with(&["--shell"], words.iter().copied());
        let code = if expected.is_empty() { 3 } else { 0 };
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (code, expected, ""),
            "{words:?}"
        );
    }
    let command = app.subcommand("run:detached", &["--shell"], ["true && exit 4"]);
    let detached = run_to_end(&command.stdin_null());
    let code = wait_ended(&host, &app, detached.stdout.trim());
    assert_eq!(code, 4, "{detached:?}");
}

#[test]
fn the_shell_option_without_a_command_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for subcommand in ["run", "run:detached"] {
        for words in [&[][..], &["--"], &[""]] {
            let command = app.subcommand(subcommand, &["--shell"], words.iter().copied());
            let output = run_to_end(&command.stdin_null());
            output.assert_refused(1, "'--shell' needs a command to run");
            assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
        }
    }
    assert_eq!(app.containers(), [""; 0]);
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
    let version = |app: &App<'_>| {
        let command = app
            .command(&[], [""; 0])
            .stdin_bytes("echo ${BASH_VERSION:+bash}");
        run_to_end(&command)
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
