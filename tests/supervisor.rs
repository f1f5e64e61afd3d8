//! Who looks after a task that nobody waits for.

mod starting;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    App, Gate, Host, Image, Log, Output, children, docker, docker_client, our_program, run_to_end,
    signal, wait_for, wait_until,
};

/// Ends by TERM, with this exit code.
fn waits(code: u8) -> String {
    format!("trap 'exit {code}' TERM; touch /gate/ready; while :; do sleep 0.05; done")
}

fn detached(app: &App<'_>, options: &[&str], script: &str) -> String {
    let command = app.subcommand("run:detached", options, ["sh", "-c", script]);
    let output = run_to_end(&command.stdin_null());
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.trim().to_owned()
}

#[track_caller]
fn none_left(app: &App<'_>) {
    wait_until("the containers are removed", || {
        app.containers().is_empty().then_some(())
    });
}

/// Nobody looks after anything any more, and nothing tells of a task.
#[track_caller]
fn all_is_over(host: &Host, app: &App<'_>) {
    none_left(app);
    wait_until("the supervisor has ended", || {
        host.supervisor().is_none().then_some(())
    });
    assert_eq!(journals(host, app), [""; 0]);
}

fn tasks(host: &Host) -> PathBuf {
    host.library().join("data/oneoff/tasks")
}

/// The containers of the app that have a journal.
fn journals(host: &Host, app: &App<'_>) -> Vec<String> {
    let entries = fs::read_dir(tasks(host)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(&app.name)).collect()
}

/// Exit code and reason of each task of the app, in the order of their ends.
fn records(host: &Host, app: &App<'_>) -> Vec<(Value, String)> {
    let path = host.library().join("data/oneoff/records").join(&app.name);
    let text = fs::read_to_string(path.join("tasks.jsonl")).unwrap_or_default();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    records
        .map(|record| {
            let reason = record["reason"].as_str().unwrap().to_owned();
            (record["exit_code"].clone(), reason)
        })
        .collect()
}

#[track_caller]
fn recorded(host: &Host, app: &App<'_>, code: impl Into<Value>, reason: &str) {
    let found = records(host, app);
    assert_eq!(found.last(), Some(&(code.into(), reason.to_owned())));
}

fn numbers_of(status: &str) -> BTreeMap<String, u64> {
    status
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let number = value.split_whitespace().next()?.parse().ok()?;
            Some((name.to_owned(), number))
        })
        .collect()
}

/// Threads, open files and resident kilobytes of a process.
fn costs(pid: u32) -> [u64; 3] {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let numbers = numbers_of(&status);
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    [
        numbers["Threads"],
        u64::try_from(files).unwrap(),
        numbers["VmRSS"],
    ]
}

#[test]
fn one_supervisor_serves_sixty_tasks() {
    const COUNT: usize = 60;
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    let start = |code: usize| {
        let script = format!("while [ ! -e /gate/go ]; do sleep 0.2; done; exit {code}");
        detached(&app, &[], &script);
    };
    start(0);
    let supervisor = wait_until("a supervisor", || host.supervisor());
    // Its stream is open, and it has looked at the first one.
    let rests = || {
        let stream = docker_client(supervisor, &["events", "--format"])?;
        (children(supervisor) == [stream]).then_some(())
    };
    wait_until("it is at rest", rests);
    let [_, files, memory] = costs(supervisor);
    std::thread::scope(|scope| {
        for lane in 0..6 {
            let start = &start;
            scope.spawn(move || (1..COUNT).filter(|code| code % 6 == lane).for_each(start));
        }
    });
    assert_eq!(app.containers().len(), COUNT);
    wait_until("it is at rest", rests);
    assert_eq!(host.supervisor(), Some(supervisor));
    let [threads, files_now, memory_now] = costs(supervisor);
    assert!(threads < 16, "{threads} threads");
    // Pipes to a client that has just ended may still be open.
    assert!(files_now < files + 16, "{files} files, then {files_now}");
    assert!(memory_now < memory + 2048, "{memory} kB, then {memory_now}");
    gate.open();
    let mut left = COUNT;
    while left > 0 {
        left = wait_until("another one is gone", || {
            let now = app.containers().len();
            (now < left).then_some(now)
        });
    }
    all_is_over(&host, &app);
    let mut told: Vec<usize> = log
        .read()
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    told.sort_unstable();
    assert_eq!(told, (0..COUNT).collect::<Vec<_>>());
    assert_eq!(records(&host, &app).len(), COUNT);
}

#[test]
fn forty_parallel_attached_tasks_exit_with_their_own_codes() {
    const COUNT: u8 = 40;
    let host = Host::new();
    let app = host.app(Image::Busybox);
    std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..COUNT)
            .map(|code| {
                scope.spawn({
                    let app = &app;
                    move || app.sh(&format!("exit {code}"))
                })
            })
            .collect();
        for (code, task) in (0..).zip(tasks) {
            let output = task.join().unwrap();
            assert_eq!((output.code, output.stderr.as_str()), (code, ""));
        }
    });
    assert_eq!(app.containers(), [""; 0]);
    assert_eq!(journals(&host, &app), [""; 0]);
    assert_eq!(records(&host, &app).len(), usize::from(COUNT));
}

#[test]
fn the_supervisor_inherits_no_file_or_session_variable_of_its_caller() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let command = app.subcommand("run:detached", &[], ["sh", "-c", &waits(0)]);
    let directory = tempfile::tempdir().unwrap();
    let output = run_to_end(
        &command
            .stdin_null()
            .dir(directory.path())
            .env("SSH_USER", "ada")
            .env("NAME", "key")
            .env("TERM", "vt220"),
    );
    assert_eq!(output.code, 0, "{output:?}");
    gate.wait();
    let pid = wait_until("a supervisor", || host.supervisor());
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert_eq!(fs::read_link(process.join("cwd")).unwrap(), Path::new("/"));
    let environment = fs::read_to_string(process.join("environ")).unwrap();
    for line in environment.split('\0') {
        let name = line.split_once('=').map_or(line, |(name, _)| name);
        assert!(
            !name.starts_with("SSH_") && !["NAME", "TERM", "DOKKU_COMMAND"].contains(&name),
            "{line}"
        );
    }
    assert!(environment.contains("DOKKU_LIB_ROOT="), "hooks need it");
    // The first thing that it does.
    wait_until("a session of its own", || {
        let stat = fs::read_to_string(process.join("stat")).unwrap();
        let session = stat.rsplit(") ").next()?.split(' ').nth(3)?;
        (session == pid.to_string()).then_some(())
    });
    let data = host.library().join("data/oneoff");
    // What it only opens for a moment, such as a property, is not held.
    wait_for(|| {
        for file in fs::read_dir(process.join("fd")).unwrap().flatten() {
            let Ok(file) = fs::read_link(file.path()) else {
                continue; // closed meanwhile
            };
            let name = file.to_string_lossy();
            // Its stdin, its lock and FIFO, docker's stream, and how signals reach a thread.
            let its_own = file == Path::new("/dev/null")
                || file.starts_with(&data)
                || ["pipe:", "socket:"]
                    .iter()
                    .any(|kind| name.starts_with(kind));
            if !its_own {
                return Err(format!("it holds {name}"));
            }
        }
        Ok(())
    });
    host.dokku(["run:stop", &app.name]);
    all_is_over(&host, &app);
}

/// What a hook of an app's task gets from a supervisor that somebody else has started, with
/// this umask.
fn hooks_surroundings(host: &Host, log: &Log, mask: &str) -> String {
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    let gate = Gate::new(&app);
    let hook = format!(
        "[ \"$2\" = {} ] || exit 0\n\
         {{ env; umask; ulimit -S -n; ulimit -S -f; nice; grep ^SigIgn: /proc/self/status; \
         plugn trigger oneoff-test-inner; }} >{}",
        other.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    host.add_hook("oneoff-test-end", "oneoff-test-inner", "echo inner");
    let script = format!(
        "umask {mask}; ulimit -S -n 200; ulimit -S -f 100000; trap '' HUP INT USR1; \
         exec nice -n 19 \"$@\""
    );
    let script_of_task = waits(0);
    let words = ["run:detached", &app.name, "sh", "-c", &script_of_task];
    let path = std::env::var("PATH").unwrap();
    let command = host
        .command_by(&script, &words)
        .stdin_null()
        .env("ONEOFF_TEST_SECRET", "odd-secret")
        .env("http_proxy", "http://odd-proxy")
        .env("LC_TIME", "odd-locale")
        .env("TMPDIR", "/odd-directory")
        .env("PATH", format!("/odd-path:{path}"));
    let output = run_to_end(&command);
    assert_eq!(output.code, 0, "{output:?}");
    gate.wait();
    let supervisor = wait_until("a supervisor", || host.supervisor());
    detached(&other, &[], "exit 3");
    none_left(&other);
    assert_eq!(host.supervisor(), Some(supervisor));
    host.dokku(["run:stop", &app.name]);
    all_is_over(host, &app);
    log.take()
}

#[test]
fn supervisor_hooks_inherit_nothing_from_its_starter() {
    let host = Host::new();
    if host.is_disposable() {
        host.set_variable("ONEOFF_TEST_SETTING", "set");
    }
    let log = Log::new();
    for mask in ["077", "0"] {
        let text = hooks_surroundings(&host, &log, mask);
        assert!(!text.contains("odd-"), "{text}");
        let variable = |name: &str| {
            let start = format!("{name}=");
            text.lines().find_map(|line| line.strip_prefix(&start))
        };
        for name in ["PATH", "HOME", "USER", "PLUGIN_PATH", "DOKKU_LIB_ROOT"] {
            assert!(variable(name).is_some(), "{name}: {text}");
        }
        if host.is_disposable() {
            assert_eq!(variable("ONEOFF_TEST_SETTING"), Some("set"), "{text}");
        }
        let lines: Vec<&str> = text.lines().collect();
        let rest = lines.iter().position(|line| *line == "0022");
        let rest = &lines[rest.expect("the usual umask")..];
        // Only root makes a process nicer to itself.
        let is_root = host.is_disposable() && duct::cmd!("id", "-u").read().unwrap() == "0";
        let nice = if is_root { "0" } else { "19" };
        let [mask, files, size, nicety, ignored, inner] = rest else {
            panic!("{text}");
        };
        let found = [*mask, *files, *size, *nicety, *inner];
        assert_eq!(
            found,
            ["0022", "1024", "unlimited", nice, "inner"],
            "{text}"
        );
        // Beyond these are the signals of the C library's own.
        let ignored = ignored.strip_prefix("SigIgn:\t").unwrap();
        let ignored = u64::from_str_radix(ignored, 16).unwrap() & 0x7fff_ffff;
        assert_eq!(ignored, 0, "{text}");
    }
}

/// Kills the supervisor, and waits until it is gone.
fn kill_supervisor(host: &Host) {
    let pid = wait_until("a supervisor", || host.supervisor());
    signal(pid, "KILL");
    wait_until("it is gone", || host.supervisor().is_none().then_some(()));
}

fn kill_task(name: &str, signal: &str) {
    docker(&["container", "kill", "--signal", signal, name]);
    wait_until("it has ended", || {
        let state = [
            "container",
            "inspect",
            "--format",
            "{{.State.Status}}",
            name,
        ];
        (docker(&state) == "exited").then_some(())
    });
}

#[test]
fn any_later_command_finalizes_a_task_that_ended_unsupervised() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    for words in [
        vec!["run:list", &app.name],
        vec!["run", &app.name, "true"],
        vec!["run:retire", &app.name],
    ] {
        let name = detached(&app, &[], &waits(6));
        gate.wait();
        kill_supervisor(&host);
        kill_task(&name, "TERM");
        assert_eq!(host.dokku(&words).code, 0);
        all_is_over(&host, &app);
        let told = log.take().replace("0\n", "");
        assert_eq!(told, "6\n", "{words:?}");
    }
}

#[test]
fn the_event_stream_client_ends_with_a_killed_supervisor() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    detached(&app, &[], &waits(0));
    gate.wait();
    let supervisor = wait_until("a supervisor", || host.supervisor());
    let client = wait_until("the stream", || {
        docker_client(supervisor, &["events", "--format"])
    });
    kill_supervisor(&host);
    wait_until("the client has ended, too", || {
        crate::support::is_gone(client).then_some(())
    });
    host.dokku(["run:stop", &app.name]);
    all_is_over(&host, &app);
}

#[test]
fn the_supervisor_reopens_an_event_stream_that_ends() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    let name = detached(&app, &[], &waits(6));
    gate.wait();
    let supervisor = wait_until("a supervisor", || host.supervisor());
    let stream = || docker_client(supervisor, &["events", "--format"]);
    let first = wait_until("the stream", stream);
    signal(first, "KILL");
    wait_until("another one", || stream().filter(|pid| *pid != first));
    docker(&["container", "kill", "--signal=TERM", &name]);
    all_is_over(&host, &app);
    assert_eq!(log.read(), "6\n");
}

#[test]
fn a_hanging_hook_delays_no_other_task_and_is_killed() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // the limit is the host's
    }
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    host.dokku_ok(&["run:set", "--global", "hook-timeout", "10"]);
    let log = Log::new();
    let hook = format!(
        "[ \"$2\" = {} ] || {{ sleep 600 & echo $! >{}; wait; }}",
        other.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    detached(&app, &[], "exit 3");
    let hung: u32 = wait_until("the hook", || log.read().trim().parse().ok());
    detached(&other, &[], "exit 4");
    none_left(&other);
    assert_eq!(app.containers().len(), 1, "its hook still runs");
    all_is_over(&host, &app);
    recorded(&host, &app, 3, "exited");
    wait_until("what the hook has started is gone", || {
        crate::support::is_gone(hung).then_some(())
    });
}

#[test]
fn a_task_whose_caller_was_killed_is_adopted_by_the_supervisor() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    let caller = app
        .command(&["--timeout=5"], ["sh", "-c", &waits(6)])
        .stdin_null()
        .stdout_null()
        .unchecked()
        .start()
        .unwrap();
    gate.wait();
    let run = our_program(caller.pids()[0], "run").expect("our process runs");
    signal(run, "KILL");
    assert_eq!(caller.wait().unwrap().status.code(), Some(137));
    assert_eq!(host.dokku(["run:list", &app.name]).code, 0);
    all_is_over(&host, &app);
    assert_eq!(log.read(), "124\n");
    recorded(&host, &app, 124, "deadline");
}

#[test]
fn a_deadline_that_passes_without_a_supervisor_is_enforced_by_retire() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = detached(
        &app,
        &["--timeout=5"],
        "touch /gate/ready; trap '' TERM; sleep 60",
    );
    gate.wait();
    kill_supervisor(&host);
    let started = docker(&[
        "container",
        "inspect",
        "--format",
        "{{.State.StartedAt}}",
        &name,
    ]);
    let started = humantime::parse_rfc3339(&started).unwrap();
    wait_until("its deadline has passed", || {
        (started.elapsed().unwrap() > Duration::from_secs(5)).then_some(())
    });
    host.dokku_ok(&["ps:set", &app.name, "stop-timeout-seconds", "1"]);
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    all_is_over(&host, &app);
    recorded(&host, &app, 124, "deadline");
}

/// As if the host's clock were set forward: for docker the tasks began long ago.
#[test]
fn a_supervised_task_survives_a_forward_clock_jump() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let looks = Log::new();
    host.replace_docker(&format!(
        "case \"$*\" in 'container inspect '*) ;; *) exec \"$DOCKER\" \"$@\" ;; esac\n\
         said=$(\"$DOCKER\" \"$@\"); code=$?\n\
         [ ! -e {} ] || said=$(echo \"$said\" | sed 's/\"StartedAt\":\"20[0-9][0-9]/\"StartedAt\":\"2020/g')\n\
         echo \"$said\"; echo look >>{}; exit $code",
        gate.path("jump").display(),
        looks.path().display()
    ));
    detached(&app, &["--timeout=600"], &waits(6));
    gate.wait();
    let supervisor = wait_until("a supervisor", || host.supervisor());
    // At first, and when the stream is open: it has the deadline of the first look by then.
    wait_until("it has looked twice", || {
        (looks.read().lines().count() >= 2).then_some(())
    });
    fs::write(gate.path("jump"), "").unwrap();
    let output = host.dokku(["run:retire", &app.name]);
    let running = ["container", "ls", "--quiet", "--filter"];
    let label = format!("label=com.dokku.app-name={}", app.name);
    let running = docker(&[&running[..], &[&label]].concat());
    fs::remove_file(gate.path("jump")).unwrap();
    host.dokku(["run:stop", &app.name]);
    all_is_over(&host, &app);
    host.set_docker(&which::which("docker").unwrap());
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(running.lines().count(), 1, "{output:?}");
    assert!(crate::support::is_gone(supervisor));
    recorded(&host, &app, 6, "stopped");
}

/// An attached task that runs until TERM.
fn attached(app: &App<'_>, gate: &Gate, options: &[&str]) -> duct::Handle {
    let command = app
        .command(options, ["sh", "-c", &waits(6)])
        .stdin_null()
        .stdout_capture()
        .stderr_capture();
    let handle = command.unchecked().start().unwrap();
    gate.wait();
    handle
}

fn code(handle: &duct::Handle) -> i32 {
    Output::new(handle.wait().unwrap()).code
}

#[test]
fn an_attached_task_is_recorded_with_its_reason() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    assert_eq!(app.sh("exit 3").code, 3);
    recorded(&host, &app, 3, "exited");
    for (name, reason) in [("TERM", "stopped"), ("HUP", "hangup")] {
        let task = attached(&app, &gate, &[]);
        let run = our_program(task.pids()[0], "run").unwrap();
        signal(run, name);
        assert_eq!(code(&task), 6);
        recorded(&host, &app, 6, reason);
    }
    // It may get TERM before it could catch it.
    let output = app.run_with(&["--timeout=1"], ["sh", "-c", &waits(6)]);
    assert_eq!(output.code, 124, "{output:?}");
    let _ = fs::remove_file(gate.path("ready"));
    recorded(&host, &app, 124, "deadline");
    let task = attached(&app, &gate, &[]);
    assert_eq!(host.dokku(["run:stop", &app.name]).code, 0);
    assert_eq!(code(&task), 6);
    recorded(&host, &app, 6, "stopped");
    let options = ["--lock=import", "--concurrency-policy=replace"];
    let task = attached(&app, &gate, &options);
    let before = records(&host, &app).len();
    assert_eq!(app.run_with(&options, ["true"]).code, 0);
    assert_eq!(code(&task), 6);
    // Each by a process of its own.
    let mut both = records(&host, &app).split_off(before);
    both.sort_by_key(|(code, _)| code.as_u64());
    let expected = [(json!(0), "exited"), (json!(6), "stopped")];
    assert_eq!(
        both,
        expected.map(|(code, reason)| (code, reason.to_owned()))
    );
    app.dokku_ok("scheduler-docker-local:set", &["init-process", "false"]);
    assert_eq!(app.run(["no-such-command"]).code, 127);
    recorded(&host, &app, 127, "failed");
}

#[test]
fn a_detached_task_is_recorded_with_its_reason() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    detached(&app, &["--timeout=1"], &waits(6));
    all_is_over(&host, &app);
    recorded(&host, &app, 124, "deadline");
    let _ = fs::remove_file(gate.path("ready"));
    detached(&app, &[], &waits(6));
    gate.wait();
    assert_eq!(host.dokku(["run:stop", &app.name]).code, 0);
    all_is_over(&host, &app);
    recorded(&host, &app, 6, "stopped");
    // A shell that is the first process cannot be killed in place of what it runs. Before
    // docker watches its memory it is not told of its lack.
    detached(&app, &["--memory=16"], "sleep 1; exec tail /dev/zero");
    all_is_over(&host, &app);
    recorded(&host, &app, 137, "oom");
    // Somebody removes it, and nobody has seen how it ended.
    let name = detached(&app, &[], &waits(6));
    gate.wait();
    kill_supervisor(&host);
    docker(&["container", "rm", "--force", "--volumes", &name]);
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    all_is_over(&host, &app);
    recorded(&host, &app, Value::Null, "lost");
}

/// A container that has ended with 3, and a journal that tells so much of it.
fn left(host: &Host, app: &App<'_>, marks: &[&str]) {
    let id = made(host, app, "exit 3", marks);
    docker(&["container", "start", &id]);
    docker(&["container", "wait", &id]);
}

/// One that was not started, and its journal. Gives its id.
fn made(host: &Host, app: &App<'_>, script: &str, marks: &[&str]) -> String {
    let name = format!("{}.run.1", app.name);
    let id = app.create_task_container(&name, &["dokku-oneoff.user=ada"], &["sh", "-c", script]);
    let head = json!({
        "app": app.name, "name": name, "type": "run", "command": ["sh"], "image": app.image(),
        "user": "ada", "detached": true, "created": "2026-01-01T00:00:00Z",
        "stop_timeout": 30, "time_to_live": null,
    });
    let marks: Vec<String> = marks
        .iter()
        .map(|mark| format!("[\"{id}\",{mark}]\n"))
        .collect();
    let marks = marks.concat();
    fs::create_dir_all(tasks(host)).unwrap();
    fs::write(tasks(host).join(&name), format!("{head}\n{marks}")).unwrap();
    id
}

#[test]
fn teardown_resumes_after_the_last_step_in_the_journal() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its journals are not ours to write
    }
    let app = host.app(Image::Busybox);
    let log = Log::of_exit_codes(&host, &app);
    let created = "\"created\"";
    for (marks, hook_log) in [
        (vec![created], "3\n"),
        (vec![created, "{\"hooks_fired\":3}"], ""),
        (vec![created, "{\"hooks_fired\":3}", "\"recorded\""], ""),
        // Torn, by a disk that was full.
        (vec![created, "{\"hooks_fired"], "3\n"),
    ] {
        for command in ["run:retire", "run:list"] {
            let before = records(&host, &app).len();
            left(&host, &app, &marks);
            assert_eq!(host.dokku([command, &app.name]).code, 0);
            all_is_over(&host, &app);
            assert_eq!(log.take(), hook_log, "{marks:?} {command}");
            let is_new = !marks.contains(&"\"recorded\"");
            let records = records(&host, &app).len() - before;
            assert_eq!(records, usize::from(is_new), "{marks:?}");
        }
    }
}

#[test]
fn commands_exit_125_when_docker_does_not_answer_in_time() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    for (words, call) in [
        (vec!["run", &app.name, "true"], "image inspect"),
        (vec!["run", &app.name, "true"], "container create"),
        (vec!["run:detached", &app.name, "true"], "container start"),
        (vec!["run:list", &app.name], "container ls"),
        (vec!["run:stop", &app.name], "container ls"),
    ] {
        host.dokku_ok(&["run:set", "--global", "docker-timeout", "1"]);
        // What it starts holds its pipes.
        host.replace_docker(&format!(
            "case \"$*\" in '{call} '*) sleep 600 & wait ;; esac; exec \"$DOCKER\" \"$@\""
        ));
        let before = Instant::now();
        let output = host.dokku(&words);
        let took = before.elapsed();
        host.set_docker(&which::which("docker").unwrap());
        host.dokku_ok(&["run:set", "--global", "docker-timeout"]);
        output.assert_refused(125, "docker did not answer within 1 seconds");
        assert!(took < Duration::from_secs(15), "{words:?} {call}: {took:?}");
        assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
        all_is_over(&host, &app);
    }
}

#[test]
fn timeout_properties_can_only_be_set_globally() {
    let host = Host::new();
    let app = host.app(Image::None);
    for name in ["docker-timeout", "hook-timeout"] {
        let output = host.dokku(["run:set", &app.name, name, "5"]);
        output.assert_refused(1, &format!("'{name}'"));
        host.dokku(["run:set", "--global", name, "0"])
            .assert_refused(1, "'0'");
    }
}
