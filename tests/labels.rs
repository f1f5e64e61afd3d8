//! What others in Dokku recognise a task by.

use std::collections::BTreeMap;

use crate::support::{App, Gate, Host, Image, docker, wait_until};

/// Name and labels of the container, read while the task waits at the gate.
fn inspected(app: &App<'_>, gate: &Gate, options: &[&str]) -> (String, BTreeMap<String, String>) {
    gate.close();
    let handle = app
        .command(options, Gate::WAIT)
        .stdin_null()
        .stdout_capture()
        .start()
        .unwrap();
    gate.wait();
    let id = app.containers().concat();
    let json = docker(&[
        "container",
        "inspect",
        "--format",
        "{{json .Config.Labels}}",
        &id,
    ]);
    let name = docker(&["container", "inspect", "--format", "{{.Name}}", &id]);
    gate.open();
    handle.wait().unwrap();
    (
        name.trim_start_matches('/').to_owned(),
        serde_json::from_str(&json).unwrap(),
    )
}

#[track_caller]
fn assert_numbered(name: &str, beginning: &str) {
    let number = name
        .strip_prefix(beginning)
        .unwrap_or_else(|| panic!("{name} does not begin with {beginning}"));
    assert!(number.parse::<u32>().is_ok(), "{name}");
}

#[test]
fn user_labels_are_added_and_cannot_replace_labels_of_dokku() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok(
        "docker-options:add",
        &["run", "--label com.dokku.app-name=other"],
    );
    let (_, labels) = inspected(
        &app,
        &Gate::new(&app),
        &[
            "--label=team=data ops",
            "--label",
            "x=",
            "--label=team=last",
        ],
    );
    assert_eq!(labels["team"], "last");
    assert_eq!(labels["x"], "");
    assert_eq!(labels["com.dokku.app-name"], app.name);
}

/// The first part is what Dokku's own tests do.
#[test]
fn a_label_of_the_prefix_of_dokku_that_nothing_reads_is_set_with_a_warning() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let warning = |name: &str| {
        format!(
            " !     The label '{name}' has the prefix of Dokku's own, which a later release may read\n"
        )
    };
    let words = [
        &[
            "--label=com.dokku.test-label=value",
            "run:detached",
            &app.name,
        ][..],
        &Gate::WAIT,
    ];
    let output = host.dokku(words.concat());
    gate.wait();
    let name = output.stdout.trim_end();
    let format = r#"{{index .Config.Labels "com.dokku.test-label"}}"#;
    let label = docker(&["container", "inspect", "--format", format, name]);
    gate.open();
    wait_until("the task is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(
        (output.code, output.stderr, label.as_str()),
        (0, warning("com.dokku.test-label"), "value")
    );
    let output = app.run_with(&["--label=com.dokku.mine/x=1"], ["true"]);
    assert_eq!(
        (output.code, output.stderr),
        (0, warning("com.dokku.mine/x"))
    );
}

#[test]
fn a_label_that_dokku_reads_cannot_be_set() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for name in [
        "com.dokku.active-deadline-seconds",
        "com.dokku.app-name",
        "com.dokku.builder-type",
        "com.dokku.concurrency-policy",
        "com.dokku.container-type",
        "com.dokku.cron-id",
        "com.dokku.docker-image-labeler/alternate-tags",
        "com.dokku.dyno",
        "com.dokku.image-stage",
        "com.dokku.process-type",
        "org.label-schema.vendor",
        "dokku-oneoff.lock",
    ] {
        let flag = format!("--label={name}=x");
        for words in [
            [flag.as_str(), "run", &app.name, "true"],
            ["run:detached", &flag, &app.name, "true"],
        ] {
            host.dokku(words)
                .assert_refused(1, "labels that Dokku or this plugin reads cannot be set");
        }
    }
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn the_timeout_option_sets_the_deadline_label() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let label = |options: &[&str]| {
        inspected(&app, &gate, options)
            .1
            .remove("com.dokku.active-deadline-seconds")
    };
    assert_eq!(label(&["--timeout=10m"]).as_deref(), Some("600"));
    // Empty, for none: an image's would count otherwise.
    assert_eq!(label(&["--timeout=none"]).as_deref(), Some(""));
}

#[test]
fn a_cron_id_gives_the_container_the_name_and_labels_of_a_cron_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let (name, labels) = inspected(
        &app,
        &Gate::new(&app),
        &["--cron-id=abc", "--concurrency-policy=allow"],
    );
    assert_numbered(&name, &format!("{}.cron.", app.name));
    assert_eq!(labels["com.dokku.container-type"], "cron");
    assert_eq!(labels["com.dokku.cron-id"], "abc");
    assert_eq!(labels["com.dokku.concurrency-policy"], "allow");
}

#[test]
fn creation_retries_with_another_number_when_the_name_is_taken() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let state = tempfile::tempdir().unwrap();
    // The first creation is asked for a name that another container has.
    let script = format!(
        r#"case "$*" in
        "container create "*)
            if mkdir {state}/asked 2>/dev/null; then
                for word; do case "$word" in --name=*) name=${{word#--name=}};; esac; done
                "$DOCKER" container create --name "$name" --label oneoff-test-taken={app} {image} true >/dev/null
            fi ;;
        esac
        exec "$DOCKER" "$@""#,
        state = state.path().display(),
        app = app.name,
        image = app.image(),
    );
    host.replace_docker(&script);
    let output = app.run(["echo", "ran"]);
    let taken = format!("label=oneoff-test-taken={}", app.name);
    let others = docker(&["container", "ls", "--all", "--quiet", "--filter", &taken]);
    assert_eq!(
        others.lines().count(),
        1,
        "the other container was left alone"
    );
    docker(&["container", "rm", &others]);
    output.assert_stdout("ran\n");
}

mod parity {
    use super::*;

    #[test]
    fn a_container_has_the_name_and_labels_of_core() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        let (name, labels) = inspected(
            &app,
            &Gate::new(&app),
            &["--no-tty", "--ttl-seconds", "600"],
        );
        assert_numbered(&name, &format!("{}.run.", app.name));
        assert_eq!(labels["com.dokku.app-name"], app.name);
        assert_eq!(labels["com.dokku.container-type"], "run");
        assert_eq!(labels["com.dokku.active-deadline-seconds"], "600");
        // Inherited from the image: what Dokku finds its containers by.
        assert_eq!(labels["dokku"], "");
        assert!(!labels.contains_key("com.dokku.process-type"));
    }

    #[test]
    fn the_default_time_to_live_is_a_day() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        let (_, labels) = inspected(&app, &Gate::new(&app), &["--no-tty"]);
        assert_eq!(labels["com.dokku.active-deadline-seconds"], "86400");
    }

    #[test]
    fn a_procfile_entry_sets_the_process_type_label() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        app.procfile("job: tail -f /gate/go\n");
        gate.open();
        let handle = app
            .command(&["--no-tty"], ["job"])
            .stdin_null()
            .start()
            .unwrap();
        let id = wait_until("the container is there", || app.containers().pop());
        let format = r#"{{index .Config.Labels "com.dokku.process-type"}}"#;
        let label = docker(&["container", "inspect", "--format", format, &id]);
        wait_until("it runs", || {
            (docker(&[
                "container",
                "inspect",
                "--format",
                "{{.State.Running}}",
                &id,
            ]) == "true")
                .then_some(())
        });
        docker(&["container", "kill", &id]);
        let _ = handle.wait();
        assert_eq!(label, "job");
    }
}
