//! Labels that docker puts in place of what its events say: none of them is the exit code of a
//! task.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    App, Gate, Host, Image, Log, children, docker, docker_client, records, run_to_end, wait_until,
};

/// Exit code and reason of the app's records, when there are so many and nothing else is left.
#[track_caller]
fn recorded(host: &Host, app: &App<'_>, count: usize) -> Vec<(Value, Value)> {
    let tasks = host.library().join("data/oneoff/tasks");
    wait_until("the tasks are recorded", || {
        let left = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let mut left =
            left.filter(|file| file.file_name().to_string_lossy().starts_with(&app.name));
        (records(host, app).len() >= count && left.next().is_none() && app.containers().is_empty())
            .then_some(())
    });
    let records = records(host, app);
    assert_eq!(records.len(), count, "{records:?}");
    records
        .iter()
        .map(|record| (record["exit_code"].clone(), record["reason"].clone()))
        .collect()
}

fn exited(code: u8) -> (Value, Value) {
    (json!(code), json!("exited"))
}

#[test]
fn an_image_label_cannot_set_the_exit_code() {
    let host = Host::new();
    host.with_and_without_events(|| {
        let app = host.app(Image::Busybox);
        app.label_image(&["exitCode=0", "execDuration=7", "name=other", "image=other"]);
        let log = Log::of_exit_codes(&host, &app);
        // Docker has the time to tell of the end.
        let output = app.sh("sleep 1; exit 3");
        assert_eq!((output.code, output.stderr.as_str()), (3, ""));
        assert_eq!(recorded(&host, &app, 1), [exited(3)]);
        assert_eq!(log.take(), "3\n");
        let detached = app.subcommand("run:detached", &[], ["sh", "-c", "sleep 1; exit 4"]);
        assert_eq!(run_to_end(&detached.stdin_null()).code, 0);
        assert_eq!(recorded(&host, &app, 2)[1], exited(4));
        assert_eq!(log.take(), "4\n");
    });
}

#[test]
fn a_docker_option_label_cannot_set_the_exit_code() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let file = Log::new();
    fs::write(file.path(), "exitCode=0\n").unwrap();
    for option in [
        "--label exitCode=0".to_owned(),
        "--label=exitCode=0".to_owned(),
        "-l exitCode=0".to_owned(),
        format!("--label-file {}", file.path().display()),
    ] {
        app.dokku_ok("docker-options:add", &["run", &option]);
        let output = app.sh("sleep 1; exit 3");
        app.dokku_ok("docker-options:remove", &["run", &option]);
        assert_eq!(output.code, 3, "{option}: {output:?}");
        let is_said = output
            .stderr
            .contains("The app's docker option '--label exitCode' is left out");
        assert_eq!(is_said, !option.contains("file"), "{option}: {output:?}");
    }
    assert_eq!(recorded(&host, &app, 4), [(); 4].map(|()| exited(3)));
}

#[test]
fn labels_that_replace_event_attributes_are_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for label in ["exitCode=0", "execDuration=1", "execID=x", "signal=9"] {
        app.run_with(&["--label", label], ["true"])
            .assert_refused(1, label);
        let global = format!("--label={label}");
        host.dokku([global.as_str(), "run", &app.name, "true"])
            .assert_refused(1, label);
    }
    app.run_with(&["--label", "exitcode=0"], ["true"])
        .assert_stdout("");
}

/// A docker that gives no answer about a container from [`Self::withhold`] until the container is
/// removed.
struct LateDocker {
    withheld: Log,
    /// The parent process of each inspection, written before the inspection begins.
    inspections: Log,
}

impl LateDocker {
    fn replace(host: &Host) -> Self {
        Self::replace_with(host, "")
    }

    /// `cases` are those of a shell script for other calls. `WITHHELD` is the file for the name of
    /// the container.
    fn replace_with(host: &Host, cases: &str) -> Self {
        let docker = Self {
            withheld: Log::new(),
            inspections: Log::new(),
        };
        let withheld = docker.withheld.path().display().to_string();
        host.replace_docker(&format!(
            "case \"$*\" in 'container inspect --format ['*) echo $PPID >>{inspections}; \
            [ ! -e {withheld} ] || while \"$DOCKER\" container inspect \"$(cat {withheld})\" >/dev/null 2>&1; do sleep 0.05; done ;; {cases} esac
            exec \"$DOCKER\" \"$@\"",
            inspections = docker.inspections.path().display(),
            cases = cases.replace("WITHHELD", &withheld)
        ));
        docker
    }

    fn withhold(&self, container: &str) {
        fs::write(self.withheld.path(), container).unwrap();
    }

    /// Waits until the supervisor has read the answer of an inspection of every task, and waits for
    /// events. It inspects one after the other, so the second one begins when the first is read.
    #[track_caller]
    fn wait_for_inspections(&self, host: &Host) {
        wait_until("the supervisor has inspected the task", || {
            let supervisor = host.supervisor()?;
            let stream = docker_client(supervisor, &["events", "--format"])?;
            let inspections = self.inspections.read();
            let of_supervisor = inspections
                .lines()
                .filter(|pid| *pid == supervisor.to_string());
            (of_supervisor.count() >= 2 && children(supervisor) == [stream]).then_some(())
        });
    }
}

/// What is removed by somebody else before anybody has looked at it, and has such a label or none.
#[test]
fn a_label_cannot_set_the_exit_code_of_a_removed_container() {
    for (label, expected) in [
        ("exitCode=0", (Value::Null, json!("lost"))),
        ("other=0", exited(137)),
    ] {
        let host = Host::new();
        if !host.is_disposable() {
            return; // its docker is replaced
        }
        let app = host.app(Image::Busybox);
        app.label_image(&[label]);
        let late_docker = LateDocker::replace(&host);
        let command = app.subcommand("run:detached", &[], ["sleep", "600"]);
        let name = run_to_end(&command.stdin_null()).stdout.trim().to_owned();
        late_docker.wait_for_inspections(&host);
        late_docker.withhold(&name);
        docker(&["container", "rm", "--force", &name]);
        assert_eq!(recorded(&host, &app, 1), [expected], "{label}");
    }
}

#[test]
fn a_label_cannot_set_the_exit_code_of_a_core_cron_task() {
    for (label, expected) in [
        ("exitCode=0", (Value::Null, json!("lost"))),
        ("other=0", exited(4)),
    ] {
        let host = Host::new();
        if !host.is_disposable() {
            return; // its docker is replaced
        }
        let app = host.app(Image::Busybox);
        app.label_image(&[label]);
        let id = app.schedule("exit 4");
        assert_eq!(host.dokku(["cron:run", &app.name, &id]).code, 1);
        assert_eq!(recorded(&host, &app, 1), [exited(4)], "{label}");
        // Docker has removed the next one before anybody can look.
        let gate = Gate::new(&app);
        let late_docker = LateDocker::replace(&host);
        let id = app.schedule("while [ ! -e /gate/go ]; do sleep 0.05; done; exit 4");
        let started = host.dokku(["cron:run", &app.name, &id, "--detach"]);
        assert_eq!(started.code, 0, "{started:?}");
        late_docker.wait_for_inspections(&host);
        late_docker.withhold(started.stdout.trim());
        gate.open();
        assert_eq!(recorded(&host, &app, 2)[1], expected, "{label}");
    }
}

/// The hook that alone has the exit code may come long after the end.
#[test]
fn the_supervisor_waits_for_the_hook_of_an_attached_cron_task() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker is replaced
    }
    let app = host.app(Image::Busybox);
    app.label_image(&["exitCode=0"]);
    let id = app.schedule("exit 4");
    let _late_docker = LateDocker::replace_with(
        &host,
        // Core has the exit code, and reports it long after the container is removed.
        "'container start '*) for last; do :; done; echo \"$last\" >WITHHELD; \"$DOCKER\" \"$@\"; code=$?; sleep 4; exit $code ;;",
    );
    assert_eq!(host.dokku(["cron:run", &app.name, &id]).code, 1);
    assert_eq!(recorded(&host, &app, 1), [exited(4)]);
}

/// Nobody waits for a hook that does not come.
#[test]
fn a_cron_task_with_an_unreliable_event_and_a_killed_command_is_lost() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its processes are ours to kill
    }
    let app = host.app(Image::Busybox);
    app.label_image(&["exitCode=0"]);
    let id = app.schedule("sleep 600");
    let late_docker = LateDocker::replace(&host);
    let command = host.command(["cron:run", &app.name, &id]).stdin_null();
    let command = command.stdout_null().stderr_null().unchecked();
    let handle = command.start().unwrap();
    let container = wait_until("it runs", || {
        let filter = format!("label=com.dokku.app-name={}", app.name);
        let id = docker(&["container", "ls", "--quiet", "--filter", &filter]);
        (!id.is_empty()).then_some(id)
    });
    for process in host.processes() {
        if !process.words.contains("--supervise") && !process.words.contains("events") {
            process.kill();
        }
    }
    handle.wait().unwrap();
    late_docker.wait_for_inspections(&host);
    late_docker.withhold(&container);
    docker(&["container", "kill", &container]);
    assert_eq!(recorded(&host, &app, 1), [(Value::Null, json!("lost"))]);
}
