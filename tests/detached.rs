//! `dokku run:detached`: its caller goes on while the task runs.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{App, Gate, Host, Image, Log, Output, docker, run_to_end, wait_until};

const COMMAND: &str = "run:detached";

fn detached<'a>(
    app: &App<'_>,
    options: &[&str],
    command: impl IntoIterator<Item = &'a str>,
) -> Output {
    run_to_end(&app.subcommand(COMMAND, options, command).stdin_null())
}

/// A container's name on a line of its own, and nothing else.
#[track_caller]
fn name_of(app: &App<'_>, output: &Output) -> String {
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    let name = output.stdout.strip_suffix('\n').expect("a line");
    let number = name.strip_prefix(&format!("{}.run.", app.name));
    assert!(
        number.is_some_and(|number| number.parse::<u32>().is_ok()),
        "{name:?}"
    );
    name.to_owned()
}

/// Writes down each end of a task of the app's: scheduler, container and its
/// state, exit code.
fn ends(host: &Host, app: &App<'_>) -> Log {
    let log = Log::new();
    let hook = format!(
        "[ \"$2\" != {} ] || echo \"$1 $(docker container inspect --format '{{{{.Name}}}} {{{{.State.Status}}}}' $3) $4\" >>{}",
        app.name,
        log.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    log
}

/// Waits until the app has no container, and gives the lines of its tasks' ends.
#[track_caller]
fn ended(app: &App<'_>, log: &Log) -> Vec<String> {
    wait_until("the containers are removed", || {
        app.containers().is_empty().then_some(())
    });
    log.take().lines().map(str::to_owned).collect()
}

/// The line of a task that ran.
fn end(name: &str, code: i32) -> String {
    format!("docker-local /{name} exited {code}")
}

fn inspect(container: &str, format: &str) -> String {
    docker(&["container", "inspect", "--format", format, container])
}

#[test]
fn detached_prints_the_container_name_while_the_task_runs() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = ends(&host, &app);
    let name = name_of(&app, &detached(&app, &[], Gate::WAIT));
    gate.wait();
    assert_eq!(inspect(&name, "{{.State.Status}}"), "running");
    assert_eq!(log.read(), "", "not before its end");
    gate.open();
    assert_eq!(ended(&app, &log), [end(&name, 0)]);
}

#[test]
fn a_detached_container_has_the_labels_and_settings_of_a_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    for (options, deadline) in [
        (&[][..], "86400"),
        (&["--ttl-seconds=600", "--label=team=ops"], "600"),
    ] {
        gate.close();
        let name = name_of(&app, &detached(&app, options, Gate::WAIT));
        gate.wait();
        let label =
            |label: &str| inspect(&name, &format!("{{{{index .Config.Labels \"{label}\"}}}}"));
        assert_eq!(label("com.dokku.container-type"), "run");
        assert_eq!(label("com.dokku.app-name"), app.name);
        assert_eq!(label("com.dokku.active-deadline-seconds"), deadline);
        assert_eq!(inspect(&name, "{{.HostConfig.AutoRemove}}"), "false");
        assert_eq!(
            inspect(&name, "{{.Config.OpenStdin}} {{.Config.Tty}}"),
            "false false"
        );
        let number = name.rsplit('.').next().unwrap();
        let environment = inspect(&name, "{{range .Config.Env}}{{println .}}{{end}}");
        assert!(
            environment.contains(&format!("DYNO=run.{number}\n")),
            "{environment}"
        );
        gate.open();
        ended(&app, &Log::new());
    }
}

#[test]
fn the_post_run_hook_receives_the_exit_code_of_a_detached_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = ends(&host, &app);
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137)] {
        let name = name_of(&app, &detached(&app, &[], ["sh", "-c", script]));
        assert_eq!(ended(&app, &log), [end(&name, code)], "{script}");
    }
}

/// Everything that comes out of a pipe until nobody can write to it any more.
#[track_caller]
fn all_of(mut pipe: impl Read + Send + 'static) -> String {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = sender.send(pipe.read_to_string(&mut text).map(|_| text));
    });
    receiver
        .recv_timeout(Duration::from_secs(20))
        .expect("the pipe is closed while the task runs")
        .unwrap()
}

#[test]
fn detached_closes_the_pipes_of_its_caller() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let words = [[COMMAND, &app.name].as_slice(), &Gate::WAIT].concat();
    // The pipe is its stdout, its stderr, and a file that it knows nothing of.
    for by in [
        "exec \"$@\"",
        "exec \"$@\" 3>&1",
        "exec \"$@\" 3>&1 200>&1 >&2",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        let command = host
            .command_by(by, &words)
            .stdin_null()
            .stderr_file(writer.try_clone().unwrap())
            .stdout_file(writer);
        let handle = command.start().unwrap();
        drop(command);
        assert!(handle.wait().unwrap().status.success());
        drop(handle);
        gate.wait();
        let said = all_of(reader);
        let output = Output {
            code: 0,
            stdout: said,
            stderr: String::new(),
        };
        assert_eq!(
            inspect(&name_of(&app, &output), "{{.State.Status}}"),
            "running",
            "{by}"
        );
    }
    gate.open();
    ended(&app, &Log::new());
}

#[test]
fn detached_does_not_read_the_stdin_of_its_caller() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("input");
    fs::write(&path, "one\ntwo\n").unwrap();
    let mut input = File::open(&path).unwrap();
    let gate = Gate::new(&app);
    for (options, code) in [(&[][..], "0"), (&["--force-tty"], "1")] {
        // A terminal's input never ends: only then `read` would wait.
        let script = format!("[ -t 0 ] || cat >/gate/got; echo {code} >/gate/ended");
        // The file's position is one for us and for all that it is handed to.
        let shared = input.try_clone().unwrap();
        let command = app.subcommand(COMMAND, options, ["sh", "-c", &script]);
        name_of(&app, &run_to_end(&command.stdin_file(shared)));
        ended(&app, &Log::new());
        assert_eq!(fs::read_to_string(gate.path("ended")).unwrap().trim(), code);
        assert_eq!(input.stream_position().unwrap(), 0, "{options:?}");
    }
    assert_eq!(fs::read_to_string(gate.path("got")).unwrap(), "");
}

#[test]
fn force_tty_gives_a_detached_task_a_terminal() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = "for n in 0 1 2; do if [ -t $n ]; then echo $n >>/gate/terminals; fi; done; touch /gate/terminals";
    for (options, terminals) in [
        (&["--force-tty"][..], "0\n1\n2\n"),
        (&["--no-tty"], ""),
        (&[], ""),
    ] {
        name_of(&app, &detached(&app, options, ["sh", "-c", script]));
        ended(&app, &Log::new());
        let found = fs::read_to_string(gate.path("terminals")).unwrap();
        assert_eq!(found, terminals, "{options:?}");
        fs::remove_file(gate.path("terminals")).unwrap();
    }
    detached(&app, &["--force-tty", "--no-tty"], ["true"])
        .assert_refused(1, "Cannot specify both --force-tty and --no-tty");
}

#[test]
fn a_detached_task_is_stopped_at_its_deadline() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("ps:set", &["stop-timeout-seconds", "1"]);
    let log = ends(&host, &app);
    for trap in ["exit 0", ""] {
        let script = format!("trap '{trap}' TERM; while :; do sleep 0.1; done");
        let name = name_of(
            &app,
            &detached(&app, &["--timeout", "1"], ["sh", "-c", &script]),
        );
        assert_eq!(ended(&app, &log), [end(&name, 124)], "{trap:?}");
    }
}

#[test]
fn a_detached_task_exits_127_when_its_command_is_not_found() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = ends(&host, &app);
    // The init process starts, and it does not find the command.
    let name = name_of(&app, &detached(&app, &[], ["no-such-command"]));
    assert_eq!(ended(&app, &log), [end(&name, 127)]);

    app.dokku_ok("scheduler-docker-local:set", &["init-process", "false"]);
    let output = detached(&app, &[], ["no-such-command"]);
    output.assert_refused(127, "no-such-command");
    assert_eq!(app.containers(), [""; 0]);
    let told = log.take();
    assert!(told.ends_with(" created 127\n"), "{told:?}");
}

#[test]
fn detached_reports_the_procfile_entry_on_stderr() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    app.procfile("job: touch /gate/entry\n");
    let mut output = detached(&app, &[], ["job", "/gate/own word"]);
    assert_eq!(
        output.stderr,
        "-----> Found 'job' in Procfile, running that command\n"
    );
    output.stderr.clear();
    name_of(&app, &output);
    ended(&app, &Log::new());
    assert!(gate.path("entry").exists() && gate.path("own word").exists());

    let quiet = host.dokku(["--quiet", COMMAND, &app.name, "job"]);
    name_of(&app, &quiet);
    ended(&app, &Log::new());
}

#[test]
fn a_failing_create_hook_leaves_no_detached_container() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = ends(&host, &app);
    let hook = format!("[ \"$3\" != {} ] || exit 7", app.name);
    host.add_hook("oneoff-test-create", "post-container-create", &hook);
    let output = detached(&app, &[], ["true"]);
    output.assert_refused(
        7,
        "hook 'post-container-create' of plugin 'oneoff-test-create' failed",
    );
    assert_eq!(app.containers(), [""; 0]);
    assert_eq!(log.read(), "", "no task has ended");
}

#[test]
fn a_signal_before_the_start_leaves_no_detached_container() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    host.replace_docker(
        "case \"$1 $2\" in\n\
         'container create') \"$DOCKER\" \"$@\" && kill -TERM $PPID && sleep 1 ;;\n\
         'container start') echo never >&2; exit 1 ;;\n\
         *) exec \"$DOCKER\" \"$@\" ;;\nesac",
    );
    let output = detached(&app, &[], ["true"]);
    host.set_docker(&which::which("docker").unwrap());
    assert_eq!(
        output,
        Output {
            code: 143,
            stdout: String::new(),
            stderr: String::new()
        }
    );
    assert_eq!(app.containers(), [""; 0]);
}

#[test]
fn ten_parallel_detached_tasks_each_report_their_own_exit_code() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let log = ends(&host, &app);
    let mut expected: Vec<String> = std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..10)
            .map(|code| {
                let app = &app;
                let script = format!("exit {code}");
                scope.spawn(move || {
                    end(
                        &name_of(app, &detached(app, &[], ["sh", "-c", &script])),
                        code,
                    )
                })
            })
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });
    expected.sort();
    let mut told = ended(&app, &log);
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn an_invalid_option_is_reported_with_the_usage_of_detached() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (option, named) in [
        ("--wrong", "'--wrong'"),
        ("--ttl-seconds=0", "'0'"),
        ("--env=KEY", "'KEY'"),
    ] {
        let output = detached(&app, &[option], ["true"]);
        output.assert_refused(1, named);
        let usage = "Usage: dokku run:detached [options] <app> [<cmd>...]";
        assert!(output.stderr.contains(usage), "{output:?}");
    }
    assert_eq!(app.containers(), [""; 0]);
    host.dokku([COMMAND]).assert_refused(20, "does not exist");
}

#[test]
fn detached_dry_run_creates_no_container() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = detached(&app, &["--dry-run"], ["sleep", "60"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(
        output.stdout.starts_with("docker container create "),
        "{output:?}"
    );
    assert!(!output.stdout.contains("--interactive"), "{output:?}");
    assert_eq!(app.containers(), [""; 0]);
}
