//! Words and values that nobody would think of: the task sees the same bytes, or
//! nothing is started.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;

use duct::cmd;

use crate::support::{Gate, Host, Image, run_to_end};

/// What files, shells, docker and JSON have their own ideas of, and plain letters.
fn text(random: &mut fastrand::Rng, longest: usize) -> String {
    const ODD: [char; 24] = [
        ' ',
        '\t',
        '\n',
        '\r',
        '\'',
        '"',
        '\\',
        '$',
        '`',
        '=',
        '-',
        '#',
        ';',
        '\u{1}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{a0}',
        '\u{2028}',
        '\u{202e}',
        '\u{feff}',
        '\u{fffd}',
        'é',
        '\u{1f600}',
    ];
    (0..random.usize(..=longest))
        .map(|_| match random.u8(..4) {
            0 => *random.choice(&ODD).unwrap(),
            1 => random.char('\u{1}'..),
            _ => random.alphanumeric(),
        })
        .collect()
}

/// A name that no program but the task reads: the first letter makes it so.
fn name(random: &mut fastrand::Rng, number: usize) -> String {
    let odd = if random.u8(..4) == 0 {
        text(random, 8).replace('=', "")
    } else {
        String::new()
    };
    format!("x{odd}{number}")
}

/// Writes its words and its environment to the gate, each ended by a NUL.
const DUMP: &str = "cat /proc/1/environ >/gate/environment; for word; do printf '%s\\0' \"$word\"; done >/gate/words";

#[test]
fn random_arguments_and_env_options_arrive_byte_for_byte() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let mut random = fastrand::Rng::with_seed(6);
    for round in 0..8 {
        let longest = [3, 40, 400][round % 3];
        let mut words: Vec<String> = (0..random.usize(..24))
            .map(|_| text(&mut random, longest))
            .collect();
        let mut values: Vec<(String, String)> = (0..24)
            .map(|number| (name(&mut random, number), text(&mut random, longest)))
            .collect();
        // 100 KB, with line breaks and without.
        let long = text(&mut random, 0) + &"0123456789".repeat(10_000);
        words.push(format!("{long}\n"));
        values.push((format!("xFILE{round}"), "y".repeat(60_000)));
        values.push((format!("xLONG{round}"), long.clone()));
        values.push((format!("xLINES{round}"), format!("\n{long}")));
        let options: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        // Dokku puts every word with `--` in front into one variable.
        let options: Vec<&str> = options.iter().flat_map(|pair| ["-e", pair]).collect();
        let line = ["sh", "-c", DUMP, "sh"]
            .into_iter()
            .chain(words.iter().map(String::as_str));
        let output = app.run_with(&options, line);
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output:?}");

        let read = |name: &str| fs::read_to_string(gate.path(name)).unwrap();
        let seen = read("words");
        assert_eq!(seen.split_terminator('\0').collect::<Vec<_>>(), words);
        let seen = read("environment");
        let seen: Vec<&str> = seen.split_terminator('\0').collect();
        for (name, value) in &values {
            let pair = format!("{name}={value}");
            assert!(seen.contains(&pair.as_str()), "{pair:?} is not in {seen:?}");
        }
    }
}

#[test]
fn random_config_values_arrive_byte_for_byte() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let mut random = fastrand::Rng::with_seed(7);
    let values: Vec<(String, String)> = (0..40)
        .map(|number| (format!("X{number}"), text(&mut random, 60)))
        .collect();
    let encoded: Vec<String> = values
        .iter()
        .map(|(name, value)| {
            let value = cmd!("base64", "-w0")
                .stdin_bytes(value.as_str())
                .read()
                .unwrap();
            format!("{name}={value}")
        })
        .collect();
    let mut words = vec!["--no-restart", "--encoded"];
    words.extend(encoded.iter().map(String::as_str));
    app.dokku_ok("config:set", &words);
    app.run(["sh", "-c", DUMP]).assert_stdout("");
    let seen = fs::read_to_string(gate.path("environment")).unwrap();
    let seen: Vec<&str> = seen.split_terminator('\0').collect();
    for (name, value) in &values {
        let pair = format!("{name}={value}");
        assert!(seen.contains(&pair.as_str()), "{pair:?} is not in {seen:?}");
    }
}

/// JSON has no such bytes: docker's API would carry U+FFFD in their place.
#[test]
fn text_that_is_not_valid_utf8_is_refused_from_every_source() {
    const NO_UTF_8: &str = "not valid UTF-8";
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let broken = |before: &str| OsString::from_vec([before.as_bytes(), b"\xff"].concat());
    let run = |words: &[&OsStr]| {
        let words = [&[OsStr::new("run")], words].concat();
        run_to_end(&host.command(words).stdin_null())
    };
    let refuses = |words: &[&OsStr], part: &str| {
        let output = run(words);
        output.assert_refused(1, part);
        assert!(!output.stderr.contains("secret"), "{output:?}");
    };
    let name = OsStr::new(&app.name);
    let plain = |text: &'static str| OsStr::new(text);
    refuses(&[name, plain("echo"), &broken("x")], NO_UTF_8);
    refuses(
        &[plain("-e"), &broken("A=secret"), name, plain("true")],
        NO_UTF_8,
    );
    refuses(
        &[plain("--label"), &broken("a=secret"), name, plain("true")],
        "UTF-8",
    );
    refuses(
        &[plain("--user"), &broken("a"), name, plain("true")],
        "UTF-8",
    );

    // `\377` in what Dokku says.
    let refuses_hook = |hook: &str, script: &str, part: &str| {
        host.add_hook(
            "oneoff-test-bytes",
            hook,
            &format!("[ \"$1\" != {} ] || printf '{script}'", app.name),
        );
        let output = app.run(["job"]);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (1, ""),
            "{hook}: {output:?}"
        );
        assert!(
            output.stderr.contains(part) && !output.stderr.contains("secret"),
            "{output:?}"
        );
        host.add_hook("oneoff-test-bytes", hook, "");
    };
    refuses_hook("docker-args-run", " --env A=secret\\377", NO_UTF_8);
    refuses_hook("procfile-get-command", "echo \\377", NO_UTF_8);
    app.dokku_ok(
        "config:set",
        &["--no-restart", "--encoded", "A=c2VjcmV0/w=="],
    );
    let output = app.run(["true"]);
    output.assert_refused(1, NO_UTF_8);
    assert!(!output.stderr.contains("secret"), "{output:?}");
    assert_eq!(app.containers(), [""; 0]);
}
