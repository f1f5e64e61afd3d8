//! The output of detached tasks after their end.

use std::fs;
use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{App, Gate, Host, Image, records, signal, store, wait_until};

/// The newest record, when the task has gone.
fn ended(host: &Host, app: &App<'_>, gate: &Gate) -> Value {
    gate.open();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    gate.close();
    records(host, app).pop().expect("a record")
}

/// A detached task that has gone; its name.
fn detached(host: &Host, app: &App<'_>, script: &str) -> String {
    let started = host.dokku(["run:detached", &app.name, "sh", "-c", script]);
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    started.stdout.trim().to_owned()
}

/// How many outputs are kept.
fn outputs(host: &Host, app: &App<'_>) -> usize {
    fs::read_dir(store(host, app).join("output")).map_or(0, Iterator::count)
}

#[test]
fn logs_of_a_removed_detached_task_equal_the_logs_before_its_removal() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    // A line without an end would reach docker's log at the task's end only.
    let script = "echo one; sleep 1; echo two >&2; sleep 1; printf '%040000d\\n' 7; echo";
    let name = app.writes(&gate, script, 4);
    let variants: [&[&str]; 8] = [
        &[],
        &["-q"],
        &["-q", "-n", "all"],
        &["-n", "2"],
        &["-n", "0"],
        &["-q", "--stderr"],
        &["--since", "2100-01-01T00:00:00Z"],
        &["--since", "1h", "-n", "3"],
    ];
    let shown = || {
        variants.map(|options| {
            let words = [&["run:logs"], options, &["--container", &name]].concat();
            host.dokku(words)
        })
    };
    let before = shown();
    let record = ended(&host, &app, &gate);
    assert_eq!(record["output"]["kept"]["whole"], true, "{record}");
    for ((before, after), options) in before.iter().zip(shown()).zip(variants) {
        assert_eq!(*before, after, "{options:?}");
    }
    assert_eq!(before[1].stdout.lines().count(), 4, "{:?}", before[1]);
    let id = record["id"].as_str().unwrap();
    let by_id = host.dokku(["run:logs", "-q", "-n", "1", "--container", &id[..12]]);
    by_id.assert_stdout("\n");
}

#[test]
fn saved_output_adds_no_line_break_to_the_last_line() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = host.dokku(["run:detached", &app.name, "printf", "no end"]);
    let name = output.stdout.trim();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    host.dokku(["run:logs", "-q", "--container", name])
        .assert_stdout("no end");
}

#[test]
fn following_logs_lose_no_line_when_the_container_is_removed() {
    const LINES: usize = 20_000;
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    app.dokku_ok("run:set", &["output-bytes", "16777216"]);
    let pad = "x".repeat(100);
    let script = format!("{}; seq 1 {LINES} | sed s/^/{pad}/", Gate::WAIT[2]);
    let started = host.dokku(["run:detached", &app.name, "sh", "-c", &script]);
    gate.wait();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let follow = host.command([
        "run:logs",
        "-t",
        "-q",
        "-n",
        "all",
        "--container",
        started.stdout.trim(),
    ]);
    let command = follow
        .stdin_null()
        .stdout_file(writer)
        .stderr_capture()
        .unchecked();
    let handle = command.start().unwrap();
    drop(command);
    let client = wait_until("it follows", || {
        crate::support::docker_client(handle.pids()[0], &["container", "logs"])
    });
    // Docker's client reads nothing until the container has gone, and what lies between
    // it and the daemon does not hold it all.
    signal(client, "STOP");
    gate.open();
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    signal(client, "CONT");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let expected: String = (1..=LINES)
        .flat_map(|line| [pad.clone(), line.to_string(), "\n".to_owned()])
        .collect();
    assert_eq!(text.lines().count(), LINES);
    assert!(text == expected, "every line once and in order");
    assert_eq!(handle.wait().unwrap().status.code(), Some(0));
}

#[test]
fn following_logs_end_when_stdout_is_closed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = "while [ ! -e /gate/quiet ]; do echo line; sleep 0.05; done";
    let script = format!("touch /gate/ready; {script}; {}", Gate::WAIT[2]);
    let started = host.dokku(["run:detached", &app.name, "sh", "-c", &script]);
    gate.wait();
    let follow = host.command(["run:logs", "-t", "-q", "--container", started.stdout.trim()]);
    let follow = follow.stdin_null().stderr_capture().unchecked();
    let piped = follow.pipe(duct::cmd!("head", "-n", "1")).stdout_capture();
    let before = Instant::now();
    let output = piped.run().unwrap();
    assert!(
        before.elapsed() < Duration::from_secs(30),
        "{:?}",
        before.elapsed()
    );
    let ran = app.containers().len();
    std::fs::write(gate.path("quiet"), "").unwrap();
    ended(&host, &app, &gate);
    assert_eq!(
        (output.stdout.as_slice(), ran),
        (&b"line\n"[..], 1),
        "the task runs on"
    );
}

#[test]
fn following_logs_of_a_silent_task_end_when_stdout_is_closed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("echo line; {}", Gate::WAIT[2]);
    let started = host.dokku(["run:detached", &app.name, "sh", "-c", &script]);
    gate.wait();
    let follow = host.command(["run:logs", "-t", "-q", "--container", started.stdout.trim()]);
    let follow = follow.stdin_null().stderr_capture().unchecked();
    let piped = follow.pipe(duct::cmd!("head", "-n", "1")).stdout_capture();
    let before = Instant::now();
    assert_eq!(piped.run().unwrap().stdout, b"line\n");
    assert!(before.elapsed() < Duration::from_secs(20));
    assert_eq!(app.containers().len(), 1, "the task runs on");
    ended(&host, &app, &gate);
}

#[test]
fn saving_100_megabytes_of_output_uses_bounded_memory_and_keeps_the_end() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    // It keeps the supervisor alive.
    app.writes(&gate, "true", 0);
    let supervisor = wait_until("the supervisor is there", || {
        let line =
            |pid: &str| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let here =
            fs::canonicalize(host.library().join("plugins/available/oneoff/bin/agent")).unwrap();
        let mut pids = processes.filter_map(|entry| entry.file_name().into_string().ok());
        pids.find(|pid| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == here)
                && line(pid).contains("--supervise")
        })
    });
    let peak = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{supervisor}/status")).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let run = |script: &str| {
        let started = host.dokku(["run:detached", &app.name, "sh", "-c", script]);
        let name = started.stdout.trim().to_owned();
        assert_eq!(host.dokku(["run:wait", "--container", &name]).code, 0);
        name
    };
    run("echo little");
    let before = peak();
    let name = run(
        "line=$(head -c 9990 /dev/zero | tr '\\0' x); n=0; while [ $n -lt 10000 ]; do n=$((n+1)); echo $line $n; done",
    );
    let after = peak();
    let record = records(&host, &app).pop().unwrap();
    ended(&host, &app, &gate);
    let kept = &record["output"]["kept"];
    let bytes = kept["bytes"].as_u64().unwrap();
    assert!((1_000_000..=1_048_576).contains(&bytes), "{record}");
    assert_eq!(kept["whole"], false);
    let output = host.dokku(["run:logs", "-q", "-n", "2", "--container", &name]);
    let ends: Vec<&str> = output
        .stdout
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(ends, ["9999", "10000"]);
    assert!(after < before + 2048, "{before} kB, then {after} kB");
}

#[test]
fn saved_outputs_are_limited_by_output_bytes_and_keep_outputs() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let run = |script: &str| detached(&host, &app, script);
    let logs = |name: &str| host.dokku(["run:logs", "-q", "--container", name]);
    let outputs = || outputs(&host, &app);
    app.dokku_ok("run:set", &["output-bytes", "80"]);
    let cut = run("seq 1 9");
    logs(&cut).assert_stdout("8\n9\n");
    app.dokku_ok("run:set", &["keep-outputs", "2"]);
    let (second, third) = (run("echo second"), run("echo third"));
    logs(&cut).assert_refused(1, "is not kept any more");
    logs(&second).assert_stdout("second\n");
    logs(&third).assert_stdout("third\n");
    assert_eq!(outputs(), 2);
    app.dokku_ok("run:set", &["keep-outputs", "0"]);
    let none = run("echo none");
    logs(&none).assert_refused(1, "is not kept");
    assert_eq!(outputs(), 0);
}

#[test]
fn the_end_of_an_attached_task_prunes_the_saved_outputs() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for _ in 0..3 {
        detached(&host, &app, "echo line");
    }
    assert_eq!(outputs(&host, &app), 3);
    app.dokku_ok("run:set", &["keep-outputs", "1"]);
    app.run(["true"]).assert_stdout("");
    assert_eq!(outputs(&host, &app), 1);
}

#[test]
fn saved_outputs_are_pruned_when_no_record_can_be_written() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("run:set", &["keep-outputs", "1"]);
    fs::create_dir_all(store(&host, &app).join("tasks.jsonl")).unwrap();
    host.chown_to_plugin_user();
    for _ in 0..3 {
        detached(&host, &app, "echo line");
    }
    assert_eq!(outputs(&host, &app), 1);
}

#[test]
fn logs_report_a_logging_driver_that_cannot_be_read() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("docker-options:add", &["run", "--log-driver=none"]);
    let started = host.dokku(["run:detached", &app.name, "echo", "lost"]);
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    let record = records(&host, &app).pop().unwrap();
    let why = record["output"]["unreadable"].as_str().unwrap();
    assert!(why.contains("does not support reading"), "{record}");
    host.dokku(["run:logs", "--container", started.stdout.trim()])
        .assert_refused(1, why);
}
