//! A host on which one case after the other is tried.

use std::fs;
use std::time::Duration;

use super::Kind;
use super::verdict::{CODE, Outcome, judge};
use crate::support::{
    Account, App, Fault, FaultInjector, Footprint, Host, Ledger, Output, poll_for, wait_until,
};

/// Seconds until what hangs is given up.
const TIMEOUT: &str = "4";

/// How long a command may take, or what goes on without it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);

pub struct Lane<'a> {
    kind: Kind,
    host: &'a Host,
    app: &'a App<'a>,
    ledger: Ledger,
    sabotage: FaultInjector,
    untouched: Footprint,
}

impl<'a> Lane<'a> {
    pub fn new(host: &'a Host, app: &'a App<'a>, kind: Kind) -> Self {
        let ledger = Ledger::new(app);
        Footprint::with_volume(app);
        let sabotage = FaultInjector::new(host, app, &ledger);
        let untouched = Footprint::after_first_use(host, app);
        Self {
            kind,
            host,
            app,
            ledger,
            sabotage,
            untouched,
        }
    }

    /// What is done on a host where all is well, in its order.
    pub fn steps(&self) -> Vec<String> {
        let outcome = self.case(None);
        assert!(outcome.wrong.is_empty(), "{:?}", outcome.wrong);
        self.sabotage.steps_run()
    }

    pub fn case(&self, fault: Option<(&str, Fault)>) -> Outcome {
        self.ledger.clear();
        if self.kind == Kind::Pass {
            self.abandon_a_task();
        }
        let hangs = fault.is_some_and(|(_, fault)| fault == Fault::Hangs);
        if hangs {
            self.set_timeouts(TIMEOUT);
        }
        self.sabotage.arm(fault);
        let output = self.call();
        let was_taken = self.wait_for_the_background(fault);
        self.sabotage.disarm();
        if hangs {
            self.set_timeouts("");
        }
        let mut wrong = Vec::new();
        if output.is_none() {
            wrong.push("the caller waited for ever".to_owned());
        }
        wrong.extend(self.tidy_up());
        let accounts: Vec<Account> = self.ledger.accounts().into_values().collect();
        wrong.extend(judge(self.kind, fault, output.as_ref(), &accounts));
        let code = output.map(|output| output.code);
        Outcome {
            was_taken,
            code,
            wrong,
        }
    }

    /// Runs the command to its end, or gives nothing when it never comes.
    fn call(&self) -> Option<Output> {
        let task = |name| {
            let words = Ledger::task("", "sleep 0.3", CODE);
            self.app.subcommand(name, &[], words)
        };
        let call = match self.kind {
            Kind::Attached => task("run"),
            Kind::Detached => task("run:detached"),
            Kind::Pass => self.host.command(["run:retire", &self.app.name]),
        };
        let call = call.stdin_null().stdout_capture().stderr_capture();
        let handle = call.unchecked().start().unwrap();
        let output = poll_for(COMMAND_TIMEOUT, || {
            handle.try_wait().unwrap().map(Output::new)
        });
        if output.is_none() {
            self.kill_all();
            handle.wait().unwrap();
        }
        output
    }

    /// A detached task whose supervisor is killed before its end.
    fn abandon_a_task(&self) {
        const UNTIL_TOLD: &str = "while [ ! -e /ledger/go ]; do sleep 0.05; done";
        let words = Ledger::task("", UNTIL_TOLD, CODE);
        let call = self.app.subcommand("run:detached", &[], words);
        let output = crate::support::run_to_end(&call.stdin_null());
        assert_eq!(output.code, 0, "{output:?}");
        wait_until("it runs, and is looked after", || {
            let is_there = !self.ledger.accounts().is_empty() && !self.host.processes().is_empty();
            is_there.then_some(())
        });
        self.kill_all();
        let go = self.ledger.path().join("go");
        fs::write(&go, "").unwrap();
        let label = format!("label=com.dokku.app-name={}", self.app.name);
        wait_until("it has ended", || {
            let running = self
                .host
                .docker(&["container", "ls", "--quiet", "--filter", &label]);
            running.is_empty().then_some(())
        });
        fs::remove_file(go).unwrap();
    }

    /// Until the chosen step was taken, or else nothing goes on any more. Gives whether
    /// it was.
    fn wait_for_the_background(&self, fault: Option<(&str, Fault)>) -> bool {
        let was_taken = || fault.is_some_and(|(step, _)| self.sabotage.step_ran(step));
        poll_for(COMMAND_TIMEOUT, || {
            (was_taken() || self.host.processes().is_empty()).then_some(())
        });
        was_taken()
    }

    /// What Dokku does every five minutes, until nothing is left: the second time only
    /// for what somebody had to look after until now. Gives what is wrong.
    fn tidy_up(&self) -> Vec<String> {
        const PASSES: u32 = 2;
        let mut wrong = Vec::new();
        let mut left = Vec::new();
        for _ in 0..PASSES {
            let pass = self.host.dokku(["run:retire", &self.app.name]);
            if pass.code != 0 {
                wrong.push(format!("run:retire fails: {pass:?}"));
            }
            let clean = poll_for(COMMAND_TIMEOUT / PASSES, || {
                left = Footprint::of(self.host, self.app).since(&self.untouched);
                left.is_empty().then_some(())
            });
            if clean.is_some() {
                return wrong;
            }
        }
        self.clear();
        wrong.extend(left.iter().map(|left| format!("left: {left}")));
        wrong
    }

    /// For the next case: everything goes, by force.
    fn clear(&self) {
        self.kill_all();
        for id in self.app.containers() {
            self.host
                .docker(&["container", "rm", "--force", "--volumes", &id]);
        }
        for left in Footprint::of(self.host, self.app).since(&self.untouched) {
            if let Some(path) = left.strip_prefix("file ") {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn kill_all(&self) {
        for process in self.host.processes() {
            process.kill();
        }
    }

    /// An empty one is the default again.
    fn set_timeouts(&self, seconds: &str) {
        for property in ["docker-timeout", "hook-timeout"] {
            self.host
                .dokku_ok(&["run:set", "--global", property, seconds]);
        }
    }
}
