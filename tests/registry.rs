//! An image that was pushed to a registry and is not on this host is pulled. The
//! registry is the test's own.

use std::fs;
use std::path::PathBuf;

use crate::support::{App, Host, Image, Log, Login, Registry, docker};

/// An app whose releases are pushed.
fn app(host: &Host) -> App<'_> {
    let app = host.app(Image::Busybox);
    app.dokku_ok("registry:set", &["push-on-release", "true"]);
    app
}

/// Docker's client configuration for the app.
fn write_login(host: &Host, app: &App<'_>, text: &str) -> PathBuf {
    let directory = host.library().join("config/registry").join(&app.name);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.json"), text).unwrap();
    directory
}

#[test]
fn an_image_missing_locally_is_pulled_from_the_registry() {
    let Some(registry) = Registry::start(Login::None) else {
        return;
    };
    let host = Host::new();
    let app = app(&host);
    let pushed = registry.take(&app, "1");
    let output = app.run(["echo", "out"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "out\n"),
        "{output:?}"
    );
    let first = format!(
        "-----> Image {} not found locally, pulling from registry\n",
        pushed.reference
    );
    let progress = output.stderr.strip_prefix(&first).expect("our notice");
    assert!(
        progress.contains("Pulling from"),
        "docker's progress: {output:?}"
    );
    assert!(pushed.has_local_copy());
    // The next one finds it.
    app.run(["echo", "again"]).assert_stdout("again\n");

    pushed.remove_local_copy();
    host.dokku(["--quiet", "run", &app.name, "echo", "quietly"])
        .assert_stdout("quietly\n");
}

#[test]
fn detached_prints_only_the_name_on_stdout_when_it_pulls_an_image() {
    let Some(registry) = Registry::start(Login::None) else {
        return;
    };
    let host = Host::new();
    let app = app(&host);
    let _pushed = registry.take(&app, "1");
    let output = host.dokku(["run:detached", &app.name, "sleep", "60"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stderr.contains("Pulling from"), "{output:?}");
    let name = docker(&[
        "container",
        "inspect",
        "--format",
        "{{.Name}}",
        &app.containers().concat(),
    ]);
    assert_eq!(output.stdout, format!("{}\n", name.trim_start_matches('/')));
    docker(&["container", "kill", output.stdout.trim()]);
    crate::support::wait_until("it is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn a_pull_uses_the_registry_login_of_the_app() {
    let Some(registry) = Registry::start(Login::Needed) else {
        return;
    };
    let host = Host::new();
    let app = app(&host);
    let pushed = registry.take(&app, "1");
    let not_found = format!(" !     App image ({}) not found\n", pushed.reference);

    let output = app.run(["true"]);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
    assert!(
        output.stderr.contains("no basic auth credentials"),
        "{output:?}"
    );
    assert!(output.stderr.ends_with(&not_found), "{output:?}");
    assert!(!pushed.has_local_copy());

    // The config of the app is the task's, never docker's.
    let login = write_login(&host, &app, &registry.client_configuration());
    let elsewhere = login.parent().unwrap().join("elsewhere");
    app.config("DOCKER_CONFIG", elsewhere.to_str().unwrap());
    let output = app.run(["sh", "-c", "echo $DOCKER_CONFIG"]);
    assert_eq!(
        (output.code, output.stdout),
        (0, format!("{}\n", elsewhere.display())),
        "{}",
        output.stderr
    );

    pushed.remove_local_copy();
    let wrong = registry.client_configuration().replace("YWRh", "ZXZl");
    write_login(&host, &app, &wrong);
    let output = app.run(["true"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.ends_with(&not_found), "{output:?}");
}

#[test]
fn a_pull_ignores_a_docker_configuration_without_logins() {
    let Some(registry) = Registry::start(Login::None) else {
        return;
    };
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = app(&host);
    let pushed = registry.take(&app, "1");
    let log = Log::new();
    host.replace_docker(&format!(
        "[ \"$1 $2\" != 'image pull' ] || echo \"${{DOCKER_CONFIG:-none}}\" >>{}\nexec \"$DOCKER\" \"$@\"",
        log.path().display()
    ));
    for (text, used) in [
        ("{}", false),
        (r#"{"HttpHeaders":{"X":"y"}}"#, false),
        (r#"{"auths":null}"#, false),
        ("{", false),
        (r#"{"auths":{}}"#, true),
    ] {
        let directory = write_login(&host, &app, text);
        let output = app.run(["true"]);
        assert_eq!(output.code, 0, "{text}: {output:?}");
        let expected = if used {
            directory.display().to_string()
        } else {
            "none".to_owned()
        };
        assert_eq!(log.take().trim(), expected, "{text}");
        pushed.remove_local_copy();
    }
    host.set_docker(&which::which("docker").unwrap());
}

#[test]
fn run_reports_an_image_that_the_registry_lacks() {
    let Some(registry) = Registry::start(Login::None) else {
        return;
    };
    let host = Host::new();
    let app = app(&host);
    let pushed = registry.take(&app, "2");
    let wanted = pushed.reference.replace(":2", ":1");
    let output = app.run(["true"]);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
    assert!(output.stderr.contains("manifest unknown"), "{output:?}");
    assert!(
        output
            .stderr
            .ends_with(&format!(" !     App image ({wanted}) not found\n")),
        "{output:?}"
    );
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn an_image_tagged_latest_is_never_pulled() {
    let Some(registry) = Registry::start(Login::None) else {
        return;
    };
    let host = Host::new();
    let app = app(&host);
    app.dokku_ok("registry:set", &["push-on-release", "false"]);
    let pushed = registry.take(&app, "latest");
    app.run(["true"])
        .assert_refused(1, &format!("App image ({}) not found", pushed.reference));
    assert!(!pushed.has_local_copy());
}
