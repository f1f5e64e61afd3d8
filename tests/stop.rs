//! `run:stop`

use serde_json::Value;

use crate::support::{
    App, Gate, Host, Image, Log, Output, docker, record, records, wait_until, write_records,
};

fn detached(host: &Host, app: &App<'_>, script: &str) -> String {
    let output = host.dokku(["run:detached", &app.name, "sh", "-c", script]);
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.trim().to_owned()
}

/// Ends by TERM at once.
const WAITS: &str = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

fn none_left(app: &App<'_>) {
    wait_until("the containers are removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn stop_ends_every_task_of_its_app_and_no_other() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    let mut names = [detached(&host, &app, WAITS), detached(&host, &app, WAITS)];
    let kept = detached(&host, &other, WAITS);
    let output = host.dokku(["run:stop", &app.name]);
    names.sort();
    let mut stopped: Vec<&str> = output.stdout.lines().collect();
    stopped.sort_unstable();
    assert_eq!(
        (output.code, stopped),
        (0, names.iter().map(String::as_str).collect()),
        "{:?}",
        output.stderr
    );
    none_left(&app);
    assert_eq!(other.containers().len(), 1);
    host.dokku(["run:stop", "--container", &kept])
        .assert_stdout(&format!("{kept}\n"));
    none_left(&other);
}

/// The names of the app's containers, sorted.
fn names_of(app: &App<'_>) -> Vec<String> {
    let filter = format!("label=com.dokku.app-name={}", app.name);
    let list = [
        "container",
        "ls",
        "--format",
        "{{.Names}}",
        "--filter",
        &filter,
    ];
    let mut names: Vec<String> = docker(&list).lines().map(str::to_owned).collect();
    names.sort_unstable();
    names
}

#[test]
fn stop_ends_each_of_several_named_tasks_and_no_other() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    for shape in ["options", "names", "names after the app", "both"] {
        let [first, second, kept] = [(); 3].map(|()| detached(&host, &app, WAITS));
        let of_other = detached(&host, &other, WAITS);
        let (first, second, kept) = (first.as_str(), second.as_str(), kept.as_str());
        let of_other = of_other.as_str();
        let (words, mut expected) = match shape {
            "options" => (
                vec!["--container", first, "--container", of_other],
                vec![first, of_other],
            ),
            "names" => (vec![first, of_other, second], vec![first, of_other, second]),
            "names after the app" => (vec![&app.name, first, second], vec![first, second]),
            _ => (
                vec!["--container", first, second, first],
                vec![first, second],
            ),
        };
        let output = host.dokku([&["run:stop"], &words[..]].concat());
        let mut stopped: Vec<&str> = output.stdout.lines().collect();
        stopped.sort_unstable();
        expected.sort_unstable();
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{shape}");
        assert_eq!(stopped, expected, "{shape}");
        let mut left = vec![first, second, kept, of_other];
        left.retain(|name| !expected.contains(name));
        left.sort_unstable();
        let mut running = [names_of(&app), names_of(&other)].concat();
        running.sort_unstable();
        assert_eq!(running, left, "{shape}");
        host.dokku(["run:stop", &app.name]);
        host.dokku(["run:stop", &other.name]);
        none_left(&app);
        none_left(&other);
    }
}

#[test]
fn one_unknown_name_among_several_stops_no_task() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    let name = detached(&host, &app, WAITS);
    let (missing, foreign) = (
        format!("{}.run.0", app.name),
        format!("{}.run.0", other.name),
    );
    for words in [
        vec!["--container", &name, "--container", &missing],
        vec![&name, &missing],
        vec![&missing, &name],
        vec![&app.name, &name, &missing],
        vec![&app.name, &name, &other.name],
        vec![&other.name, &name],
        vec![&name, &foreign],
    ] {
        host.dokku([&["run:stop"], &words[..]].concat())
            .assert_refused(1, "there is no one-off container");
    }
    host.dokku(["run:stop", &app.name, "../x"])
        .assert_refused(1, "'../x'");
    assert_eq!(host.dokku(["run:stop", "no-such-app", &name]).code, 20);
    assert_eq!(names_of(&app), [name.as_str()]);
    host.dokku(["run:stop", &name])
        .assert_stdout(&format!("{name}\n"));
    none_left(&app);
}

#[test]
fn stop_ends_twelve_tasks_in_parallel() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.dokku_ok("ps:set", &["stop-timeout-seconds", "2"]);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| detached(&host, &app, "trap '' TERM; while :; do sleep 0.1; done"));
        }
    });
    // One after the other they would take their timeouts one after the other, too.
    let started = std::time::Instant::now();
    let output = host.dokku(["run:stop", &app.name]);
    assert_eq!(
        (output.code, output.stdout.lines().count()),
        (0, 12),
        "{output:?}"
    );
    assert!(
        started.elapsed().as_secs() < 12 * 2,
        "{:?}",
        started.elapsed()
    );
    none_left(&app);
}

/// Tasks of the app that run, without anybody to start them one after the other.
fn many(app: &App<'_>, count: usize) -> Vec<String> {
    let app_label = format!("com.dokku.app-name={}", app.name);
    let image = app.image();
    let ids: Vec<String> = (1..=count)
        .map(|number| {
            let name = format!("{}.run.{number}", app.name);
            let labels = [
                "--label",
                "com.dokku.container-type=run",
                "--label",
                &app_label,
            ];
            let words = [
                &["container", "create", "--network=none", "--name", &name][..],
                &labels,
            ];
            docker(&[&words.concat()[..], &[&image, "sh", "-c", WAITS]].concat())
        })
        .collect();
    let words: Vec<&str> = ids.iter().map(String::as_str).collect();
    docker(&[&["container", "start"], &words[..]].concat());
    ids
}

#[test]
fn stop_starts_at_most_sixteen_docker_clients() {
    const COUNT: usize = 18;
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    let ids = many(&app, COUNT);
    let log = Log::new();
    // Each waits until all of the containers are somebody's to stop.
    host.replace_docker(&format!(
        "case \"$*\" in 'container stop '*) echo \"$*\" >>{0}; \
         while [ \"$(grep -o '[0-9a-f]\\{{64\\}}' {0} | wc -l)\" -lt {COUNT} ]; do sleep 0.05; done ;; esac\n\
         exec \"$DOCKER\" \"$@\"",
        log.path().display()
    ));
    let output = host.dokku(["run:stop", &app.name]);
    host.set_docker(&which::which("docker").unwrap());
    let calls = log.read();
    for id in &ids {
        docker(&["container", "rm", "--force", id]);
    }
    let mut names: Vec<&str> = output.stdout.lines().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((output.code, names.len()), (0, COUNT), "{output:?}");
    assert_eq!(output.stdout.lines().count(), COUNT, "{output:?}");
    assert!(calls.lines().count() <= 16, "{calls}");
}

#[test]
fn an_attached_task_that_is_stopped_exits_with_its_own_code() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let script = "trap 'echo bye; exit 4' TERM; touch /gate/ready; while :; do sleep 0.05; done";
    let command = app
        .command(&[], ["sh", "-c", script])
        .stdin_null()
        .stdout_capture()
        .stderr_capture();
    let handle = command.unchecked().start().unwrap();
    gate.wait();
    assert_eq!(host.dokku(["run:stop", &app.name]).code, 0);
    let output = Output::new(handle.wait().unwrap());
    assert_eq!((output.code, output.stdout.as_str()), (4, "bye\n"));
}

#[test]
fn stop_exits_1_for_a_task_it_cannot_stop_and_stops_the_rest() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let (kept, stopped) = (detached(&host, &app, WAITS), detached(&host, &app, WAITS));
    let id = docker(&["container", "inspect", "--format", "{{.Id}}", &kept]);
    host.replace_docker(&format!(
        "case \"$*\" in 'container stop '*{id}*) echo 'Error response from daemon: cannot stop it' >&2; exit 1 ;; esac\nexec \"$DOCKER\" \"$@\""
    ));
    let output = host.dokku(["run:stop", &app.name]);
    host.set_docker(&which::which("docker").unwrap());
    assert_eq!((output.code, output.stdout), (1, format!("{stopped}\n")));
    assert_eq!(
        output.stderr,
        format!(" !     {kept} could not be stopped: cannot stop it\n")
    );
    host.dokku(["run:stop", &app.name]);
    none_left(&app);
}

#[test]
fn stop_reports_an_exited_container_as_already_ended() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = format!("{}.run.1", app.name);
    let label = format!("com.dokku.app-name={}", app.name);
    let labels = ["--label", &label, "--label", "com.dokku.container-type=run"];
    docker(
        &[
            &["container", "run", "--name", &name][..],
            &labels,
            &[&app.image(), "true"],
        ]
        .concat(),
    );
    let output = host.dokku(["run:stop", "--container", &name]);
    docker(&["container", "rm", &name]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert_eq!(output.stderr, format!("-----> {name} has ended already\n"));
}

#[test]
fn stop_prevents_the_start_of_a_created_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let hook = format!(
        "[ $3 = {} ] || exit 0; touch {hooked}; while [ ! -e {go} ]; do sleep 0.05; done",
        app.name,
        hooked = gate.path("ready").display(),
        go = gate.path("go").display()
    );
    host.add_hook("oneoff-test-slow", "post-container-create", &hook);
    for (count, command) in ["run", "run:detached"].into_iter().enumerate() {
        let task = app.subcommand(command, &[], ["touch", "/gate/ran"]);
        let task = task.stdin_null().stdout_capture().stderr_capture();
        let task = task.unchecked().start().unwrap();
        gate.wait();
        let stopped = host.dokku(["run:stop", &app.name]);
        gate.open();
        let output = Output::new(task.wait().unwrap());
        gate.close();
        none_left(&app);
        assert!(!gate.path("ran").exists(), "{command}: it has run");
        assert_eq!((output.code, output.stdout.as_str()), (143, ""));
        assert_eq!(
            output.stderr,
            " !     The task was stopped before it was started\n"
        );
        let record = &records(&host, &app)[count];
        assert_eq!(stopped.stdout.trim(), record["name"]);
        assert_eq!(
            (&record["reason"], &record["exit_code"], &record["started"]),
            (&"stopped".into(), &143.into(), &Value::Null)
        );
    }
}

#[test]
fn stop_quiet_prints_nothing_when_no_task_runs() {
    let host = Host::new();
    let app = host.app(Image::None);
    write_records(&host, &app, &[record(&app, 1, 1, 3)]);
    let ended = format!("{}.run.1", app.name);
    for words in [
        vec!["--quiet", "run:stop", &app.name],
        vec!["--quiet", "run:stop", "--container", &ended],
    ] {
        let output = host.dokku(&words);
        let said = (output.stdout.as_str(), output.stderr.as_str());
        assert_eq!((output.code, said), (0, ("", "")), "{words:?}");
    }
}

#[test]
fn stop_includes_cron_tasks_only_with_all() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = host.dokku([
        "run:detached",
        "--cron-id=abc",
        &app.name,
        "sh",
        "-c",
        WAITS,
    ]);
    let name = output.stdout.trim();
    host.dokku(["run:stop", &app.name])
        .assert_stdout("No run containers exist\n");
    host.dokku(["run:stop", "--all", &app.name])
        .assert_stdout(&format!("{name}\n"));
    none_left(&app);
}

#[test]
fn stop_accepts_a_container_id_and_refuses_a_prefix() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = detached(&host, &app, WAITS);
    let id = app.containers().concat();
    for beginning in [&name[..name.len() - 1], &id[..8], &id[..11]] {
        host.dokku(["run:stop", "--container", beginning])
            .assert_refused(1, beginning);
    }
    host.dokku(["run:stop", "--container", &id])
        .assert_stdout(&format!("{name}\n"));
    none_left(&app);
}

#[test]
fn stop_refuses_a_container_that_is_not_a_visible_task() {
    let host = Host::new();
    let (app, other) = (host.app(Image::Busybox), host.app(Image::Busybox));
    let task = detached(&host, &other, WAITS);
    let web = format!("{}.web.1", app.name);
    let label = format!("com.dokku.app-name={}", app.name);
    let words = [
        "--name",
        &web,
        "--label",
        &label,
        "--label",
        "com.dokku.container-type=deploy",
        &app.image(),
    ];
    docker(
        &[
            &["container", "run", "--detach"][..],
            &words,
            &["sleep", "60"],
        ]
        .concat(),
    );
    for words in [
        vec!["run:stop", "--container", &web],
        vec!["run:stop", "--container", "no-such-container"],
        vec!["run:stop", "--container", &task, &app.name],
    ] {
        let output = host.dokku(&words);
        output.assert_refused(1, "there is no one-off container");
    }
    let hook = format!(
        "shift 2; for app; do [ $app = {} ] || echo $app; done",
        other.name
    );
    host.add_hook("oneoff-test-acl", "user-auth-app", &hook);
    let hidden = host.dokku(["run:stop", "--container", &task]);
    host.add_hook(
        "oneoff-test-acl",
        "user-auth-app",
        "shift 2; for app; do echo $app; done",
    );
    hidden.assert_refused(1, "there is no one-off container");
    let running = docker(&[
        "container",
        "inspect",
        "--format",
        "{{.State.Running}}",
        &web,
    ]);
    docker(&["container", "rm", "--force", &web]);
    assert_eq!(running, "true");
    host.dokku(["run:stop", "--container", &task])
        .assert_stdout(&format!("{task}\n"));
    none_left(&other);
}

#[test]
fn a_malformed_or_missing_name_stops_no_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let name = detached(&host, &app, WAITS);
    for words in [
        vec!["run:stop"],
        vec!["run:stop", "--container"],
        vec!["run:stop", "--container="],
        vec!["run:stop", "--container", "../x"],
        vec!["run:stop", "--container", "a b"],
        vec!["run:stop", "--wrong", &app.name],
    ] {
        assert_eq!(host.dokku(&words).code, 1, "{words:?}");
    }
    assert_eq!(host.dokku(["run:stop", "no-such-app"]).code, 20);
    assert_eq!(app.containers().len(), 1);
    host.dokku(["run:stop", "--container", &name])
        .assert_stdout(&format!("{name}\n"));
    none_left(&app);
}

#[test]
fn stop_is_delegated_to_the_hook_of_another_scheduler() {
    let host = Host::new();
    let app = host.app(Image::None);
    let hook = format!("[ $2 != {} ] || {{ echo \"$1 [$3]\"; exit 3; }}", app.name);
    host.add_hook("oneoff-test-other", "scheduler-run-stop", &hook);
    app.dokku_ok("scheduler:set", &["selected", "other"]);
    let name = format!("{}.run.7", app.name);
    for (words, expected) in [
        (vec!["run:stop", &app.name], "other []\n".to_owned()),
        (
            vec!["run:stop", "--container", &name],
            format!("other [{name}]\n"),
        ),
    ] {
        let output = host.dokku(words);
        assert_eq!((output.code, output.stdout), (3, expected));
    }
}

mod parity {
    use super::*;

    #[test]
    fn stop_reports_an_app_without_tasks() {
        let host = Host::new();
        let app = host.app(Image::None);
        let output = host.dokku(["run:stop", &app.name]);
        assert_eq!(
            (output.code, output.stdout.trim()),
            (0, "No run containers exist")
        );
    }
}
