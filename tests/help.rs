//! What Dokku's help shows of the plugin.

use crate::support::{Host, Image};

#[test]
fn dokku_help_lists_each_command_once() {
    let host = Host::new();
    for words in [vec!["help"], vec!["help", "--all"]] {
        let output = host.dokku(&words);
        assert_eq!(output.code, 0, "{output:?}");
        let count = |beginning: &str| {
            output
                .stdout
                .lines()
                .filter(|line| line.trim_start().starts_with(beginning))
                .count()
        };
        assert_eq!(count("run "), 1, "{words:?}: {output:?}");
        assert_eq!(
            count("run:detached "),
            usize::from(words.len() > 1),
            "{words:?}: {output:?}"
        );
        assert!(!output.stdout.contains("oneoff"), "{words:?}: {output:?}");
    }
}

#[test]
fn dokku_help_aligns_the_columns_of_our_commands() {
    let host = Host::new();
    let output = host.dokku(["help", "--all"]);
    let line = output
        .stdout
        .lines()
        .find(|line| line.contains("run [options] <app> [<cmd>...]"))
        .expect("our line");
    assert!(
        line.contains("  Run a command in a new container"),
        "{line:?}"
    );
    assert!(!line.contains(", "), "{line:?}");
}

#[test]
fn run_help_and_oneoff_help_each_print_their_page() {
    let host = Host::new();
    for name in ["run", "oneoff"] {
        let output = host.dokku([format!("{name}:help")]);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""));
        assert!(
            output
                .stdout
                .starts_with(&format!("Usage: dokku {name}[:COMMAND]\n")),
            "{output:?}"
        );
        assert_eq!(
            output.stdout.matches("Usage:").count(),
            1,
            "one plugin answers"
        );
        let line = output
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("    {name} [options] <app>")))
            .expect("run's line");
        assert!(
            line.contains("  Run a command in a new container"),
            "{line}"
        );
    }
}

#[test]
fn help_has_the_sentences_of_core() {
    let host = Host::new();
    let output = host.dokku(["run:help"]);
    let beginning = "Usage: dokku run[:COMMAND]\n\nRun a one-off process inside a container\n\n\
                     Additional commands:\n    run ";
    assert!(output.stdout.starts_with(beginning), "{output:?}");
    for sentence in [
        "Run a command in a new container using the current app image\n",
        "Run a command in a new detached container using the current app image\n",
    ] {
        assert!(output.stdout.contains(sentence), "{output:?}");
    }
    let output = host.dokku(["help"]);
    let line = output
        .stdout
        .lines()
        .find(|line| line.trim_start().starts_with("run "));
    assert!(
        line.is_some_and(|line| line.ends_with("  Run a one-off process inside a container")),
        "{output:?}"
    );
}

#[test]
fn an_unknown_subcommand_is_not_a_dokku_command() {
    let host = Host::new();
    let output = host.dokku(["run:no-such-command"]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("is not a dokku command"),
        "{output:?}"
    );
}

#[test]
fn help_exits_0_when_its_stdout_is_closed() {
    let host = Host::new();
    let app = host.app(Image::None);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let command = host
        .command(["run", "--help"])
        .stdout_file(writer)
        .stderr_capture()
        .unchecked();
    let output = command.run().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).as_ref()
        ),
        (Some(0), ""),
        "{}",
        app.name
    );
}
