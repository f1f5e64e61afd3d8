//! Every end of a task leaves one record.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use duct::cmd;
use serde_json::{Value, json};

use crate::support::{
    App, Gate, Host, Image, Log, docker, docker_client, our_program, records, signal, signal_ours,
    store, wait_until,
};

/// Waits until so many tasks of the app are recorded and no container is left.
#[track_caller]
fn recorded(host: &Host, app: &App<'_>, count: usize) -> Vec<Value> {
    wait_until("the tasks are recorded", || {
        (records(host, app).len() >= count && app.containers().is_empty()).then_some(())
    });
    let records = records(host, app);
    assert_eq!(records.len(), count, "{records:?}");
    records
}

fn name_of(output: &crate::support::Output) -> String {
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.trim().to_owned()
}

/// What it came to, and why.
fn end_of(record: &Value) -> (Option<u64>, &str) {
    (
        record["exit_code"].as_u64(),
        record["reason"].as_str().unwrap(),
    )
}

#[test]
fn an_attached_task_leaves_a_complete_and_private_record() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    assert_eq!(app.sh("echo 'a b'; exit 3").code, 3);
    let record = &recorded(&host, &app, 1)[0];
    assert_eq!(end_of(record), (Some(3), "exited"));
    assert_eq!(record["version"], 1);
    assert_eq!(record["app"], app.name.as_str());
    assert_eq!(record["type"], "run");
    assert_eq!(record["command"], json!(["sh", "-c", "echo 'a b'; exit 3"]));
    assert_eq!(record["image"], app.image());
    assert_eq!(
        (&record["detached"], &record["output"]),
        (&json!(false), &Value::Null)
    );
    let time = |key: &str| humantime::parse_rfc3339(record[key].as_str().unwrap()).unwrap();
    // Docker's own end of a short task may be before its start, by a few milliseconds.
    for key in ["started", "finished"] {
        assert!(time("created") <= time(key), "{record}");
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store(&host, &app)), 0o700);
    assert_eq!(mode(&store(&host, &app).join("tasks.jsonl")), 0o600);
    let name = record["name"].as_str().unwrap();
    assert_eq!(host.dokku(["run:wait", "--container", name]).code, 3);
    host.dokku(["run:logs", "--container", name])
        .assert_refused(1, "was attached");
}

#[test]
fn a_record_names_the_owner_of_the_ssh_key() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let by_key = app
        .command(&[], ["true"])
        .env("SSH_USER", "dokku")
        .env("NAME", "ada")
        .env("SSH_NAME", "ada");
    by_key.stdin_null().run().unwrap();
    assert_eq!(recorded(&host, &app, 1)[0]["user"], "ada");
}

#[test]
fn attached_and_detached_tasks_past_their_deadline_are_recorded_as_such() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("ps:set", &["stop-timeout-seconds", "1"]);
    assert_eq!(app.run_with(&["--timeout=1"], ["sleep", "60"]).code, 124);
    let name = name_of(&host.dokku(["run:detached", "--timeout=1", &app.name, "sleep", "60"]));
    let waited = host.dokku(["run:wait", "--container", &name]);
    assert_eq!(
        (waited.code, waited.stderr.as_str()),
        (124, ""),
        "not docker's own code"
    );
    for record in recorded(&host, &app, 2) {
        assert_eq!(end_of(&record), (Some(124), "deadline"));
    }
}

#[test]
fn a_task_stopped_by_run_stop_is_recorded_as_stopped() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("trap 'exit 9' TERM; {}", Gate::WAIT[2]);
    let name = name_of(&host.dokku(["run:detached", &app.name, "sh", "-c", &script]));
    gate.wait();
    host.dokku(["run:stop", "--container", &name])
        .assert_stdout(&format!("{name}\n"));
    assert_eq!(end_of(&recorded(&host, &app, 1)[0]), (Some(9), "stopped"));
}

#[test]
fn a_task_whose_run_command_was_signalled_is_recorded_as_stopped() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = format!("trap 'exit 9' TERM; {}", Gate::WAIT[2]);
    let command = app
        .command(&[], ["sh", "-c", &script])
        .stdin_null()
        .unchecked();
    let handle = command.start().unwrap();
    gate.wait();
    signal_ours(handle.pids()[0], "run", "TERM");
    assert_eq!(handle.wait().unwrap().status.code(), Some(9));
    assert_eq!(end_of(&recorded(&host, &app, 1)[0]), (Some(9), "stopped"));
}

#[test]
fn a_task_whose_terminal_hung_up_is_recorded_as_hangup() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let mut terminal = app.terminal("\"$@\"", &[], ["sh", "-c", "echo ready; sleep 60"]);
    terminal.wait_for("ready");
    terminal.wait_raw();
    terminal.hang_up();
    assert_eq!(end_of(&recorded(&host, &app, 1)[0]), (Some(129), "hangup"));
}

#[test]
fn a_task_that_exceeds_its_memory_limit_is_recorded_as_oom() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    if docker(&["info", "--format", "{{.MemoryLimit}}"]) != "true" {
        return; // the kernel limits no memory here
    }
    // Before docker watches its memory it is not told of its lack.
    let script = "sleep 1; exec tail -c 199m /dev/zero";
    let output = app.run_with(&["--memory=16m"], ["sh", "-c", script]);
    assert_eq!(output.code, 137, "{output:?}");
    assert_eq!(end_of(&recorded(&host, &app, 1)[0]), (Some(137), "oom"));
}

#[test]
fn a_task_that_cannot_be_started_is_recorded_as_failed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("scheduler-docker-local:set", &["init-process", "false"]);
    assert_eq!(app.run(["no-such-command"]).code, 127);
    assert_eq!(host.dokku(["run:detached", &app.name, "/etc"]).code, 126);
    let records = recorded(&host, &app, 2);
    assert_eq!(end_of(&records[0]), (Some(127), "failed"));
    assert_eq!(end_of(&records[1]), (Some(126), "failed"));
    assert_eq!(records[0]["started"], Value::Null);
}

#[test]
fn a_task_removed_without_a_supervisor_is_recorded_as_lost() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have nobody
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = name_of(&host.dokku([&["run:detached", &app.name][..], &Gate::WAIT].concat()));
    gate.wait();
    let supervisor = wait_until("the supervisor is there", || supervisor_of(&host));
    signal(supervisor, "KILL");
    docker(&["container", "rm", "--force", &name]);
    host.dokku(["run:retire"]);
    let record = &recorded(&host, &app, 1)[0];
    assert_eq!(end_of(record), (None, "lost"));
    let waited = host.dokku(["run:wait", "--container", &name]);
    waited.assert_refused(125, "is unknown");
}

/// The process of this host that looks after tasks.
fn supervisor_of(host: &Host) -> Option<u32> {
    let program =
        fs::canonicalize(host.library().join("plugins/available/oneoff/bin/agent")).ok()?;
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
            && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                line.split(|byte| *byte == 0)
                    .any(|word| word == b"--supervise")
            })
    })
}

#[test]
fn ten_parallel_tasks_are_recorded_once_each() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    std::thread::scope(|scope| {
        for code in 0..10 {
            let (host, app) = (&host, &app);
            scope.spawn(move || {
                let script = format!("exit {code}");
                let command = if code % 2 == 0 { "run" } else { "run:detached" };
                host.dokku([command, &app.name, "sh", "-c", &script]);
            });
        }
    });
    let mut codes: Vec<u64> = recorded(&host, &app, 10)
        .iter()
        .map(|record| record["exit_code"].as_u64().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, (0..10).collect::<Vec<u64>>());
}

#[test]
fn keep_records_limits_the_number_of_records() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("run:set", &["keep-records", "2"]);
    for code in ["1", "2", "3"] {
        app.sh(&format!("exit {code}"));
    }
    let codes: Vec<Value> = records(&host, &app)
        .iter()
        .map(|record| record["exit_code"].clone())
        .collect();
    assert_eq!(codes, [2, 3]);
    app.dokku_ok("run:set", &["keep-records", "0"]);
    let gate = Gate::new(&app);
    // Docker's client is there before it has asked.
    let script = format!("{}; sleep 2; exit 5", Gate::WAIT[2]);
    let name = name_of(&host.dokku(["run:detached", &app.name, "sh", "-c", &script]));
    let waiter = host.command(["run:wait", "--container", &name]);
    let waiter = waiter.stdin_null().unchecked().start().unwrap();
    wait_until("it waits", || {
        let wait = our_program(waiter.pids()[0], "wait")?;
        docker_client(wait, &["container", "wait"])
    });
    gate.open();
    let code = waiter.wait().unwrap().status.code();
    assert_eq!(code, Some(5), "without any record");
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(records(&host, &app), [Value::Null; 0]);
    for (property, value) in [
        ("keep-records", "-1"),
        ("keep-outputs", "many"),
        ("output-bytes", "1m"),
    ] {
        host.dokku(["run:set", &app.name, property, value])
            .assert_refused(1, &format!("'{value}'"));
    }
}

/// A small file system in the place of a directory, until the end.
pub struct Small(std::path::PathBuf);

impl Small {
    /// `None` where nothing may be mounted.
    pub fn at(directory: &Path) -> Option<Self> {
        fs::create_dir_all(directory).unwrap();
        let mount = cmd!(
            "mount",
            "-t",
            "tmpfs",
            "-o",
            "size=16k,mode=700",
            "tmpfs",
            directory
        );
        let mounted = mount
            .stderr_null()
            .unchecked()
            .run()
            .unwrap()
            .status
            .success();
        mounted.then(|| Self(directory.to_owned()))
    }

    /// Leaves no space. A file would be taken for a journal where those are.
    pub fn fill(&self) {
        let directory = self.0.join("filler");
        fs::create_dir_all(&directory).unwrap();
        let _ = fs::write(directory.join("filler"), vec![0; 64 * 1024]);
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = cmd!("umount", "--lazy", &self.0).run();
    }
}

#[test]
fn a_full_records_disk_loses_only_the_record() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have no record
    }
    let app = host.app(Image::Busybox);
    let Some(small) = Small::at(&host.library().join("data/oneoff/records")) else {
        return; // nothing may be mounted here
    };
    assert_eq!(app.sh("exit 3").code, 3);
    small.fill();
    // Longer than what is left of the file's last page.
    let output = app.sh(&format!("echo out; exit 4 # {}", "x".repeat(8000)));
    assert_eq!((output.code, output.stdout.as_str()), (4, "out\n"));
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    assert!(
        output.stderr.starts_with(" !     The record of "),
        "{output:?}"
    );
    assert_eq!(app.containers(), [""; 0]);
    fs::remove_dir_all(small.0.join("filler")).unwrap();
    assert_eq!(app.sh("exit 5").code, 5);
    let codes: Vec<Value> = records(&host, &app)
        .iter()
        .map(|record| record["exit_code"].clone())
        .collect();
    assert_eq!(codes, [3, 5], "no half of a line is left");
    drop(small);
}

#[test]
fn tasks_run_when_the_disk_of_records_and_journals_is_full() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have no journal
    }
    let app = host.app(Image::Busybox);
    let log = Log::new();
    let path = log.path();
    let hook = format!("[ \"$2\" != {} ] || echo $4 >>{}", app.name, path.display());
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    let data = host.library().join("data/oneoff");
    let full = ["records", "tasks"].map(|directory| {
        let small = Small::at(&data.join(directory));
        small.inspect(Small::fill)
    });
    if full.iter().any(Option::is_none) {
        return; // nothing may be mounted here
    }
    let output = app.sh("echo out; exit 4");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (4, "out\n"),
        "{output:?}"
    );
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    assert_eq!((log.take().as_str(), app.containers()), ("4\n", Vec::new()));
    let output = host.dokku(["run:detached", &app.name, "sh", "-c", "exit 5"]);
    assert_eq!(output.code, 0, "{output:?}");
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert_eq!(log.take(), "5\n");
    drop(full);
}

#[test]
fn unflushed_journal_lines_are_not_on_a_command_line() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have no journal
    }
    let app = host.app(Image::Busybox);
    let log = Log::new();
    let hook = format!(
        "[ \"$2\" != {} ] || tr '\\0' '\\n' </proc/$PPID/cmdline >>{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    let Some(small) = Small::at(&host.library().join("data/oneoff/tasks")) else {
        return; // nothing may be mounted here
    };
    small.fill();
    // One word of a command line has 128 KiB at most.
    let words = ["first", "second"].map(|word| word.repeat(15_000));
    let script = "echo out; exit 4";
    let output = app.run(["sh", "-c", script, &words[0], &words[1]]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (4, "out\n"),
        "{output:?}"
    );
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    let line = log.take();
    assert!(line.contains("\n--finalize\n"), "{line}");
    assert!(!line.contains("first") && !line.contains(script), "{line}");
    assert_eq!(app.containers(), [""; 0]);
    let record = records(&host, &app).pop().unwrap();
    assert_eq!(record["command"][2], script);
    drop(small);
}

#[test]
fn the_oneoff_post_run_hook_fires_once_with_the_recorded_end() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = Log::new();
    let path = log.path();
    let path = path.display();
    // The container is there, and so is the record.
    host.add_hook(
        "oneoff-test-end",
        "oneoff-post-run",
        &format!(
            "[ \"$1\" != {} ] || echo \"$2 [$3] $4 $5 $(docker container inspect --format '{{{{.State.Status}}}}' $2) $#\" >>{path}; exit 1",
            app.name
        ),
    );
    let told = |code: u8, record: &Value| {
        let time = |key: &str| humantime::parse_rfc3339(record[key].as_str().unwrap()).unwrap();
        // Docker may note the start of what ends at once after its end.
        let took = time("finished")
            .duration_since(time("started"))
            .unwrap_or_default();
        let name = record["name"].as_str().unwrap();
        format!(
            "{name} [{code}] exited {:.0} exited 5\n",
            took.as_secs_f64()
        )
    };
    let output = app.sh("exit 3");
    assert_eq!(log.take(), told(3, &records(&host, &app)[0]));
    assert_eq!(output.code, 3);
    assert!(
        output
            .stderr
            .contains("hook 'oneoff-post-run' of plugin 'oneoff-test-end' failed"),
        "{output:?}"
    );
    let name = name_of(&host.dokku(["run:detached", &app.name, "sleep", "2"]));
    let records = recorded(&host, &app, 2);
    assert_eq!(records[1]["name"], *name);
    assert_eq!(log.take(), told(0, &records[1]));
}

#[test]
fn dokku_report_shows_running_tasks_and_the_last_failure() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let report = || host.dokku(["plugin:trigger", "report", &app.name]).stdout;
    let line = |name: &str, value: &str| format!("       {name:31}{value}");
    let before = report();
    assert!(
        before.contains(&line("Run tasks running:", "0\n")),
        "{before}"
    );
    assert!(
        before.contains(&line("Run last failure:", "none\n")),
        "{before}"
    );
    app.sh("exit 3");
    app.sh("exit 0");
    let gate = Gate::new(&app);
    host.dokku([&["run:detached", &app.name][..], &Gate::WAIT].concat());
    gate.wait();
    let during = report();
    gate.open();
    let records = recorded(&host, &app, 3);
    assert!(
        during.contains(&line("Run tasks running:", "1\n")),
        "{during}"
    );
    let failure = format!(
        "{}, exit code 3 (exited), ",
        records[0]["name"].as_str().unwrap()
    );
    assert!(
        during.contains(&line("Run last failure:", &failure)),
        "{during}"
    );
}
