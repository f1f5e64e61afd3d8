//! The daemon goes and comes back while tasks run. It is one of the test's own.

use std::fs;
use std::time::Duration;

use duct::Handle;

use crate::support::{
    Account, App, Daemon, DaemonEnd as End, Footprint, Host, Image, Ledger, Output, not_run,
    poll_for, wait_until,
};

/// The tasks' own exit code, which nobody else gives.
const CODE: i32 = 7;

/// Runs until the file `go` is there.
const UNTIL_TOLD: &str = "while [ ! -e /ledger/go ]; do sleep 0.1; done";

/// An attached and a detached task, running.
struct Tasks<'a> {
    host: &'a Host,
    app: &'a App<'a>,
    ledger: Ledger,
    untouched: Footprint,
    attached: Handle,
    /// The containers', whole.
    ids: Vec<String>,
}

impl<'a> Tasks<'a> {
    fn start(host: &'a Host, app: &'a App<'a>) -> Self {
        let ledger = Ledger::with_hook(host, app);
        Footprint::with_volume(app);
        let untouched = Footprint::after_first_use(host, app);
        ledger.clear();
        let command = |name: &str| {
            app.subcommand(name, &[], Ledger::task(name, UNTIL_TOLD, CODE))
                .stdin_null()
                .stdout_capture()
                .stderr_capture()
                .unchecked()
        };
        let attached = command("run").start().unwrap();
        let detached = Output::new(&command("run:detached").run().unwrap());
        assert_eq!(detached.code, 0, "{detached:?}");
        let mut tasks = Self {
            host,
            app,
            ledger,
            untouched,
            attached,
            ids: Vec::new(),
        };
        wait_until("both tasks run", || {
            (tasks.ledger.accounts().len() == 2).then_some(())
        });
        // One that is killed before it has written down a start knows of none.
        wait_until("the daemon has noted both", || {
            (tasks.running() == 2).then_some(())
        });
        tasks.ids = app.containers();
        tasks
    }

    fn tell_to_end(&self) {
        fs::write(self.ledger.path().join("go"), "").unwrap();
    }

    /// What the attached task's caller got.
    fn output(&self) -> Output {
        wait_until("the caller is told", || {
            self.attached.try_wait().unwrap().map(Output::new)
        })
    }

    /// Dokku's passes, until all is as it was before the tasks.
    fn retire(&self) {
        let mut left = Vec::new();
        for _ in 0..2 {
            let pass = self.host.dokku(["run:retire"]);
            assert_eq!(pass.code, 0, "{pass:?}");
            let clean = poll_for(Duration::from_secs(10), || {
                left = Footprint::of(self.host, self.app).since(&self.untouched);
                left.is_empty().then_some(())
            });
            if clean.is_some() {
                return;
            }
        }
        panic!("left: {left:?}");
    }

    /// How many of them run.
    fn running(&self) -> usize {
        let filter = format!("label=com.dokku.app-name={}", self.app.name);
        let running = self
            .host
            .docker(&["container", "ls", "--quiet", "--filter", &filter]);
        running.lines().count()
    }

    fn accounts(&self) -> Vec<Account> {
        self.ledger.accounts().into_values().collect()
    }
}

/// Starts an own daemon, and tasks on it; `None` where there can be none, which is said.
fn daemon(live_restore: bool) -> Option<Daemon> {
    match Daemon::start(live_restore) {
        Ok(daemon) => Some(daemon),
        Err(why) => {
            not_run("restarts of the daemon", &why);
            None
        }
    }
}

/// An exit status that is not the task's is docker's failure, in one sentence.
#[track_caller]
fn is_honest(output: &Output) {
    assert_eq!(output.code, 125, "{output:?}");
    let lines: Vec<&str> = output
        .stderr
        .lines()
        .filter(|line| line.starts_with(" !     "))
        .collect();
    assert_eq!(lines.len(), 1, "{output:?}");
}

#[test]
fn tasks_survive_a_daemon_restart_with_live_restore() {
    for end in [End::Stopped, End::Killed] {
        for ends_meanwhile in [true, false] {
            let Some(daemon) = daemon(true) else { return };
            let host = Host::on(&daemon);
            let app = host.app(Image::Busybox);
            let tasks = Tasks::start(&host, &app);
            daemon.stop(end);
            if ends_meanwhile {
                tasks.tell_to_end();
                wait_until("both have ended", || {
                    tasks
                        .accounts()
                        .iter()
                        .all(|account| account.ended == 1)
                        .then_some(())
                });
            }
            daemon.restart();
            tasks.tell_to_end();
            let output = tasks.output();
            if output.code != CODE {
                is_honest(&output);
            }
            tasks.retire();
            for account in tasks.accounts() {
                assert_eq!(
                    (account.ended, &account.told),
                    (1, &vec![CODE]),
                    "{end:?} {ends_meanwhile}"
                );
            }
        }
    }
}

#[test]
fn tasks_end_with_their_daemon_without_live_restore() {
    for end in [End::Stopped, End::Killed] {
        let Some(daemon) = daemon(false) else { return };
        let host = Host::on(&daemon);
        let app = host.app(Image::Busybox);
        let tasks = Tasks::start(&host, &app);
        daemon.stop(end);
        daemon.restart();
        let output = tasks.output();
        if output.code != 143 && output.code != 137 {
            is_honest(&output);
        }
        tasks.retire();
        for account in tasks.accounts() {
            assert_eq!(account.ended, 0);
            assert!(
                matches!(account.told[..], [137 | 143]),
                "{end:?}: {account:?}"
            );
        }
    }
}

#[test]
fn run_exits_125_while_the_daemon_is_down() {
    let Some(daemon) = daemon(true) else { return };
    let host = Host::on(&daemon);
    let app = host.app(Image::Busybox);
    host.dokku_ok(&["run:set", "--global", "docker-timeout", "5"]);
    let tasks = Tasks::start(&host, &app);
    daemon.stop(End::Killed);
    is_honest(&tasks.output());
    let output = app.run(["true"]);
    assert_eq!(output.code, 125, "{output:?}");
    tasks.tell_to_end();
    daemon.restart();
    tasks.retire();
    for account in tasks.accounts() {
        assert_eq!((account.ended, &account.told), (1, &vec![CODE]));
    }
}

/// The machine's clock is not ours to set. What docker has written down of the start is
/// moved instead: seen from there it comes to the same.
#[test]
fn a_clock_change_during_a_daemon_restart_ends_no_task_twice() {
    const AN_HOUR: Duration = Duration::from_secs(60 * 60);
    for (set_back, codes) in [(true, &[CODE][..]), (false, &[CODE, 124])] {
        let Some(daemon) = daemon(true) else { return };
        let host = Host::on(&daemon);
        let app = host.app(Image::Busybox);
        app.dokku_ok("ps:set", &["stop-timeout-seconds", "1"]);
        let tasks = Tasks::start(&host, &app);
        daemon.stop(End::Killed);
        for id in &tasks.ids {
            daemon.move_start(id, |start| {
                if set_back {
                    start + AN_HOUR
                } else {
                    start - 30 * AN_HOUR
                }
            });
        }
        daemon.restart();
        let pass = host.dokku(["run:retire"]);
        assert_eq!(pass.code, 0, "{pass:?}");
        if set_back {
            assert_eq!(tasks.running(), 2, "they run on");
        }
        tasks.tell_to_end();
        tasks.output();
        tasks.retire();
        for account in tasks.accounts() {
            assert_eq!(account.started.len(), 1, "{account:?}");
            assert!(
                matches!(&account.told[..], [code] if codes.contains(code)),
                "{account:?}"
            );
        }
    }
}
