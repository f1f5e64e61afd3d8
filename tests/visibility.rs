//! With an access plugin a user sees nothing of an app that is not theirs, and cannot
//! tell it from one that does not exist.

use crate::support::{App, Host, Image, Log, Output, docker, has_subcommand};

/// Everybody sees every app but this one.
fn hide(host: &Host, app: &App<'_>) {
    let script = format!(
        "shift 2; for app; do [ \"$app\" = {} ] || echo \"$app\"; done",
        app.name
    );
    host.add_hook("oneoff-test-acl", "user-auth-app", &script);
}

fn show_all(host: &Host) {
    host.add_hook(
        "oneoff-test-acl",
        "user-auth-app",
        "shift 2; printf '%s\\n' \"$@\"",
    );
}

/// The same answer but for the name that was asked for.
#[track_caller]
fn assert_same(host: &Host, words: &[&str], hidden: &str, missing: &str) -> Output {
    let ask = |name: &str| {
        let words: Vec<String> = words.iter().map(|word| word.replace("{}", name)).collect();
        let output = host.dokku(&words);
        Output {
            stdout: output.stdout.replace(name, "{}"),
            stderr: output.stderr.replace(name, "{}"),
            ..output
        }
    };
    let (hidden, missing) = (ask(hidden), ask(missing));
    assert_eq!(hidden, missing, "{words:?}");
    assert!(hidden.code != 0 && hidden.stdout.is_empty(), "{hidden:?}");
    hidden
}

#[test]
fn an_app_that_is_not_yours_is_none() {
    let host = Host::new();
    let theirs = host.app(Image::Busybox);
    let task = host
        .dokku(["run:detached", &theirs.name, "sleep", "100"])
        .stdout;
    let task = task.trim_end();
    hide(&host, &theirs);
    for words in [
        &["run", "{}", "true"][..],
        &["run", "--dry-run", "{}", "true"],
        &["run", "--lock=x", "-e", "A=b", "{}"],
        &["--app", "{}", "run", "true"],
        &["run:detached", "{}", "true"],
        &["run:list", "{}"],
        &["run:list", "--all", "--format=json", "{}"],
        &["--app", "{}", "run:list"],
        &["run:logs", "{}"],
        &["run:stop", "{}"],
        &["run:stop", "--all", "{}"],
        &["run:retire", "{}"],
        &["run:report", "{}"],
        &["run:set", "{}", "memory", "1g"],
        &["run:history", "{}"],
    ] {
        let command = words.iter().find_map(|word| word.strip_prefix("run:"));
        if command.is_some_and(|command| !has_subcommand(command)) {
            continue;
        }
        let output = assert_same(&host, words, &theirs.name, "no-such-app");
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (20, " !     App {} does not exist\n"),
            "{words:?}"
        );
    }
    for words in [
        &["run:list"][..],
        &["run:list", "--all", "--format=json"],
        &["run:report"],
        &["run:history"],
    ] {
        if has_subcommand(words[0].strip_prefix("run:").unwrap()) {
            let output = host.dokku(words);
            let said = output.stdout + &output.stderr;
            assert!(output.code == 0 && !said.contains(&theirs.name), "{said}");
        }
    }
    show_all(&host);
    host.dokku(["run:stop", &theirs.name])
        .says(&format!("{task}\n"));
    crate::support::wait_until("it is removed", || {
        theirs.containers().is_empty().then_some(())
    });
}

#[test]
fn a_container_that_is_not_yours_is_none() {
    let host = Host::new();
    let theirs = host.app(Image::Busybox);
    let mine = host.app(Image::Busybox);
    let task = host
        .dokku(["run:detached", &theirs.name, "sleep", "100"])
        .stdout;
    let name = task.trim_end();
    let id = docker(&["container", "inspect", "--format", "{{.Id}}", name]);
    let none = "0".repeat(64);
    hide(&host, &theirs);
    for words in [
        &["run:logs", "--container", "{}"][..],
        &["run:logs", "--container={}", "--tail"],
        &["run:logs", "--container", "{}", &mine.name],
        &["run:stop", "--container", "{}"],
        &["run:stop", "--container", "{}", &mine.name],
        &["run:attach", "--container", "{}"],
        &["run:wait", "--container", "{}"],
        &["run:exec", "--container", "{}", "true"],
    ] {
        if !has_subcommand(words[0].strip_prefix("run:").unwrap()) {
            continue;
        }
        assert_same(&host, words, name, "no-such-app.run.1");
        assert_same(&host, words, &id, &none);
        assert_same(&host, words, &id[..12], &none[..12]);
        assert_same(&host, words, &id[..8], &none[..8]);
    }
    show_all(&host);
    // Nothing of that has stopped it.
    host.dokku(["run:stop", "--container", name]).says(&task);
    crate::support::wait_until("it is removed", || {
        theirs.containers().is_empty().then_some(())
    });
}

/// Other hosts of this machine's docker retire all tasks, these too: what is asked for
/// counts.
#[test]
fn a_retire_leaves_what_is_not_yours() {
    let host = Host::new();
    let theirs = host.app(Image::None);
    let mine = host.app(Image::None);
    let log = Log::new();
    let script = format!("echo \"$*.\" >>{}", log.path().display());
    host.add_hook("oneoff-test-retire", "scheduler-run-retire", &script);
    hide(&host, &theirs);
    let output = host.dokku(["run:retire"]);
    let said = output.stdout + &output.stderr;
    assert!(output.code == 0 && !said.contains(&theirs.name), "{said}");
    let asked = log.take();
    host.add_hook("oneoff-test-retire", "scheduler-run-retire", "");
    show_all(&host);
    let asked: Vec<&str> = asked.lines().collect();
    assert!(asked.contains(&format!("docker-local {}.", mine.name).as_str()));
    for line in asked {
        assert!(line.starts_with("docker-local ") && !line.contains(&theirs.name));
    }
}
