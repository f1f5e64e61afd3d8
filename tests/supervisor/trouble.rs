//! What goes wrong around a task that is looked after.

use std::fs::{self, File};
use std::io::{PipeReader, Read, Write};
use std::time::{Duration, Instant};

use duct::cmd;
use serde_json::{Value, json};

use super::{
    all_is_over, detached, journals, kill_supervisor, left, none_left, recorded, records, tasks,
    waits,
};
use crate::recorded::Small;
use crate::support::{
    App, Gate, Host, Image, Log, docker, our_program, poll_for, record, signal, wait_until,
    write_lines,
};

/// A docker whose every call warns first, as with a configuration that it cannot read.
fn warns_first(host: &Host) {
    host.replace_docker(
        "echo 'WARNING: Error loading config file: /root/.docker/config.json: permission denied' >&2\n\
         exec \"$DOCKER\" \"$@\"",
    );
}

#[test]
fn a_warning_of_the_docker_client_does_not_hide_a_missing_container() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    warns_first(&host);
    let name = detached(&app, &[], &waits(6));
    gate.wait();
    kill_supervisor(&host);
    docker(&["container", "rm", "--force", "--volumes", &name]);
    let output = host.dokku(["run:retire", &app.name]);
    assert_eq!(output.code, 0, "{output:?}");
    all_is_over(&host, &app);
    recorded(&host, &app, Value::Null, "lost");
}

/// Clock ticks that a process has been computing for.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let numbers = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    numbers
        .skip(11)
        .take(2)
        .map(|number| number.parse::<u64>().unwrap_or(0))
        .sum()
}

#[test]
fn the_supervisor_uses_no_cpu_while_docker_hangs() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    host.dokku_ok(&["run:set", "--global", "docker-timeout", "1"]);
    host.replace_docker(
        "case \"$*\" in 'container inspect '*) exec sleep 600 ;; esac; exec \"$DOCKER\" \"$@\"",
    );
    fs::create_dir_all(tasks(&host)).unwrap();
    for number in 1..=24 {
        let name = format!("{}.run.{number}", app.name);
        fs::write(
            tasks(&host).join(name),
            format!("[\"{number:064}\",\"created\"]\n"),
        )
        .unwrap();
    }
    host.dokku(["run:list", &app.name]);
    let supervisor = wait_until("a supervisor", || host.supervisor());
    let computing = poll_for(Duration::from_secs(10), || {
        let ticks = ticks(supervisor);
        (ticks > 50).then_some(ticks)
    });
    host.set_docker(&which::which("docker").unwrap());
    signal(supervisor, "KILL");
    host.dokku_ok(&["run:set", "--global", "docker-timeout"]);
    host.dokku(["run:retire", &app.name]);
    all_is_over(&host, &app);
    assert_eq!(computing, None, "ticks");
}

#[test]
fn a_task_that_ends_before_its_deadline_is_recorded_as_exited() {
    const HOOKS: usize = 2;
    let host = Host::new();
    if !host.is_disposable() {
        return; // the hooks would hold up others
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let hook = format!(
        "[ \"$2\" != {} ] || {{ touch {1}/hook-$3; while [ ! -e {1}/go ]; do sleep 0.1; done; }}",
        app.name,
        gate.path("").display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    for _ in 0..HOOKS {
        detached(&app, &[], "exit 0");
    }
    wait_until("the app has no free lane for last steps", || {
        let files = fs::read_dir(gate.path("")).unwrap().flatten();
        let hooks = files.filter(|file| file.file_name().to_string_lossy().starts_with("hook-"));
        (hooks.count() == HOOKS).then_some(())
    });
    let script = "while [ ! -e /gate/end ]; do sleep 0.05; done; exit 5";
    let name = detached(&app, &["--timeout=10"], script);
    let started = Instant::now();
    // It is known by its start, and so is its deadline.
    wait_until("a part of its time", || {
        (started.elapsed() > Duration::from_secs(4)).then_some(())
    });
    fs::write(gate.path("end"), "").unwrap();
    let state = [
        "container",
        "inspect",
        "--format",
        "{{.State.Status}}",
        &name,
    ];
    wait_until("its end", || (docker(&state) == "exited").then_some(()));
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "a slow machine"
    );
    wait_until("its deadline", || {
        (started.elapsed() > Duration::from_secs(11)).then_some(())
    });
    gate.open();
    all_is_over(&host, &app);
    let mut ends = records(&host, &app);
    ends.sort_by_key(|(code, _)| code.as_u64());
    let exited = |code| (json!(code), "exited".to_owned());
    assert_eq!(ends, [exited(0), exited(0), exited(5)]);
}

#[test]
fn slow_hooks_of_one_app_do_not_delay_other_apps() {
    // More than there are lanes in all.
    const SLOW: usize = 9;
    let host = Host::new();
    if !host.is_disposable() {
        return; // the hooks would hold up others
    }
    let (slow, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    let log = Log::new();
    let fifo = log.path().with_extension("fifo");
    cmd!("mkfifo", &fifo).run().unwrap();
    // Held open, so that a hook that comes late gets its line, too.
    let mut lines = File::options().read(true).write(true).open(&fifo).unwrap();
    let hook = format!(
        "[ \"$2\" = {} ] || exit 0; echo $3 >>{}; read -r line <{}",
        slow.name,
        log.path().display(),
        fifo.display()
    );
    host.add_hook("oneoff-test-slow", "scheduler-post-run", &hook);
    for _ in 0..SLOW {
        detached(&slow, &[], "exit 3");
    }
    wait_until("the app's hooks hold its lanes", || {
        (log.read().lines().count() >= 2).then_some(())
    });
    for code in [4, 5, 6] {
        detached(&other, &[], &format!("exit {code}"));
    }
    none_left(&other);
    assert_eq!(records(&host, &other).len(), 3);
    assert_eq!(log.read().lines().count(), 2, "{}", log.read());
    assert_eq!(records(&host, &slow), []);
    lines.write_all(&b"go\n".repeat(SLOW)).unwrap();
    all_is_over(&host, &slow);
    assert_eq!(records(&host, &slow).len(), SLOW);
}

/// An attached task that has ended with 3, whose output nobody reads yet.
fn unread(host: &Host, app: &App<'_>, options: &[&str]) -> (duct::Handle, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let command = app.command(options, ["sh", "-c", "head -c 300000 /dev/zero; exit 3"]);
    let handle = command
        .stdin_null()
        .stdout_file(writer)
        .stderr_null()
        .unchecked()
        .start()
        .unwrap();
    // Its record is written before it is removed.
    wait_until("it has ended", || {
        let label = format!("label=com.dokku.app-name={}", app.name);
        let filters = ["--filter", &label, "--filter", "status=exited"];
        let ended = docker(&[&["container", "ls", "--all", "--quiet"][..], &filters].concat());
        (!ended.is_empty() || !records(host, app).is_empty()).then_some(())
    });
    (handle, reader)
}

#[test]
fn output_read_after_the_deadline_does_not_change_the_exit_status() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("ps:set", &["stop-timeout-seconds", "1"]);
    let (task, mut output) = unread(&host, &app, &["--timeout=6"]);
    let early = poll_for(Duration::from_secs(9), || {
        task.try_wait().unwrap().map(|_| ())
    });
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).unwrap();
    let code = task.wait().unwrap().status.code();
    none_left(&app);
    recorded(&host, &app, 3, "exited");
    assert_eq!((early, code, bytes.len()), (None, Some(3), 300_000));
}

#[test]
fn a_signal_after_the_end_of_the_task_does_not_change_its_record() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let (task, output) = unread(&host, &app, &[]);
    let run = our_program(task.pids()[0], "run").unwrap();
    let before = Instant::now();
    signal(run, "INT");
    let code = task.wait().unwrap().status.code();
    let took = before.elapsed();
    drop(output);
    none_left(&app);
    recorded(&host, &app, 3, "exited");
    assert_eq!(code, Some(3));
    // The stop timeout is 30 seconds.
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn an_orphaned_task_among_others_is_adopted_by_the_next_command() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    for _ in 0..5 {
        detached(&app, &[], &waits(0));
    }
    gate.wait();
    // It looks at all journals twice when it begins.
    let begun = Instant::now();
    wait_until("it has looked at all twice", || {
        (begun.elapsed() > Duration::from_secs(4)).then_some(())
    });
    let _ = fs::remove_file(gate.path("ready"));
    let caller = app
        .command(
            &["--timeout=8"],
            ["sh", "-c", "touch /gate/ready; sleep 100"],
        )
        .stdin_null()
        .stdout_null()
        .unchecked()
        .start()
        .unwrap();
    gate.wait();
    signal(our_program(caller.pids()[0], "run").unwrap(), "KILL");
    caller.wait().unwrap();
    host.dokku_ok(&["run:list", &app.name]);
    let found = poll_for(Duration::from_secs(20), || {
        let found = records(&host, &app);
        (!found.is_empty()).then_some(found)
    });
    host.dokku(["run:stop", &app.name]);
    host.dokku(["run:retire", &app.name]);
    all_is_over(&host, &app);
    assert_eq!(found, Some(vec![(json!(124), "deadline".to_owned())]));
}

/// The journals' directory has no space.
fn full(host: &Host) -> Option<Small> {
    let small = Small::at(&tasks(host))?;
    small.fill();
    Some(small)
}

#[test]
fn a_deadline_is_enforced_when_the_journal_disk_is_full() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have no journal
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    let Some(full) = full(&host) else {
        return; // nothing may be mounted here
    };
    detached(&app, &["--timeout=3"], &waits(6));
    gate.wait();
    none_left(&app);
    assert_eq!(log.read(), "124\n");
    recorded(&host, &app, 124, "deadline");
    drop(full);
}

/// A docker that removes no container while there is this file, and says why.
fn refuses_to_remove(host: &Host, gate: &Gate, why: &str) {
    let file = gate.path("refuse");
    fs::write(&file, "").unwrap();
    host.replace_docker(&format!(
        "case \"$*\" in 'container rm '*) [ ! -e {0} ] || {{ echo x >>{1}; echo 'Error response from daemon: {why}' >&2; exit 1; }} ;; esac\n\
         exec \"$DOCKER\" \"$@\"",
        file.display(),
        gate.path("refused").display()
    ));
}

#[test]
fn hooks_fire_once_when_the_disk_is_full_and_the_removal_fails() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have no journal
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    refuses_to_remove(&host, &gate, "a fault of the test");
    let Some(full) = full(&host) else {
        return; // nothing may be mounted here
    };
    detached(&app, &[], "exit 5");
    let refused = || fs::read_to_string(gate.path("refused")).unwrap_or_default();
    wait_until("it was tried several times", || {
        (refused().lines().count() > 3).then_some(())
    });
    fs::remove_file(gate.path("refuse")).unwrap();
    none_left(&app);
    assert_eq!(log.read(), "5\n");
    assert_eq!(records(&host, &app).len(), 1);
    drop(full);
}

#[test]
fn a_concurrent_removal_that_fails_leaves_the_journal() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = Log::of_exit_codes(&host, &app);
    refuses_to_remove(&host, &gate, "removal of container is already in progress");
    assert_eq!(app.sh("exit 5").code, 5);
    assert_eq!(journals(&host, &app).len(), 1);
    fs::remove_file(gate.path("refuse")).unwrap();
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    all_is_over(&host, &app);
    assert_eq!(log.read(), "5\n");
}

#[test]
fn run_waits_silently_for_a_concurrent_removal() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    host.replace_docker(
        "case \"$*\" in 'container rm '*)\n\
         { sleep 1; exec \"$DOCKER\" \"$@\"; } >/dev/null 2>&1 </dev/null &\n\
         echo 'Error response from daemon: removal of container is already in progress' >&2; exit 1 ;;\n\
         esac\n\
         exec \"$DOCKER\" \"$@\"",
    );
    let output = app.sh("exit 5");
    assert_eq!((output.code, output.stderr.as_str()), (5, ""));
    assert_eq!(app.containers(), [""; 0]);
    assert_eq!(journals(&host, &app), [""; 0]);
}

#[test]
fn a_recorded_container_without_a_journal_fires_no_hook_again() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its journals are not ours to write
    }
    let app = host.app(Image::Busybox);
    let log = Log::of_exit_codes(&host, &app);
    left(&host, &app, &["\"created\""]);
    let mut told = record(&app, 1, 1, 3);
    let keys = told.as_object_mut().unwrap();
    keys.retain(|key, _| !["version", "id"].contains(&key.as_str()));
    // In our order: the id is looked for at the beginning.
    let id = &app.containers()[0];
    let line = format!(
        "{{\"version\":1,\"id\":\"{id}\",{}\n",
        &told.to_string()[1..]
    );
    write_lines(&host, &app, &line);
    fs::remove_file(tasks(&host).join(format!("{}.run.1", app.name))).unwrap();
    assert_eq!(host.dokku(["run:retire", &app.name]).code, 0);
    all_is_over(&host, &app);
    assert_eq!(log.read(), "");
    assert_eq!(records(&host, &app).len(), 1);
}

/// A journal of something else holds up nobody, and is said once.
#[test]
fn a_damaged_journal_is_set_aside() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its journals are not ours to write
    }
    let app = host.app(Image::Busybox);
    let head = |app: &str, name: &str| {
        json!({
            "app": app, "name": name, "type": "run", "command": ["sh"], "image": "i",
            "user": "ada", "detached": true, "created": "2026-01-01T00:00:00Z",
            "stop_timeout": 30, "time_to_live": null,
        })
    };
    let id = "a".repeat(64);
    let named = |number: u32| format!("{}.run.{number}", app.name);
    let usage = "Usage:  docker container create [OPTIONS]";
    let damaged = [
        (named(2), head(&app.name, &named(2)), usage),
        (named(3), head(&app.name, &named(3)), ""),
        (named(4), head(&app.name, &named(4)), &id[1..]),
        (named(5), head("../../tmp", &named(5)), &id),
        (named(6), head("", &named(6)), &id),
        (named(7), head(&app.name, &named(8)), &id),
    ];
    for path in ["run:retire", "run:list"] {
        left(&host, &app, &["\"created\""]);
        for (name, head, id) in &damaged {
            let line = json!([id, "created"]);
            fs::write(tasks(&host).join(name), format!("{head}\n{line}\n")).unwrap();
        }
        if path == "run:list" {
            // The supervisor that it wakes takes the steps of the one, and ends.
            assert_eq!(host.dokku([path, &app.name]).code, 0);
            none_left(&app);
            wait_until("the supervisor has ended", || {
                host.supervisor().is_none().then_some(())
            });
        }
        let output = host.dokku(["run:retire"]);
        assert_eq!(output.code, 0, "{output:?}");
        for (name, _, _) in &damaged {
            let kept = host.library().join("data/oneoff/damaged").join(name);
            assert!(
                output.stderr.contains(&kept.display().to_string()),
                "{output:?}"
            );
            assert!(kept.exists(), "{name}");
        }
        assert_eq!(output.stderr.lines().count(), damaged.len(), "{output:?}");
        all_is_over(&host, &app);
        let again = host.dokku(["run:retire"]);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""));
        recorded(&host, &app, 3, "exited");
    }
}

/// Docker's description of one container cannot be read: the others are supervised.
#[test]
fn an_unreadable_container_does_not_affect_others() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    for change in ["s/^.*$/nonsense/", "s/^\\[/{/"] {
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        let bad = detached(&app, &[], &waits(6));
        gate.wait();
        let other = detached(&app, &[], Gate::WAIT[2]);
        gate.wait();
        kill_supervisor(&host);
        // One line of many, wherever docker is asked.
        host.replace_docker(&format!(
            "case \"$*\" in 'container inspect --format ['*|'container ls '*) \"$DOCKER\" \"$@\" | sed '/{bad}/{change}' ;;
            *) exec \"$DOCKER\" \"$@\" ;; esac"
        ));
        gate.open();
        docker(&["container", "wait", &other]);
        let list = host.dokku(["run:list", "--format=json", "--all", &app.name]);
        let swept = host.dokku(["run:retire", &app.name]);
        let there = app.containers().len();
        host.set_docker(&which::which("docker").unwrap());
        // The supervisor of `run:list` still has that docker.
        kill_supervisor(&host);
        host.dokku(["run:stop", "--container", &bad]);
        all_is_over(&host, &app);
        assert_eq!(list.code, 0, "{list:?}");
        assert_eq!((swept.code, there), (1, 1), "{swept:?}");
        assert!(!swept.stderr.contains(&other), "{swept:?}");
        let ends = records(&host, &app);
        assert_eq!(ends[0], (0.into(), "exited".to_owned()));
        assert_ne!(ends[1].1, "lost");
    }
}

#[test]
fn a_task_gets_sigterm_once_when_docker_reports_a_failed_delivery() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    // As for several of which one has ended.
    host.replace_docker(
        "case \"$*\" in 'container kill '*) \"$DOCKER\" \"$@\"; exit 1 ;; esac; exec \"$DOCKER\" \"$@\"",
    );
    let script = "trap 'echo term >>/gate/terms' TERM; touch /gate/ready
        while [ ! -e /gate/terms ]; do sleep 0.05; done
        for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; done; exit 6";
    detached(&app, &["--timeout=4"], script);
    gate.wait();
    all_is_over(&host, &app);
    recorded(&host, &app, 124, "deadline");
    assert_eq!(fs::read_to_string(gate.path("terms")).unwrap(), "term\n");
}
