//! With an access plugin a user sees nothing of an app that is not theirs, and cannot
//! tell it from one that does not exist.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::{
    App, Host, Image, Log, Output, docker, has_subcommand, record, write_records,
};

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

/// The file of a hook that [`Host::add_hook`] has made.
fn hook_path(host: &Host, hook: &str) -> PathBuf {
    host.library()
        .join("plugins/available/oneoff-test-acl")
        .join(hook)
}

/// What may become of a hook so that it gives no answer, by what is said of it. Each is done
/// to a hook that answers.
type Breakage = (&'static str, fn(&Path));

const UNUSABLE: [Breakage; 5] = [
    ("lost its mode", |hook| {
        fs::set_permissions(hook, fs::Permissions::from_mode(0o644)).unwrap();
    }),
    ("a link to what is not there", |hook| {
        fs::remove_file(hook).unwrap();
        symlink("not-built-yet", hook).unwrap();
    }),
    ("a directory", |hook| {
        fs::remove_file(hook).unwrap();
        fs::create_dir(hook).unwrap();
    }),
    ("empty", |hook| fs::write(hook, "").unwrap()),
    ("a link to itself", |hook| {
        fs::remove_file(hook).unwrap();
        symlink(hook, hook).unwrap();
    }),
];

const FAILING: [Breakage; 5] = [
    ("no such interpreter", |hook| {
        fs::write(hook, "#!/no/such/program\n").unwrap();
    }),
    ("failed", |hook| {
        let script = "#!/bin/sh\nshift 2; printf '%s\\n' \"$@\"; exit 1\n";
        fs::write(hook, script).unwrap();
    }),
    ("killed", |hook| {
        let script = "#!/bin/sh\nshift 2; printf '%s\\n' \"$@\"; kill -KILL $$\n";
        fs::write(hook, script).unwrap();
    }),
    ("silent", |hook| fs::write(hook, "#!/bin/sh\n").unwrap()),
    ("not text", |hook| {
        let script = "#!/bin/sh\nshift 2; printf '%s\\n\\377\\n' \"$@\"\n";
        fs::write(hook, script).unwrap();
    }),
];

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
fn an_app_hidden_by_the_access_hook_looks_like_a_missing_app() {
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
        .assert_stdout(&format!("{task}\n"));
    crate::support::wait_until("it is removed", || {
        theirs.containers().is_empty().then_some(())
    });
}

#[test]
fn a_container_of_a_hidden_app_looks_like_a_missing_container() {
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
    host.dokku(["run:stop", "--container", name])
        .assert_stdout(&task);
    crate::support::wait_until("it is removed", || {
        theirs.containers().is_empty().then_some(())
    });
}

/// Other hosts of this machine's docker retire all tasks, these too: what is asked for
/// counts.
#[test]
fn retire_skips_apps_hidden_by_the_access_hook() {
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

/// A hook that is there and gives no answer is not a plugin that is not there.
#[test]
fn an_access_hook_without_an_answer_shows_no_app() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let task = format!("{}.run.1", app.name);
    let hook = hook_path(&host, "user-auth-app");
    for (name, breakage) in UNUSABLE.into_iter().chain(FAILING) {
        show_all(&host);
        let waited = host.dokku(["run:wait", "--container", &task]);
        assert_eq!(waited.code, 3, "{name}: {waited:?}");
        breakage(&hook);
        let report = host.dokku(["run:report"]);
        assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{name}");
        let is_said = report.stderr.contains(" !     No app is shown: ");
        assert!(is_said || name == "silent", "{name}: {report:?}");
        let output = assert_same(&host, &["run:report", "{}"], &app.name, "no-such-app");
        assert_eq!(output.code, 20, "{name}");
        let words = ["run:wait", "--container", "{}"];
        assert_same(&host, &words, &task, "no-such-app.run.1");
        let removed = fs::remove_file(&hook).or_else(|_| fs::remove_dir(&hook));
        removed.unwrap();
    }
    show_all(&host);
}

#[test]
fn an_access_hook_without_an_answer_hides_every_task() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let task = format!("{}.run.1", app.name);
    show_all(&host);
    let history = host.dokku(["run:history"]);
    assert!(history.stdout.contains(&task), "{history:?}");
    let (_, lose_mode) = UNUSABLE[0];
    lose_mode(&hook_path(&host, "user-auth-app"));
    for words in [
        &["run:list"][..],
        &["run:list", "--all", "--format=json"],
        &["run:history"],
        &["run:history", "--format=json"],
        &["run:report", "--format=json"],
        &["run:retire"],
    ] {
        let output = host.dokku(words);
        let said = output.stdout + &output.stderr;
        assert!(!said.contains(&app.name), "{words:?}: {said}");
        assert!(said.contains("No app is shown: "), "{words:?}: {said}");
    }
    for words in [
        &["run", "{}", "true"][..],
        &["run:detached", "{}", "true"],
        &["run:list", "{}"],
        &["run:logs", "{}"],
        &["run:stop", "{}"],
        &["run:retire", "{}"],
        &["run:history", "{}"],
        &["run:set", "{}", "memory", "1g"],
    ] {
        let output = assert_same(&host, words, &app.name, "no-such-app");
        assert_eq!(output.code, 20, "{words:?}");
    }
    for command in ["run:attach", "run:logs", "run:stop"] {
        let words = [command, "--container", "{}"];
        assert_same(&host, &words, &task, "no-such-app.run.1");
    }
    let words = ["run:exec", "--container", "{}", "true"];
    assert_same(&host, &words, &task, "no-such-app.run.1");
    show_all(&host);
}

/// One that answers does not stand in for one that cannot.
#[test]
fn every_access_plugin_must_answer() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let app = host.app(Image::None);
    show_all(&host);
    host.add_hook("oneoff-test-acl-2", "user-auth-app", "true");
    assert_eq!(host.dokku(["run:report", &app.name]).code, 0);
    let second = host
        .library()
        .join("plugins/available/oneoff-test-acl-2/user-auth-app");
    fs::set_permissions(&second, fs::Permissions::from_mode(0o644)).unwrap();
    host.dokku(["run:report", &app.name])
        .assert_refused(20, "No app is shown: ");
    fs::set_permissions(&second, fs::Permissions::from_mode(0o755)).unwrap();
    // Each shows the app: in all that is no answer, for one app and in a list.
    host.add_hook(
        "oneoff-test-acl-2",
        "user-auth-app",
        "shift 2; printf '%s\\n' \"$@\"",
    );
    assert_eq!(host.dokku(["run:report", &app.name]).code, 20);
    host.dokku(["run:report"]).assert_stdout("");
    fs::remove_file(&second).unwrap();
}

/// A command must not wait for ever for who may give it.
#[test]
fn an_access_hook_that_hangs_is_killed_at_its_limit() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let app = host.app(Image::None);
    host.dokku_ok(&["run:set", "--global", "hook-timeout", "1"]);
    host.add_hook("oneoff-test-acl", "user-auth-app", "exec sleep 60");
    assert_eq!(host.dokku(["run:report", &app.name]).code, 20);
    let listed = host.dokku(["run:report"]);
    assert!(
        listed.stdout.is_empty() && listed.stderr.contains("hook-timeout"),
        "{listed:?}"
    );
    show_all(&host);
}

#[test]
fn global_properties_need_a_user_who_sees_every_app() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let refused = |words: &[&str]| {
        let before = host.dokku(["run:report", "--global"]);
        let output = host.dokku(words);
        output.assert_refused(1, "every app");
        assert_eq!(host.dokku(["run:report", "--global"]), before, "{words:?}");
    };
    show_all(&host);
    // As long as there is no app, no user is known to see every app.
    refused(&["run:set", "--global", "memory", "1g"]);
    let theirs = host.app(Image::None);
    let _mine = host.app(Image::None);
    host.dokku_ok(&["run:set", "--global", "memory", "1g"]);
    host.dokku_ok(&["run:set", "--global", "hook-timeout", "30"]);
    hide(&host, &theirs);
    for words in [
        &["run:set", "--global", "memory", "2g"][..],
        &["run:set", "--global", "memory"],
        &["run:set", "--global", "ttl-seconds", "60"],
        &["run:set", "--global", "hook-timeout", "31"],
        &["run:set", "--global", "ssh-words", "dokku"],
        &["run:set", "memory", "2g", "--global"],
        &["oneoff:set", "--global", "memory", "2g"],
    ] {
        refused(words);
    }
    // To read what holds for one's own tasks is nobody else's loss.
    host.dokku(["run:report", "--global", "--run-global-memory"])
        .assert_stdout("1g\n");
    host.add_hook("oneoff-test-acl", "user-auth-app", "exit 1");
    refused(&["run:set", "--global", "memory", "2g"]);
    let hook = hook_path(&host, "user-auth-app");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&["run:set", "--global", "memory", "2g"]);
    show_all(&host);
    host.dokku_ok(&["run:set", "--global", "memory"]);
}
