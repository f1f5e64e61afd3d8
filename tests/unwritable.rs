//! A data directory that cannot be written: every task runs, and every command works.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use duct::cmd;

use crate::support::{
    App, Gate, Host, Image, Log, docker, records, run_to_end, signal_ours, wait_until,
};

/// Why the disk takes no journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A file system without space for one more name.
    NoInodes,
    ReadOnly,
    /// All of the plugin's data, with the records and the supervisor's lock.
    AllReadOnly,
    /// A file in the place of the directory.
    NoDirectory,
}

impl Fault {
    const ALL: [Self; 4] = [
        Self::NoInodes,
        Self::ReadOnly,
        Self::AllReadOnly,
        Self::NoDirectory,
    ];

    /// `None` where nothing may be mounted.
    fn on(self, host: &Host) -> Option<Unwritable> {
        let data = host.library().join("data/oneoff");
        let tasks = data.join("tasks");
        fs::create_dir_all(&tasks).unwrap();
        match self {
            Self::NoInodes => {
                let options = ["-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs"];
                mount(&options, &tasks)
            }
            Self::ReadOnly => read_only(&tasks),
            Self::AllReadOnly => read_only(&data),
            Self::NoDirectory => {
                fs::remove_dir_all(&tasks).unwrap();
                fs::write(&tasks, "").unwrap();
                Some(Unwritable::File(tasks))
            }
        }
    }
}

/// Writable again at its end.
enum Unwritable {
    Mount(PathBuf),
    File(PathBuf),
}

impl Drop for Unwritable {
    fn drop(&mut self) {
        match self {
            Self::Mount(path) => {
                let _ = cmd!("umount", "--lazy", &*path).run();
            }
            Self::File(path) => fs::remove_file(path).unwrap(),
        }
    }
}

fn mount(options: &[&str], at: &Path) -> Option<Unwritable> {
    let options = options.iter().map(OsString::from);
    let words = options.chain([OsString::from(at)]);
    let mount = cmd("mount", words).stderr_null().unchecked();
    let mounted = mount.run().unwrap().status.success();
    mounted.then(|| Unwritable::Mount(at.to_owned()))
}

fn read_only(directory: &Path) -> Option<Unwritable> {
    let own = directory.to_str().unwrap();
    let mounted = mount(&["--bind", own], directory)?;
    // A bind mount takes its options the second time only.
    cmd!("mount", "-o", "remount,bind,ro", directory)
        .run()
        .unwrap();
    Some(mounted)
}

/// What hooks are told of the app's tasks: an exit code per line.
fn log_of_ends(host: &Host, app: &App<'_>) -> Log {
    let log = Log::new();
    let file = log.path();
    let hook = format!("[ \"$2\" != {} ] || echo $4 >>{}", app.name, file.display());
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    log
}

/// What each test needs: a host of its own, and what the hooks are told.
fn scene(test: impl Fn(&Host, &App<'_>, &Log, Fault)) {
    for fault in Fault::ALL {
        let host = Host::new();
        if !host.is_disposable() {
            return; // somebody else's tasks would have no journal
        }
        let app = host.app(Image::Busybox);
        app.dokku_ok("ps:set", &["stop-timeout-seconds", "2"]);
        let log = log_of_ends(&host, &app);
        let Some(unwritable) = fault.on(&host) else {
            return; // nothing may be mounted here
        };
        test(&host, &app, &log, fault);
        assert_eq!(app.containers(), [""; 0], "{fault:?}");
        drop(unwritable);
        assert_eq!(app.sh("exit 5").code, 5, "{fault:?}");
        assert_eq!(log.take(), "5\n", "{fault:?}");
    }
}

const WARNING: &str = " !     The task runs without a journal: ";
const UNSUPERVISED: &str = " !     Its deadline and its end are up to 'dokku run:retire'";

#[test]
fn an_attached_task_without_a_journal_runs_to_its_end() {
    scene(|host, app, log, fault| {
        let output = app.sh("echo out; exit 4");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (4, "out\n"),
            "{fault:?}: {output:?}"
        );
        assert!(output.stderr.starts_with(WARNING), "{fault:?}: {output:?}");
        assert_eq!(output.stderr.lines().count(), 1, "{fault:?}: {output:?}");
        assert_eq!(
            (log.take().as_str(), app.containers()),
            ("4\n", Vec::new()),
            "{fault:?}"
        );
        let recorded = records(host, app).len();
        assert_eq!(
            recorded,
            usize::from(fault != Fault::AllReadOnly),
            "{fault:?}"
        );
        let late = app.run_with(&["--timeout=1"], ["sleep", "60"]);
        assert_eq!(
            (late.code, log.take().as_str()),
            (124, "124\n"),
            "{fault:?}: {late:?}"
        );
        // It cannot be started.
        assert_eq!(app.run(["/etc"]).code, 126, "{fault:?}");
        assert_eq!(log.take(), "126\n", "{fault:?}");
    });
}

/// Ends by TERM.
const WAITS: &str =
    "trap 'exit 9' TERM; touch /gate/ready; while [ ! -e /gate/go ]; do sleep 0.05; done; exit 6";

#[test]
fn retire_ignores_an_attached_task_without_a_journal() {
    scene(|host, app, log, fault| {
        let gate = Gate::new(app);
        for stopped in [true, false] {
            gate.close();
            let command = app
                .command(&[], ["sh", "-c", WAITS])
                .stdin_null()
                .stderr_null();
            let task = command.unchecked().start().unwrap();
            gate.wait();
            assert_eq!(host.dokku(["run:retire"]).code, 0, "{fault:?}");
            let code = if stopped {
                signal_ours(task.pids()[0], "run", "TERM");
                9
            } else {
                gate.open();
                6
            };
            assert_eq!(task.wait().unwrap().status.code(), Some(code), "{fault:?}");
            assert_eq!(log.take(), format!("{code}\n"), "{fault:?}");
        }
    });
}

#[test]
fn retire_finishes_a_task_left_without_a_journal() {
    scene(|host, app, log, fault| {
        let gate = Gate::new(app);
        let options = ["--on-hangup=keep"];
        let command = app
            .command(&options, ["sh", "-c", WAITS])
            .stdin_null()
            .stderr_capture();
        let task = command.unchecked().start().unwrap();
        gate.wait();
        signal_ours(task.pids()[0], "run", "HUP");
        let output = task.wait().unwrap();
        assert_eq!(output.status.code(), Some(129), "{fault:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(UNSUPERVISED), "{fault:?}: {said}");
        assert_eq!(host.dokku(["run:retire"]).code, 0, "{fault:?}");
        assert_eq!(
            (app.containers().len(), log.take().as_str()),
            (1, ""),
            "{fault:?}"
        );
        gate.open();
        ended(app);
        assert_eq!(host.dokku(["run:retire"]).code, 0, "{fault:?}");
        assert_eq!(log.take(), "6\n", "{fault:?}");
    });
}

/// Waits until the app's only task runs no more.
#[track_caller]
fn ended(app: &App<'_>) {
    let id = app.containers().concat();
    let state = ["container", "inspect", "--format", "{{.State.Status}}", &id];
    wait_until("its end", || (docker(&state) == "exited").then_some(()));
}

#[test]
fn retire_finishes_a_detached_task_without_a_journal() {
    scene(|host, app, log, fault| {
        let gate = Gate::new(app);
        let start = |options: &[&str]| {
            gate.close();
            let output = run_to_end(
                &app.subcommand("run:detached", options, ["sh", "-c", WAITS])
                    .stdin_null(),
            );
            assert_eq!(output.code, 0, "{fault:?}: {output:?}");
            assert!(output.stderr.starts_with(WARNING), "{fault:?}: {output:?}");
            assert!(
                output.stderr.contains(UNSUPERVISED),
                "{fault:?}: {output:?}"
            );
            assert_eq!(output.stderr.lines().count(), 2, "{fault:?}: {output:?}");
            gate.wait();
            output.stdout.trim().to_owned()
        };
        let name = start(&[]);
        for words in [
            &["run:list", &app.name][..],
            &["run:list", "--all"],
            &["run:logs", "--container", &name],
            &["run:history", &app.name],
            &["run:report", &app.name],
            &["run:retire", &app.name],
        ] {
            let output = host.dokku(words);
            assert_eq!(
                (output.code, output.stderr.as_str()),
                (0, ""),
                "{fault:?}: {words:?}"
            );
        }
        assert_eq!(
            (app.containers().len(), log.take().as_str()),
            (1, ""),
            "{fault:?}"
        );
        gate.open();
        assert_eq!(
            host.dokku(["run:wait", "--container", &name]).code,
            6,
            "{fault:?}"
        );
        assert_eq!(host.dokku(["run:retire"]).code, 0, "{fault:?}");
        assert_eq!(
            (log.take().as_str(), app.containers().len()),
            ("6\n", 0),
            "{fault:?}"
        );

        let name = start(&[]);
        host.dokku(["run:stop", "--container", &name])
            .assert_stdout(&format!("{name}\n"));
        assert_eq!(host.dokku(["run:retire"]).code, 0, "{fault:?}");
        assert_eq!(
            (log.take().as_str(), app.containers().len()),
            ("9\n", 0),
            "{fault:?}"
        );

        // A pass of core in a test beside this one may come first: it removes the container without
        // hooks. Tests beside this one make passes for some seconds only.
        let mut told = (0..30).map(|_| {
            start(&["--timeout=1"]);
            wait_until("its deadline", || {
                let output = host.dokku(["run:retire"]);
                assert_eq!(output.code, 0, "{fault:?}: {output:?}");
                app.containers().is_empty().then_some(())
            });
            log.take()
        });
        let told = told.find(|told| !told.is_empty());
        assert_eq!(told.as_deref(), Some("124\n"), "{fault:?}");
    });
}

#[test]
fn locks_are_refused_without_a_writable_directory() {
    scene(|_, app, log, fault| {
        if fault != Fault::AllReadOnly {
            return;
        }
        let output = app.run_with(&["--lock=migrate"], ["true"]);
        output.assert_refused(1, "/locks/");
        assert!(
            output.stderr.contains("Read-only file system"),
            "{output:?}"
        );
        assert_eq!(log.take(), "");
    });
}

#[test]
fn an_attached_task_is_unaffected_when_journals_become_writable() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // somebody else's tasks would have no journal
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let log = log_of_ends(&host, &app);
    // It is created, and not started before the sweep has passed.
    let hook = format!(
        "[ \"$3\" != {} ] || {{ touch {1}/created; while [ ! -e {1}/start ]; do sleep 0.05; done; }}",
        app.name,
        gate.path("").display()
    );
    host.add_hook("oneoff-test-create", "post-container-create", &hook);
    let Some(unwritable) = Fault::NoInodes.on(&host) else {
        return; // nothing may be mounted here
    };
    let command = app.command(&[], ["sh", "-c", WAITS]).stdin_null();
    let task = command.stderr_null().unchecked().start().unwrap();
    wait_until("it is created", || {
        gate.path("created").exists().then_some(())
    });
    drop(unwritable);
    let sweep = |state: &str| {
        assert_eq!(host.dokku(["run:retire"]).code, 0);
        let journals = fs::read_dir(host.library().join("data/oneoff/tasks")).unwrap();
        let left = (app.containers().len(), journals.count(), host.supervisor());
        assert_eq!(left, (1, 0, None), "{state}");
    };
    sweep("created");
    fs::write(gate.path("start"), "").unwrap();
    gate.wait();
    sweep("running");
    gate.open();
    assert_eq!(task.wait().unwrap().status.code(), Some(6));
    assert_eq!((log.take().as_str(), app.containers().len()), ("6\n", 0));
}
