//! An app that another scheduler runs: its plugin's hook does the work.

use std::fs;
use std::path::Path;

use crate::support::{App, Host, Image, Log, Output, run_to_end, signal_ours, wait_until};

/// What every hook finds, whatever was asked for.
const USUAL: &str = "DOKKU_CONCURRENCY_POLICY=allow DOKKU_CRON_ID= DOKKU_RM_CONTAINER=1 DOKKU_RUN_TTL_SECONDS=86400";

/// An app of scheduler `other`, without an image: none of ours is asked for.
fn app(host: &Host) -> App<'_> {
    let app = host.app(Image::None);
    app.dokku_ok("scheduler:set", &["selected", "other"]);
    app
}

/// Makes the script the hook of scheduler `other`, for this app's tasks.
fn serve(host: &Host, app: &App<'_>, plugin: &str, script: &str) {
    let name = &app.name;
    let ours = format!("[ \"$1 $2\" = 'other {name}' ] || exit 0\n{script}");
    host.add_hook(plugin, "scheduler-run", &ours);
}

/// A hook that writes down its arguments, each between brackets, and the variables.
fn record(host: &Host, app: &App<'_>) -> Log {
    let log = Log::new();
    let names = "RM_CONTAINER|DETACH_CONTAINER|DISABLE_TTY|FORCE_TTY|RUN_TTL_SECONDS|CRON_ID|CONCURRENCY_POLICY";
    let script = format!(
        "{{ printf '[%s]' \"$@\"; echo; env | grep -E '^DOKKU_({names})=' | LC_ALL=C sort; }} >>{}",
        log.path().display()
    );
    serve(host, app, "oneoff-test-scheduler", &script);
    log
}

/// Arguments and variables as the hook writes them down.
fn call(app: &App<'_>, arguments: &[&str], variables: &str) -> String {
    let words = ["other", &app.name];
    let words: String = words
        .iter()
        .chain(arguments)
        .flat_map(|word| ["[", word, "]"])
        .collect();
    format!("{words}\n{}\n", variables.replace(' ', "\n"))
}

#[track_caller]
fn assert_called(output: &Output, log: &Log, expected: &str) {
    output.assert_stdout("");
    assert_eq!(log.take(), expected);
}

#[test]
fn the_scheduler_hook_receives_the_command_word_by_word() {
    let host = Host::new();
    let app = app(&host);
    let log = record(&host, &app);
    // Looking up an entry is the scheduler's.
    app.procfile("job: echo from the entry\n");
    for command in [
        &["ls", "-l", "--help"][..],
        &["job", "a b", "", "$(id)", "two\nlines", "--", "*"],
        &[],
    ] {
        let output = app.run(command.iter().copied());
        let arguments = [&["0", "--"], command].concat();
        assert_called(&output, &log, &call(&app, &arguments, USUAL));
    }
    let literal = app.run(["--", "ls"]);
    assert_called(&literal, &log, &call(&app, &["0", "--", "ls"], USUAL));
}

#[test]
fn the_scheduler_hook_receives_each_env_option_as_an_argument() {
    let host = Host::new();
    let app = app(&host);
    let log = record(&host, &app);
    // Config is the scheduler's to ask for.
    app.config("FROM_CONFIG", "x");
    let options = [
        "-e",
        "A=b c",
        "--env=B=",
        "-e=C=$(id)",
        "--env",
        "D=two\nlines",
    ];
    let output = app.run_with(&options, ["ls"]);
    let arguments = ["4", "A=b c", "B=", "C=$(id)", "D=two\nlines", "--", "ls"];
    assert_called(&output, &log, &call(&app, &arguments, USUAL));
}

#[test]
fn the_scheduler_hook_receives_the_other_options_as_variables() {
    let host = Host::new();
    let app = app(&host);
    let log = record(&host, &app);
    let rest = "DOKKU_RM_CONTAINER=1 DOKKU_RUN_TTL_SECONDS";
    let day = format!("{rest}=86400");
    let allow = "DOKKU_CONCURRENCY_POLICY=allow DOKKU_CRON_ID=";
    let detach = "DOKKU_DETACH_CONTAINER=1";
    for (command, options, variables) in [
        ("run", &[][..], format!("{allow} {day}")),
        (
            "run",
            &["--no-tty"],
            format!("{allow} DOKKU_DISABLE_TTY=true {day}"),
        ),
        (
            "run",
            &["--force-tty"],
            format!("{allow} DOKKU_FORCE_TTY=true {day}"),
        ),
        ("run", &["--ttl-seconds", "5"], format!("{allow} {rest}=5")),
        ("run", &["--timeout=2m"], format!("{allow} {rest}=120")),
        ("run", &["--cron-id=abc"], format!("{allow}abc {day}")),
        (
            "run",
            &["--cron-id=abc", "--concurrency-policy=forbid"],
            format!("DOKKU_CONCURRENCY_POLICY=forbid DOKKU_CRON_ID=abc {day}"),
        ),
        (
            "run",
            &["--cron-id=abc", "--concurrency-policy", "replace"],
            format!("DOKKU_CONCURRENCY_POLICY=replace DOKKU_CRON_ID=abc {day}"),
        ),
        (
            "run:detached",
            &[],
            format!("{allow} {detach} DOKKU_DISABLE_TTY=true {day}"),
        ),
        (
            "run:detached",
            &["--force-tty"],
            format!("{allow} {detach} DOKKU_FORCE_TTY=true {day}"),
        ),
        (
            "run:detached",
            &["--no-tty", "--ttl-seconds=5", "--cron-id=abc"],
            format!("{allow}abc {detach} DOKKU_DISABLE_TTY=true {rest}=5"),
        ),
    ] {
        let output = run_to_end(&app.subcommand(command, options, ["ls"]).stdin_null());
        assert_called(&output, &log, &call(&app, &["0", "--", "ls"], &variables));
    }
}

#[test]
fn run_exits_with_the_exit_code_of_the_scheduler_hook() {
    let host = Host::new();
    let app = app(&host);
    for (script, code) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 125", 125),
        ("kill -KILL $$", 137),
    ] {
        serve(
            &host,
            &app,
            "oneoff-test-scheduler",
            &format!("echo out; echo err >&2; {script}"),
        );
        for command in ["run", "run:detached"] {
            let output = run_to_end(&app.subcommand(command, &[], ["ls"]).stdin_null());
            assert_eq!(
                (output.code, output.stdout.as_str(), output.stderr.as_str()),
                (code, "out\n", "err\n"),
                "{command}: {script}"
            );
        }
    }
}

#[test]
fn a_pipe_of_10_megabytes_passes_through_the_scheduler_hook_unchanged() {
    let host = Host::new();
    let app = app(&host);
    serve(
        &host,
        &app,
        "oneoff-test-scheduler",
        "echo and errors >&2; exec cat",
    );
    let mut random = fastrand::Rng::with_seed(3);
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(10_000_000)
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let (sent, received) = (
        directory.path().join("sent"),
        directory.path().join("received"),
    );
    fs::write(&sent, &bytes).unwrap();
    let run = duct::cmd!("cat", &sent)
        .pipe(app.command(&[], ["ls"]))
        .stdout_path(&received)
        .stderr_capture();
    let output = Output::new(&run.unchecked().run().unwrap());
    assert_eq!((output.code, output.stderr.as_str()), (0, "and errors\n"));
    assert!(fs::read(&received).unwrap() == bytes);

    let without = run_to_end(
        &app.command(&["--no-stdin"], ["ls"])
            .stdin_bytes("never read"),
    );
    assert_eq!((without.code, without.stdout.as_str()), (0, ""));
}

#[test]
fn a_signal_to_run_reaches_the_scheduler_hook() {
    let host = Host::new();
    let app = app(&host);
    let log = Log::new();
    let script = format!(
        "trap 'echo told $signal; exit 9' TERM INT HUP\necho ready >{}\nfor n in $(seq 600); do sleep 0.05; done; exit 1",
        log.path().display()
    );
    for signal in ["TERM", "INT", "HUP"] {
        serve(
            &host,
            &app,
            "oneoff-test-scheduler",
            &script.replace("$signal", signal),
        );
        let command = app
            .command(&[], ["ls"])
            .stdin_null()
            .stdout_capture()
            .stderr_capture();
        let handle = command.unchecked().start().unwrap();
        wait_until("the hook runs", || (log.read() == "ready\n").then_some(()));
        log.take();
        signal_ours(handle.pids()[0], "run", signal);
        let output = Output::new(handle.wait().unwrap());
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (9, format!("told {signal}\n").as_str()),
            "{output:?}"
        );
    }
}

#[test]
fn scheduler_hooks_run_in_plugin_order_until_one_fails() {
    let host = Host::new();
    let app = app(&host);
    let log = Log::new();
    // Written down by every hook, whoever its scheduler is.
    let add = |plugin: &str, code: i32| {
        let script = format!("echo {plugin} $1 >>{}\nexit {code}", log.path().display());
        let ours = format!("[ \"$2\" = {} ] || exit 0\n{script}", app.name);
        host.add_hook(plugin, "scheduler-run", &ours);
    };
    add("oneoff-test-c", 0);
    add("oneoff-test-a", 0);
    add("oneoff-test-b", 0);
    assert_eq!(app.run(["ls"]).code, 0);
    assert_eq!(
        log.take(),
        "oneoff-test-a other\noneoff-test-b other\noneoff-test-c other\n"
    );
    add("oneoff-test-b", 4);
    assert_eq!(app.run(["ls"]).code, 4);
    assert_eq!(log.take(), "oneoff-test-a other\noneoff-test-b other\n");
}

#[test]
fn options_without_a_scheduler_hook_equivalent_are_refused() {
    let host = Host::new();
    let app = app(&host);
    let log = record(&host, &app);
    for option in [
        "--memory=64m",
        "--cpus=1",
        "--user=app",
        "--workdir=/tmp",
        "--label=team=ops",
        "--timeout=none",
        "--shell",
    ] {
        let name = option.split('=').next().unwrap();
        for command in ["run", "run:detached"] {
            let output = run_to_end(&app.subcommand(command, &[option], ["ls"]).stdin_null());
            output.assert_refused(1, name);
            assert!(
                output
                    .stderr
                    .contains("cannot be passed on to the app's scheduler 'other'")
            );
            assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
        }
    }
    assert_eq!(log.read(), "");
}

#[test]
fn the_ttl_property_none_is_accepted_for_another_scheduler() {
    let host = Host::new();
    let app = app(&host);
    let log = record(&host, &app);
    app.dokku_ok("run:set", &["ttl-seconds", "none"]);
    let output = app.run(["ls"]);
    let variables = USUAL.replace(" DOKKU_RUN_TTL_SECONDS=86400", "");
    assert_called(&output, &log, &call(&app, &["0", "--", "ls"], &variables));
    app.run_with(&["--timeout=none"], ["ls"])
        .assert_refused(1, "--timeout none");
}

#[test]
fn a_global_label_reaches_the_scheduler_hook_in_the_global_flags() {
    let host = Host::new();
    let app = app(&host);
    let log = Log::new();
    let script = format!("echo \"$DOKKU_GLOBAL_FLAGS\" >>{}", log.path().display());
    serve(&host, &app, "oneoff-test-scheduler", &script);
    host.dokku(["--label=team=ops", "run", &app.name, "ls"])
        .assert_stdout("");
    assert_eq!(log.take(), "--label=team=ops\n");
    host.dokku([
        "--label=team=ops",
        "run",
        "--label=team=own",
        &app.name,
        "ls",
    ])
    .assert_refused(1, "'--label' cannot be passed on");
    assert_eq!(log.read(), "");
}

#[test]
fn run_and_detached_report_a_scheduler_that_no_plugin_serves() {
    let host = Host::new();
    let app = app(&host);
    // Core's plugins answer to their own names, and pass all others over with success.
    if host.is_disposable() {
        host.add_hook("scheduler-k3s", "scheduler-run", "exit 0");
    }
    for command in ["run", "run:detached"] {
        run_to_end(&app.subcommand(command, &[], ["ls"]).stdin_null()).assert_refused(
            1,
            "the app's scheduler is 'other', and no enabled plugin runs tasks on it",
        );
    }
}

#[test]
fn dry_run_prints_the_scheduler_trigger_without_firing_it() {
    let host = Host::new();
    let app = app(&host);
    let log = record(&host, &app);
    let options = ["--dry-run", "-e", "SECRET=a b", "--no-tty"];
    let output = app.run_with(&options, ["echo", "two words"]);
    output.assert_stdout(&format!(
        "plugn trigger scheduler-run other {} 1 'SECRET=***' -- echo 'two words'\n  \
         DOKKU_RM_CONTAINER=1\n  DOKKU_DISABLE_TTY=true\n  DOKKU_RUN_TTL_SECONDS=86400\n  \
         DOKKU_CRON_ID=\n  DOKKU_CONCURRENCY_POLICY=allow\n",
        app.name
    ));
    assert_eq!(log.read(), "");
    app.run_with(&["--dry-run", "--user=app"], ["ls"])
        .assert_refused(1, "--user");
}

#[test]
fn a_task_of_another_scheduler_needs_no_docker_client() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be taken away
    }
    let app = app(&host);
    let log = record(&host, &app);
    host.set_docker(Path::new("/no/such/docker"));
    let output = app.run(["ls"]);
    // Destroying the app needs docker again.
    host.set_docker(&which::which("docker").unwrap());
    assert_called(&output, &log, &call(&app, &["0", "--", "ls"], USUAL));
}
