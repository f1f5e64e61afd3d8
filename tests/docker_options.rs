//! Options that the app or its plugins ask docker for.

use std::fs;

use crate::support::{Host, Image, docker};

#[test]
fn docker_options_are_split_as_xargs_splits() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok(
        "docker-options:add",
        &[
            "run",
            r#"--env A='one  two' --env "B=x \ y" --env C=\'\$\(id\)"#,
        ],
    );
    app.sh(r#"printf '%s|' "$A" "$B" "$C""#)
        .assert_stdout(r"one  two|x \ y|'$(id)|");
}

#[test]
fn an_unclosed_quote_in_docker_options_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!("[ \"$1\" != {0} ] || printf \" --env A='open\"", app.name);
    host.add_hook("oneoff-test-quote", "docker-args-run", &hook);
    app.run(["true"]).assert_refused(1, "docker-args-run");
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn a_stray_word_in_docker_options_does_not_become_the_image() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!(
        "[ \"$1\" != {0} ] || printf ' --init oneoff-test/busybox:latest'",
        app.name
    );
    host.add_hook("oneoff-test-word", "docker-args-run", &hook);
    app.run(["true"])
        .assert_refused(1, "'oneoff-test/busybox:latest'");
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn storage_of_the_app_is_mounted_in_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let directory = tempfile::tempdir().unwrap();
    app.dokku_ok(
        "storage:mount",
        &[&format!("{}:/storage", directory.path().display())],
    );
    app.sh("echo kept >/storage/file").assert_stdout("");
    assert_eq!(
        fs::read_to_string(directory.path().join("file")).unwrap(),
        "kept\n"
    );
}

#[test]
fn life_cycle_options_of_the_app_are_ignored() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for option in [
        "--rm",
        "--name=mine",
        "-it",
        "--restart=always",
        "--detach",
        "-d",
        "--sig-proxy=false",
    ] {
        let hook = format!("[ \"$1\" != {0} ] || printf ' %s' '{option}'", app.name);
        host.add_hook("oneoff-test-option", "docker-args-run", &hook);
        let output = app.sh("printf out; printf err >&2; exit 3");
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (3, "out", "err"),
            "{option}"
        );
    }
}

/// A switch that is taken for an option with a value would take the next option for it.
#[test]
fn every_switch_of_docker_is_read_as_a_switch() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let mut switches: Vec<String> = Vec::new();
    for verb in ["create", "run"] {
        let help = docker(&["container", verb, "--help"]);
        // An option's name, and its type where it takes a value: one space between them.
        for line in help.lines() {
            let Some((short, option)) = line.trim_start().split_once("--") else {
                continue;
            };
            let name = option
                .split_once(' ')
                .filter(|(_, rest)| rest.starts_with("  "));
            if let Some((name, _)) =
                name.filter(|(name, _)| line.starts_with("  ") && *name != "help")
            {
                switches.push(format!("--{name}"));
                switches.extend(short.strip_suffix(", ").map(str::to_owned));
            }
        }
    }
    switches.sort();
    switches.dedup();
    assert!(
        switches.len() > 10 && switches.contains(&"-t".to_owned()),
        "{switches:?}"
    );
    for switch in &switches {
        let hook = format!("[ \"$1\" != {0} ] || printf ' %s' '{switch}'", app.name);
        host.add_hook("oneoff-test-option", "docker-args-run", &hook);
        let output = app.run_with(&["--dry-run"], ["true"]);
        assert_eq!(output.code, 0, "{switch}: {output:?}");
    }
    host.add_hook("oneoff-test-option", "docker-args-run", "");
}

#[test]
fn docker_options_that_create_no_container_are_left_out() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("id");
    for option in [
        "--help",
        "--help=true",
        &format!("--cidfile={}", file.display()),
    ] {
        let hook = format!("[ \"$1\" != {0} ] || printf ' %s' '{option}'", app.name);
        host.add_hook("oneoff-test-option", "docker-args-run", &hook);
        let output = app.sh("echo out; exit 3");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (3, "out\n"),
            "{option}"
        );
        let name = option.split('=').next().unwrap();
        let reason = format!(" !     The app's docker option '{name}' is left out");
        assert!(output.stderr.starts_with(&reason), "{output:?}");
        assert!(!file.exists());
    }
}

#[test]
fn the_task_uses_the_network_of_the_app() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let network = format!("{}-network", app.name);
    docker(&["network", "create", &network]);
    app.dokku_ok("network:set", &["initial-network", &network]);
    let gateway = docker(&[
        "network",
        "inspect",
        "--format",
        "{{(index .IPAM.Config 0).Gateway}}",
        &network,
    ]);
    let output = app.sh("ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
    docker(&["network", "rm", &network]);
    output.assert_stdout(&format!("{gateway}\n"));
}

#[test]
fn anonymous_volumes_are_removed_with_the_container() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let volumes = || {
        docker(&["volume", "ls", "--quiet", "--filter", "label=oneoff-test"])
            .lines()
            .count()
    };
    let before = volumes();
    app.dokku_ok(
        "docker-options:add",
        &[
            "run",
            "--mount type=volume,dst=/cache,volume-label=oneoff-test",
        ],
    );
    app.sh("echo x >/cache/file").assert_stdout("");
    assert_eq!(volumes(), before);
}

mod parity {
    use super::*;

    #[test]
    fn docker_options_of_phase_run_reach_the_container() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        app.dokku_ok("docker-options:add", &["run", "--hostname=named-by-option"]);
        let output = app.run_with(&["--no-tty"], ["hostname"]);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "named-by-option\n")
        );
    }
}
