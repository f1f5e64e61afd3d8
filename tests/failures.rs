//! What goes wrong around a task: one sentence, and nothing left behind.

use std::path::Path;

use crate::support::{Host, Image};

#[test]
fn run_refuses_a_scheduler_without_a_plugin() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("scheduler:set", &["selected", "k3s"]);
    app.run(["true"]).assert_refused(1, "'k3s'");
}

#[test]
fn run_exits_125_without_a_docker_client() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be taken away
    }
    let app = host.app(Image::Busybox);
    host.set_docker(Path::new("/no/such/docker"));
    let output = app.run(["true"]);
    // Destroying the app needs docker again.
    host.set_docker(&which::which("docker").unwrap());
    output.assert_refused(125, "'/no/such/docker' was not found");
}

#[test]
fn run_exits_125_without_a_docker_daemon() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be taken away
    }
    let app = host.app(Image::Busybox);
    host.replace_docker("exec \"$DOCKER\" --host unix:///no/such/socket \"$@\"");
    let output = app.run(["true"]);
    host.set_docker(&which::which("docker").unwrap());
    output.assert_refused(125, "unix:///no/such/socket");
}

/// Whatever docker's client prints, nothing but an id is taken for one.
#[test]
fn a_create_without_a_container_id_fails() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    let id = "a".repeat(64);
    let create = "id=$(\"$DOCKER\" \"$@\") || exit";
    for answer in [
        // Nothing is made, or a container that has the name.
        "echo 'Usage:  docker container create'".to_owned(),
        "true".to_owned(),
        format!("echo {id}; echo {id}"),
        format!("{create}; echo \"${{id%?}}\""),
        format!("{create}; echo \"$id\" | tr a-f A-F; echo {id}"),
        format!("{create}; printf 'created %s\\n' \"$id\""),
        format!("{create}; printf '%s\\0\\n' \"$id\""),
    ] {
        host.replace_docker(&format!(
            "case \"$*\" in 'container create '*) {answer}; exit ;; esac; exec \"$DOCKER\" \"$@\""
        ));
        let attached = app.run(["true"]);
        let detached =
            crate::support::run_to_end(&app.subcommand("run:detached", &[], ["true"]).stdin_null());
        for output in [attached, detached] {
            output.assert_refused(125, "docker printed no id of the container that it created");
            assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
        }
        assert_eq!(app.containers(), [""; 0], "{answer}");
        let tasks = host.library().join("data/oneoff/tasks");
        assert_eq!(std::fs::read_dir(tasks).unwrap().count(), 0, "{answer}");
        let swept = host.dokku(["run:retire", &app.name]);
        assert_eq!((swept.code, swept.stderr.as_str()), (0, ""));
    }
    // A warning of docker's beside the id is no part of it.
    host.replace_docker(
        "case \"$*\" in 'container create '*) echo 'WARNING: no swap' >&2 ;; esac; exec \"$DOCKER\" \"$@\"",
    );
    let output = app.sh("exit 3");
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (3, " !     WARNING: no swap\n")
    );
}

#[test]
fn a_failing_create_hook_leaves_no_attached_container() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!(
        "[ \"$3\" != {0} ] || {{ echo no network here >&2; exit 7; }}",
        app.name
    );
    host.add_hook("oneoff-test-create", "post-container-create", &hook);
    let output = app.run(["echo", "never"]);
    assert_eq!((output.code, output.stdout.as_str()), (7, ""));
    let sentence =
        "hook 'post-container-create' of plugin 'oneoff-test-create' failed with exit code 7";
    assert_eq!(
        output.stderr,
        format!("no network here\n !     {sentence}\n")
    );
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn a_failing_hook_before_the_creation_creates_no_container() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for trigger in [
        "scheduler-detect",
        "deployed-app-image-tag",
        "docker-args-run",
        "docker-args-process-run",
    ] {
        let plugin = format!("oneoff-test-{trigger}");
        host.add_hook(
            &plugin,
            trigger,
            &format!("[ \"$1\" != {} ] || exit 3", app.name),
        );
        let output = app.run(["true"]);
        output.assert_refused(3, &format!("hook '{trigger}' of plugin '{plugin}' failed"));
        host.add_hook(&plugin, trigger, "exit 0");
    }
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn config_that_is_not_json_is_refused_without_printing_it() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!("[ \"$1\" != {0} ] || echo '{{\"A\": secret'", app.name);
    host.add_hook("oneoff-test-config", "config-export", &hook);
    let output = app.run(["true"]);
    output.assert_refused(1, "config-export");
    assert!(!output.stderr.contains("secret"), "{output:?}");
}

#[test]
fn a_failing_post_run_hook_does_not_change_the_exit_status() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!(
        "[ \"$2\" != {0} ] || {{ echo \"$1 $4\"; exit 9; }}",
        app.name
    );
    host.add_hook("oneoff-test-after", "scheduler-post-run", &hook);
    let output = app.sh("echo out; exit 4");
    assert_eq!((output.code, output.stdout.as_str()), (4, "out\n"));
    assert!(
        output
            .stderr
            .starts_with("docker-local 4\n !     hook 'scheduler-post-run'"),
        "{output:?}"
    );
}

#[test]
fn an_app_that_the_access_hook_denies_does_not_exist() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (answer, code) in [(app.name.as_str(), 0), ("", 20), ("two\nlines", 20)] {
        let hook = format!("[ \"$3\" != {0} ] || printf '%s\\n' '{answer}'", app.name);
        host.add_hook("oneoff-test-acl", "user-auth-app", &hook);
        assert_eq!(app.run(["true"]).code, code, "{answer:?}");
    }
    host.add_hook(
        "oneoff-test-acl",
        "user-auth-app",
        &format!("echo {}; exit 1", app.name),
    );
    app.run(["true"]).assert_refused(20, "does not exist");
    host.add_hook("oneoff-test-acl", "user-auth-app", "echo $3");
}

#[test]
fn the_access_hook_receives_the_ssh_user_and_key() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!(
        "[ \"$3\" != {0} ] || [ \"$1 $2\" != 'ada key' ] || echo yes",
        app.name
    );
    if !host.is_disposable() {
        return; // an installed host names the user itself
    }
    host.add_hook("oneoff-test-acl", "user-auth-app", &hook);
    let ask = |user| {
        let command = app
            .command(&[], ["true"])
            .stdin_null()
            .env("SSH_USER", user)
            .env("NAME", "key");
        crate::support::run_to_end(&command).code
    };
    assert_eq!(ask("ada"), 0);
    assert_eq!(ask("eve"), 20);
    host.add_hook("oneoff-test-acl", "user-auth-app", "echo $3");
}

mod parity {
    use super::*;

    #[test]
    fn run_reports_an_app_without_an_image() {
        let host = Host::new();
        let app = host.app(Image::None);
        let output = app.run_with(&["--no-tty"], ["true"]);
        assert_eq!((output.code, output.stdout.as_str()), (1, ""));
        let sentence = format!(" !     App image ({}) not found", app.image());
        assert!(output.stderr.contains(&sentence), "{output:?}");
    }

    #[test]
    fn run_refuses_an_image_that_was_not_released() {
        let host = Host::new();
        let app = host.app(Image::BuildStage);
        let output = app.run_with(&["--no-tty"], ["true"]);
        assert_eq!((output.code, output.stdout.as_str()), (1, ""));
        let sentences = " !     Invalid image stage detected: expected 'release', got 'build'\n \
                         !     Successfully deploy your app to fix dokku run calls\n";
        assert!(output.stderr.contains(sentences), "{output:?}");
    }
}
