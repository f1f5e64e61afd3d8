//! `run:set`, `run:report`, and what the properties do.

use std::fs;

use crate::support::{App, Host, Image, run_to_end};

/// The value of an option in the call of docker's that a dry run shows.
fn option_of(app: &App<'_>, options: &[&str], name: &str) -> Option<String> {
    let output = app.run_with(&[&["--dry-run"], options].concat(), ["true"]);
    assert_eq!(output.code, 0, "{output:?}");
    let beginning = format!("--{name}=");
    let mut words = output
        .stdout
        .split_whitespace()
        .map(|word| word.trim_matches('\''));
    words.find_map(|word| word.strip_prefix(&beginning).map(str::to_owned))
}

const DEADLINE: &str = "label=com.dokku.active-deadline-seconds";

#[test]
fn a_property_is_the_default_for_its_option() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    host.dokku(["run:set", &app.name, "ttl-seconds", "600"])
        .assert_stdout("-----> Setting ttl-seconds to 600\n");
    app.dokku_ok("run:set", &["memory", "64"]);
    app.dokku_ok("run:set", &["cpus", "0.5"]);
    assert_eq!(option_of(&app, &[], DEADLINE).as_deref(), Some("600"));
    assert_eq!(option_of(&app, &[], "memory").as_deref(), Some("64m"));
    assert_eq!(option_of(&app, &[], "cpus").as_deref(), Some("0.5"));
    let half = option_of(&app, &["--memory=64.5"], "memory");
    assert_eq!(half.as_deref(), Some("64.5m"));
    let own = ["--timeout=1m", "--memory=32m", "--cpus=2"];
    for (name, value) in [(DEADLINE, "60"), ("memory", "32m"), ("cpus", "2")] {
        assert_eq!(
            option_of(&app, &own, name).as_deref(),
            Some(value),
            "{name}"
        );
    }
    host.dokku(["run:set", &app.name, "ttl-seconds"])
        .assert_stdout("-----> Unsetting ttl-seconds\n");
    assert_eq!(option_of(&app, &[], DEADLINE).as_deref(), Some("86400"));
    app.dokku_ok("run:set", &["ttl-seconds", "none"]);
    // Written even without a deadline: a label of the image would count instead.
    assert_eq!(option_of(&app, &[], DEADLINE).as_deref(), Some(""));
}

#[test]
fn the_memory_property_replaces_the_resource_limits_of_the_app() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok(
        "resource:limit",
        &[
            "--process-type",
            "run",
            "--memory",
            "64",
            "--memory-swap",
            "96",
        ],
    );
    app.dokku_ok("run:set", &["memory", "128m"]);
    assert_eq!(option_of(&app, &[], "memory").as_deref(), Some("128m"));
    assert_eq!(option_of(&app, &[], "memory-swap"), None);
}

#[test]
fn the_stdin_property_none_gives_the_task_an_empty_stdin() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let count = || run_to_end(&app.command(&[], ["wc", "-c"]).stdin_bytes("four")).stdout;
    assert_eq!(count(), "4\n");
    app.dokku_ok("run:set", &["stdin", "none"]);
    assert_eq!(count(), "0\n");
}

#[test]
fn set_refuses_unknown_properties_and_invalid_values() {
    let host = Host::new();
    let app = host.app(Image::None);
    for (words, named) in [
        (vec!["run:set", &app.name, "colour", "red"], "'colour'"),
        (vec!["run:set", &app.name, "ttl-seconds", "soon"], "'soon'"),
        (vec!["run:set", &app.name, "memory", "--rm"], "--rm"),
        (vec!["run:set", &app.name, "stdin", "maybe"], "'maybe'"),
        (vec!["run:set", &app.name, "../../x", "1"], "'../../x'"),
        (vec!["run:set", &app.name], "No property"),
        (vec!["run:set", &app.name, "memory", "1g", "2g"], "'2g'"),
    ] {
        host.dokku(&words).assert_refused(1, named);
    }
    host.dokku(["run:set", "no-such-app", "memory", "1g"])
        .assert_refused(20, "does not exist");
    host.dokku(["run:report", &app.name, "--run-memory"])
        .assert_stdout("\n");
}

#[test]
fn report_shows_the_set_and_the_computed_properties() {
    let host = Host::new();
    let app = host.app(Image::None);
    app.dokku_ok("run:set", &["memory", "1g"]);
    let report = host.dokku(["run:report", &app.name]);
    assert_eq!((report.code, report.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = report.stdout.lines().collect();
    assert_eq!(lines[0], format!("=====> {} run information", app.name));
    assert!(
        lines.contains(&format!("       {:31}1g", "Run memory:").as_str()),
        "{report:?}"
    );
    assert!(
        lines.contains(&format!("       {:31}86400", "Run computed ttl seconds:").as_str()),
        "{report:?}"
    );
    host.dokku(["run:report", &app.name, "--run-computed-memory"])
        .assert_stdout("1g\n");
    let json = host.dokku(["run:report", &app.name, "--format", "json"]);
    let values: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(values["memory"], "1g");
    assert_eq!(values["computed-stdin"], "attach");
    host.dokku(["run:report", &app.name, "--run-colour"])
        .assert_refused(1, "--run-computed-cpus");
    assert!(
        host.dokku(["run:report"])
            .stdout
            .contains(&format!("=====> {} run information", app.name))
    );
}

#[test]
fn dokku_report_includes_the_run_properties() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // the trigger alone is for root there
    }
    let app = host.app(Image::None);
    app.dokku_ok("run:set", &["memory", "1g"]);
    let output = host.dokku(["plugin:trigger", "report", &app.name]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output
            .stdout
            .contains(&format!("=====> {} run information\n", app.name)),
        "{output:?}"
    );
    assert!(
        output
            .stdout
            .contains(&format!("       {:31}1g\n", "Run memory:")),
        "{output:?}"
    );
}

#[test]
fn an_app_property_wins_over_a_global_property() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would hold for everybody
    }
    let app = host.app(Image::Busybox);
    host.dokku_ok(&["run:set", "--global", "ttl-seconds", "60"]);
    assert_eq!(option_of(&app, &[], DEADLINE).as_deref(), Some("60"));
    app.dokku_ok("run:set", &["ttl-seconds", "70"]);
    assert_eq!(option_of(&app, &[], DEADLINE).as_deref(), Some("70"));
    let report = host.dokku(["run:report", "--global"]);
    assert!(
        report
            .stdout
            .contains(&format!("{:31}60", "Run global ttl seconds:")),
        "{report:?}"
    );
    assert!(!report.stdout.contains("Run ttl seconds:"), "{report:?}");
}

#[test]
fn properties_are_cloned_renamed_and_removed_with_their_app() {
    let host = Host::new();
    let app = host.app(Image::None);
    app.dokku_ok("run:set", &["memory", "1g"]);
    let (clone, renamed) = (
        format!("{}-clone", app.name),
        format!("{}-renamed", app.name),
    );
    host.dokku_ok(&["apps:clone", "--skip-deploy", &app.name, &clone]);
    host.dokku(["run:report", &clone, "--run-memory"])
        .assert_stdout("1g\n");
    host.dokku_ok(&["apps:rename", "--skip-deploy", &clone, &renamed]);
    host.dokku(["run:report", &renamed, "--run-memory"])
        .assert_stdout("1g\n");
    host.dokku_ok(&["--force", "apps:destroy", &renamed]);
    host.dokku_ok(&["apps:create", &renamed]);
    host.dokku(["run:report", &renamed, "--run-memory"])
        .assert_stdout("\n");
    host.dokku_ok(&["--force", "apps:destroy", &renamed]);
    host.dokku(["run:report", &app.name, "--run-memory"])
        .assert_stdout("1g\n");
}

/// What cannot be removed or copied is said, and the app goes, or gets its name, all the
/// same: a command that ends half-way leaves two apps, or a part of one.
#[test]
fn app_hooks_warn_about_obstacles_and_succeed() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // it leaves files that no app's hooks remove
    }
    let store = |kind: &str, app: &str| host.library().join(kind).join(app);
    let block = |app: &str| {
        for kind in ["config/oneoff", "data/oneoff/records"] {
            fs::create_dir_all(host.library().join(kind)).unwrap();
            fs::write(store(kind, app), "").unwrap();
        }
    };
    let app = host.app(Image::None);
    app.dokku_ok("run:set", &["memory", "1g"]);
    let [copy, new] = ["copy", "new"].map(|suffix| format!("{}-{suffix}", app.name));
    let mut said = String::new();
    let mut well = |words: &[&str]| {
        let output = host.dokku(words);
        assert_eq!(output.code, 0, "{words:?}: {output:?}");
        said.push_str(&output.stderr);
    };
    block(&copy);
    well(&["apps:clone", "--skip-deploy", &app.name, &copy]);
    assert!(!store("data/oneoff/records", &copy).exists());
    well(&["--force", "apps:destroy", &copy]);
    block(&new);
    well(&["apps:rename", "--skip-deploy", &app.name, &new]);
    well(&["apps:rename", "--skip-deploy", &new, &app.name]);
    for sentence in [
        format!(" !     Not all properties of '{}' are copied", app.name),
        format!(
            "{}' cannot be removed",
            store("config/oneoff", &copy).display()
        ),
    ] {
        assert!(said.contains(&sentence), "{sentence}: {said}");
    }
    let listed = host.dokku(["apps:list"]).stdout;
    assert!(
        listed.contains(&app.name) && !listed.contains(&new) && !listed.contains(&copy),
        "{listed}"
    );
}
