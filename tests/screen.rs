//! What a terminal would obey is written out wherever something of ours shows it; a
//! program gets the bytes.

use std::fs;

use serde_json::{Value, json};

use crate::support::{App, Host, Image, Terminal, record, store, write_records};

/// Red by a C1 and a C0 character, and three that turn the direction of text around.
const NASTY: &str = "a\u{9b}31m\u{1b}[31m\u{7}\u{202e}\u{200f}\u{61c}z";
const ESCAPED: &str = "a\\u{9b}31m\\u{1b}[31m\\u{7}\\u{202e}\\u{200f}\\u{61c}z";

fn is_obeyed(character: char) -> bool {
    let turns = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    (character.is_control() && !matches!(character, '\n' | '\t')) || turns.contains(character)
}

/// What `dokku <words>` shows on a terminal, where nothing is obeyed.
#[track_caller]
fn screen(host: &Host, words: &[&str]) -> String {
    let before = ["env", "NO_COLOR=1", host.program().to_str().unwrap()];
    let words = before.iter().chain(words).map(Into::into);
    let mut terminal = Terminal::start_program("\"$@\"", words);
    assert_eq!(terminal.wait_exit_code(), 0, "{:?}", terminal.screen());
    let screen = terminal.screen();
    assert_eq!(
        screen.chars().find(|letter| is_obeyed(*letter)),
        None,
        "{screen:?}"
    );
    screen
}

/// The output of `dokku <words>` for a program.
#[track_caller]
fn output(host: &Host, words: &[&str]) -> String {
    let output = host.dokku(words);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{words:?}");
    output.stdout
}

#[track_caller]
fn is_shown_escaped(host: &Host, words: &[&str]) {
    let on_terminal = screen(host, words);
    assert!(on_terminal.contains(ESCAPED), "{words:?}: {on_terminal:?}");
    let for_program = output(host, words);
    assert!(for_program.contains(NASTY), "{words:?}: {for_program:?}");
}

#[test]
fn dry_run_escapes_control_characters_on_a_terminal() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let variable = format!("{NASTY}=value");
    is_shown_escaped(&host, &["run", "--dry-run", &app.name, "echo", NASTY]);
    is_shown_escaped(
        &host,
        &[
            "run:detached",
            "--dry-run",
            "-e",
            &variable,
            &app.name,
            "true",
        ],
    );
    let lines = screen(&host, &["run", "--dry-run", &app.name, "echo", "one\ntwo"]);
    assert!(lines.contains("'one\\ntwo'"), "{lines:?}");
}

#[test]
fn dry_run_for_another_scheduler_escapes_control_characters() {
    let host = Host::new();
    let app = host.app(Image::None);
    app.dokku_ok("scheduler:set", &["selected", "other"]);
    host.add_hook("oneoff-test-scheduler", "scheduler-run", "exit 0");
    is_shown_escaped(&host, &["run", "--dry-run", &app.name, "echo", NASTY]);
}

/// A record that was written by hand.
fn nasty_record(app: &App<'_>) -> Value {
    let mut record = record(app, 1, 0, 3);
    record["command"] = json!(["echo", NASTY]);
    record["name"] = json!(format!("{}.run.{NASTY}", app.name));
    record["user"] = json!(NASTY);
    record["output"] = json!({"kept": {"bytes": 1, "whole": true}});
    record
}

#[test]
fn escaped_json_has_the_same_values() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let record = nasty_record(&app);
    write_records(&host, &app, std::slice::from_ref(&record));
    for words in [
        &["run:history", "--format", "json", &app.name][..],
        &["run:list", "--all", "--format", "json", &app.name],
    ] {
        screen(&host, words);
        let text = output(&host, words);
        assert_eq!(
            text.chars().find(|letter| is_obeyed(*letter)),
            None,
            "{text:?}"
        );
        let entries: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(entries[0]["name"], record["name"], "{words:?}");
        assert_eq!(entries[0]["user"], NASTY, "{words:?}");
    }
}

#[test]
fn logs_and_reports_escape_names_on_a_terminal() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let record = nasty_record(&app);
    let id = record["id"].as_str().unwrap();
    let file = store(&host, &app).join("output").join(id);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "o 2026-11-23T14:36:15.292936097Z line\n").unwrap();
    write_records(&host, &app, std::slice::from_ref(&record));
    is_shown_escaped(&host, &["run:logs", "--container", id]);
    is_shown_escaped(&host, &["plugin:trigger", "report", &app.name]);
}

#[test]
fn hand_written_properties_are_escaped_on_a_terminal() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its properties are not ours to write
    }
    let app = host.app(Image::None);
    let properties = host.library().join("config/oneoff").join(&app.name);
    fs::create_dir_all(&properties).unwrap();
    fs::write(properties.join("memory"), NASTY).unwrap();
    is_shown_escaped(&host, &["run:report", &app.name]);
    is_shown_escaped(&host, &["run:report", &app.name, "--run-memory"]);
    let json = ["run:report", &app.name, "--format", "json"];
    screen(&host, &json);
    let values: Value = serde_json::from_str(&output(&host, &json)).unwrap();
    assert_eq!(values["memory"], NASTY);
}
