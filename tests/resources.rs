//! Limits that were set for process type `run`.

use crate::support::{App, Gate, Host, Image, docker};

/// Memory, swap, reservation (bytes) and processors (billionths) of the container.
fn limits(app: &App<'_>, gate: &Gate, options: &[&str]) -> String {
    gate.close();
    let handle = app
        .command(options, Gate::WAIT)
        .stdin_null()
        .start()
        .unwrap();
    gate.wait();
    let format = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}} {{.HostConfig.NanoCpus}}";
    let limits = docker(&[
        "container",
        "inspect",
        "--format",
        format,
        &app.containers().concat(),
    ]);
    gate.open();
    handle.wait().unwrap();
    limits
}

const MEGABYTE: u64 = 1024 * 1024;

#[test]
fn only_the_resource_limits_of_process_type_run_apply() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    app.dokku_ok("resource:limit", &["--memory", "256"]);
    app.dokku_ok(
        "resource:limit",
        &["--process-type", "web", "--memory", "128"],
    );
    assert_eq!(limits(&app, &gate, &[]), "0 0 0 0");
    app.dokku_ok(
        "resource:limit",
        &[
            "--process-type",
            "run",
            "--memory",
            "64",
            "--memory-swap",
            "96",
            "--cpu",
            "0.5",
        ],
    );
    app.dokku_ok(
        "resource:reserve",
        &["--process-type", "run", "--memory", "32"],
    );
    let expected = format!(
        "{} {} {} 500000000",
        64 * MEGABYTE,
        96 * MEGABYTE,
        32 * MEGABYTE
    );
    assert_eq!(limits(&app, &gate, &[]), expected);
}

#[test]
fn memory_and_cpus_options_replace_the_resource_limits_of_the_app() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    app.dokku_ok(
        "resource:limit",
        &[
            "--process-type",
            "run",
            "--memory",
            "64",
            "--memory-swap",
            "96",
            "--cpu",
            "0.5",
        ],
    );
    let expected = format!("{} {} 0 250000000", 128 * MEGABYTE, 256 * MEGABYTE);
    assert_eq!(
        limits(&app, &gate, &["--memory=128", "--cpus=0.25"]),
        expected
    );
}

#[test]
fn dokku_omit_resource_args_omits_the_resource_limits() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok(
        "resource:limit",
        &["--process-type", "run", "--memory", "64"],
    );
    let command = app.command(&["--dry-run"], ["true"]).stdin_null();
    let shown = |command| crate::support::run_to_end(command).stdout;
    assert!(shown(&command).contains("--memory=64m"));
    assert!(!shown(&command.env("DOKKU_OMIT_RESOURCE_ARGS", "1")).contains("--memory"));
}
