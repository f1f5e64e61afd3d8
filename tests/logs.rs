//! `run:logs`

use std::fs;
use std::io::Read;
use std::time::{Duration, Instant};

use duct::cmd;

use crate::support::{
    App, Gate, Host, Image, Output, Terminal, docker, our_program, poll_for, run_to_end, wait_until,
};

fn end(app: &App<'_>, gate: &Gate) {
    gate.open();
    wait_until("the tasks have ended", || {
        app.containers().is_empty().then_some(())
    });
}

fn number(name: &str) -> &str {
    name.rsplit('.').next().unwrap()
}

/// The line without its time, which must be one.
fn without_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.len() > 20 && time.ends_with('Z'), "{line}");
    rest
}

#[test]
fn logs_interleave_tasks_by_time_with_their_names() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let detached = |script: &str| {
        let output = host.dokku(["run:detached", &app.name, "sh", "-c", script]);
        output.stdout.trim().to_owned()
    };
    let until = |file: &str| format!("while [ ! -e /gate/{file} ]; do sleep 0.05; done");
    let one = detached(&format!(
        "echo first; {}; echo third; {}",
        until("third"),
        until("go")
    ));
    app.wait_logged(&one, 1);
    let two = detached(&format!("echo second; {}", until("go")));
    app.wait_logged(&two, 1);
    fs::write(gate.path("third"), "").unwrap();
    app.wait_logged(&one, 2);
    let output = host.dokku(["run:logs", &app.name]);
    end(&app, &gate);
    let lines: Vec<&str> = output.stdout.lines().map(without_time).collect();
    let expected = [(&one, "first"), (&two, "second"), (&one, "third")]
        .map(|(name, line)| format!("app[{}]: {line}", number(name)));
    assert_eq!(lines, expected);
}

#[test]
fn logs_start_at_most_sixteen_docker_clients() {
    const COUNT: usize = 18;
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    let label = format!("com.dokku.app-name={}", app.name);
    let image = app.image();
    let ids: Vec<String> = (1..=COUNT)
        .map(|number| {
            let name = format!("{}.run.{number}", app.name);
            let labels = ["--label", "com.dokku.container-type=run", "--label", &label];
            let words = [
                &["container", "create", "--network=none", "--name", &name][..],
                &labels,
            ];
            let script = format!("echo line {number}; exec sleep 600");
            docker(&[&words.concat()[..], &[&image, "sh", "-c", &script]].concat())
        })
        .collect();
    let words: Vec<&str> = ids.iter().map(String::as_str).collect();
    docker(&[&["container", "start"], &words[..]].concat());
    for id in &ids {
        app.wait_logged(id, 1);
    }
    let (clients, go) = (tempfile::tempdir().unwrap(), Gate::new(&app));
    host.replace_docker(&format!(
        "case \"$*\" in 'container logs '*) touch {}/$$; \
         while [ ! -e {} ]; do sleep 0.05; done ;; esac; exec \"$DOCKER\" \"$@\"",
        clients.path().display(),
        go.path("go").display()
    ));
    let count = || fs::read_dir(clients.path()).unwrap().count();
    let logs = host
        .command(["run:logs", &app.name])
        .stdin_null()
        .stdout_capture();
    let logs = logs.stderr_capture().unchecked().start().unwrap();
    wait_until("sixteen clients", || (count() >= 16).then_some(()));
    let more = poll_for(Duration::from_secs(1), || (count() > 16).then_some(()));
    go.open();
    let output = Output::new(logs.wait().unwrap());
    let words = ["run:logs", "-t", &app.name];
    let followed = host.command_by("exec timeout 20 \"$@\"", &words);
    let followed = run_to_end(&followed.stdin_null());
    host.set_docker(&which::which("docker").unwrap());
    for id in &ids {
        docker(&["container", "rm", "--force", id]);
    }
    assert_eq!((more, output.code), (None, 0), "{output:?}");
    let mut lines: Vec<&str> = output.stdout.lines().map(without_time).collect();
    lines.sort_unstable();
    let mut expected: Vec<String> = (1..=COUNT)
        .map(|number| format!("app[{number}]: line {number}"))
        .collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    followed.assert_refused(1, "has 18 tasks, and --tail follows 16 at most");
}

#[test]
fn logs_quiet_prints_the_exact_bytes_of_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = app.writes(&gate, "echo a b; echo; printf '%040000d\\n' 7", 3);
    let output = host.dokku(["run:logs", "-q", "-n", "all", "--container", &name]);
    end(&app, &gate);
    output.assert_stdout(&format!("a b\n\n{:040000}\n", 7));
}

#[test]
fn logs_merge_stderr_by_default_and_separate_it_on_request() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    // Docker reads the two streams side by side: only time keeps their order.
    app.writes(
        &gate,
        "echo one; sleep 1; echo two >&2; sleep 1; echo three",
        3,
    );
    let merged = host.dokku(["run:logs", "-q", &app.name]);
    let apart = host.dokku(["run:logs", "-q", "--stderr", &app.name]);
    end(&app, &gate);
    merged.assert_stdout("one\ntwo\nthree\n");
    assert_eq!(
        (apart.code, apart.stdout.as_str(), apart.stderr.as_str()),
        (0, "one\nthree\n", "two\n")
    );
}

#[test]
fn logs_are_limited_by_number_of_lines_and_time() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    app.writes(&gate, "seq 1 150", 150);
    let counted = |words: &[&str]| {
        let words: Vec<&str> = ["run:logs", "-q"]
            .iter()
            .chain(words)
            .copied()
            .chain([app.name.as_str()])
            .collect();
        host.dokku(words).stdout.lines().count()
    };
    let counts = [
        counted(&[]),
        counted(&["-n", "2"]),
        counted(&["--num=0"]),
        counted(&["--since", "2100-01-01T00:00:00Z"]),
    ];
    end(&app, &gate);
    assert_eq!(counts, [100, 2, 0, 0]);
    host.dokku(["run:logs", "-n", "some", &app.name])
        .assert_refused(1, "'some'");
    host.dokku(["run:logs", "--since", "; id", &app.name])
        .assert_refused(1, "'; id'");
}

/// A zone nine hours east of UTC: a local time in it would be in the future if it were taken for UTC.
#[test]
fn logs_since_has_one_meaning_while_a_task_runs_and_after_its_end() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // sudo passes no TZ on
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = app.writes(&gate, "echo line", 1);
    let local = |offset: i64| {
        let seconds = format!("@{}", unix_now() + 9 * 3600 + offset);
        let format = "+%Y-%m-%dT%H:%M:%S";
        cmd!("date", "--utc", "--date", seconds, format)
            .read()
            .unwrap()
    };
    let (recently, later) = (local(-1800), local(1800));
    let shown = |since: &str| {
        let words = ["run:logs", "-q", "--since", since, "--container", &name];
        let output = run_to_end(&host.command(words).env("TZ", "JST-9"));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{since}");
        output.stdout
    };
    let all = || ["1d", "1.5h", "1h30m", &recently, &later].map(shown);
    let expected = ["line\n", "line\n", "line\n", "line\n", ""];
    assert_eq!(all(), expected, "while it runs");
    end(&app, &gate);
    assert_eq!(all(), expected, "after its end");
}

fn unix_now() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_secs().cast_signed()
}

#[test]
fn following_logs_end_with_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = "echo before";
    let output = host.dokku([
        "run:detached",
        &app.name,
        "sh",
        "-c",
        &format!("{script}; {}; echo after", Gate::WAIT[2]),
    ]);
    gate.wait();
    let follow = host.command(["run:logs", "-t", "-q", "--container", output.stdout.trim()]);
    let handle = follow
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        .start()
        .unwrap();
    wait_until("it follows", || client_follows(&app));
    gate.open();
    let output = handle.wait().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).as_ref()
        ),
        (Some(0), "before\nafter\n")
    );
    end(&app, &gate);
}

/// Docker's client that follows the logs of this task runs.
fn client_follows(app: &App<'_>) -> Option<()> {
    let id = app.containers().concat();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines
        .any(|line| {
            line.contains("\0logs\0") && line.contains("\0--follow\0") && line.contains(&id)
        })
        .then_some(())
}

#[test]
fn logs_end_quietly_when_stdout_is_closed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    app.writes(&gate, "seq 1 50000", 50_000);
    let logs = host
        .command(["run:logs", "-n", "all", "-q", &app.name])
        .stdin_null()
        .stderr_capture()
        .unchecked();
    let output = logs
        .pipe(cmd!("head", "-n", "1"))
        .stdout_capture()
        .run()
        .unwrap();
    end(&app, &gate);
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (&b"1\n"[..], &b""[..])
    );
}

#[test]
fn logs_use_bounded_memory_when_their_reader_is_slow() {
    const BYTES: u64 = 40_000_000;
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let many = format!("yes $(head -c 999 /dev/zero | tr '\\0' x) | head -c {BYTES}");
    let long = format!("head -c {} /dev/zero | tr '\\0' x; echo", BYTES - 1);
    for (script, lines) in [(many, 40_000), (long, 1)] {
        let name = app.writes(&gate, &script, lines);
        let (mut reader, writer) = std::io::pipe().unwrap();
        let logs = host.command(["run:logs", "-q", "-n", "all", "--container", &name]);
        let logs = logs.stdin_null().stdout_file(writer).unchecked();
        let handle = logs.start().unwrap();
        drop(logs);
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        let pid = our_program(handle.pids()[0], "logs").expect("it shows them");
        let mut seen = (0, 0);
        let memory = wait_until("it reads no more", || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let now = line
                .unwrap()
                .trim_end_matches(" kB")
                .trim()
                .parse()
                .unwrap();
            seen = if seen.0 == now {
                (now, seen.1 + 1)
            } else {
                (now, 0)
            };
            (seen.1 == 15).then_some(now)
        });
        let rest = std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        let code = handle.wait().unwrap().status.code();
        end(&app, &gate);
        gate.close();
        assert_eq!((code, rest), (Some(0), BYTES - 1));
        assert!(memory < 16 * 1024, "{memory} kB: {script}");
    }
}

#[test]
fn logs_use_the_saved_output_when_the_task_is_removed_meanwhile() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    for options in [&["-q", "-n", "2"][..], &["-q", "-n", "2", "-t"]] {
        let name = app.writes(&gate, "echo one; echo two; echo three", 3);
        let at = |name: &str| gate.path(name).display().to_string();
        host.replace_docker(&format!(
            "case \"$*\" in *--tail=2*)\ntouch {}\nwhile [ ! -e {} ]; do sleep 0.05; done\nesac\nexec \"$DOCKER\" \"$@\"",
            at("asked"),
            at("gone")
        ));
        let words = [&["run:logs", "--container", &name], options].concat();
        let logs = host.command(words).stdin_null();
        let handle = logs.stdout_capture().stderr_capture().unchecked();
        let handle = handle.start().unwrap();
        wait_until("docker is asked", || {
            gate.path("asked").exists().then_some(())
        });
        end(&app, &gate);
        fs::write(gate.path("gone"), "").unwrap();
        let output = handle.wait().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            (output.status.code(), shown.as_ref()),
            (Some(0), "two\nthree\n"),
            "{options:?}"
        );
        for file in ["go", "asked", "gone"] {
            fs::remove_file(gate.path(file)).unwrap();
        }
    }
}

#[test]
fn logs_exit_1_when_the_docker_client_fails_after_closing_its_output() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = app.writes(&gate, "echo line", 1);
    let script = "exec >&- 2>&-; sleep 0.5; exit 1";
    host.replace_docker(&format!(
        "case \"$*\" in *--tail=100*) {script} ;; esac\nexec \"$DOCKER\" \"$@\""
    ));
    let begun = Instant::now();
    let output = host.dokku(["run:logs", "--container", &name]);
    let took = begun.elapsed();
    end(&app, &gate);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""));
    assert!(took < Duration::from_secs(30), "it has waited for the end");
}

#[test]
fn logs_refuse_a_container_that_is_not_a_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let web = format!("{}.web.1", app.name);
    let label = format!("com.dokku.app-name={}", app.name);
    docker(&[
        "container",
        "create",
        "--name",
        &web,
        "--label",
        &label,
        &app.image(),
        "true",
    ]);
    for container in [web.as_str(), "no-such-container"] {
        host.dokku(["run:logs", "--container", container])
            .assert_refused(1, "there is no one-off container");
    }
    docker(&["container", "rm", &web]);
    host.dokku(["run:logs"])
        .assert_refused(1, "No container or app specified");
    host.dokku(["run:logs", "no-such-app"])
        .assert_refused(20, "does not exist");
}

#[test]
fn logs_report_an_app_without_tasks() {
    let host = Host::new();
    let app = host.app(Image::None);
    let output = host.dokku(["run:logs", &app.name]);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (0, "", "No run containers exist\n")
    );
    let quiet = host.dokku(["--quiet", "run:logs", &app.name]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
}

#[test]
fn logs_are_delegated_to_the_hook_of_another_scheduler() {
    let host = Host::new();
    let app = host.app(Image::None);
    host.add_hook(
        "oneoff-test-other",
        "scheduler-run-logs",
        &format!("[ $2 != {} ] || echo \"$1 [$3] $4 $5 $6\"", app.name),
    );
    app.dokku_ok("scheduler:set", &["selected", "other"]);
    host.dokku(["run:logs", &app.name])
        .assert_stdout("other [] false false 100\n");
    host.dokku(["run:logs", "-t", "-q", "-n", "5", &app.name])
        .assert_stdout("other [] true true 5\n");
}

#[test]
fn logs_colour_task_names_on_a_terminal_unless_no_color_is_set() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = app.writes(&gate, "echo line", 1);
    let shown = |script: &str| {
        let mut terminal = Terminal::start(&host, script, ["run:logs", &app.name]);
        assert_eq!(terminal.wait_exit_code(), 0);
        terminal.screen()
    };
    let (colored, plain) = (shown("\"$@\""), shown("NO_COLOR=1 \"$@\""));
    end(&app, &gate);
    let prefix = format!("app[{}]:", number(&name));
    assert!(
        colored.contains("\u{1b}[36m") && colored.contains(&format!("{prefix}\u{1b}[0m line")),
        "{colored:?}"
    );
    assert!(
        !plain.contains('\u{1b}') && plain.contains(&format!("{prefix} line")),
        "{plain:?}"
    );
}

#[test]
fn logs_are_not_coloured_without_a_terminal() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let name = app.writes(&gate, "echo line", 1);
    let output = run_to_end(&host.command(["run:logs", &app.name]).stdin_null());
    end(&app, &gate);
    assert_eq!(
        without_time(output.stdout.trim_end()),
        format!("app[{}]: line", number(&name)),
        "{output:?}"
    );
}
