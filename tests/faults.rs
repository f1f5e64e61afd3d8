//! Every step of a run, and everything that can happen to it: a call of docker's or a
//! hook fails, hangs or dies, or we do. Whatever it was, after `run:retire` the host is
//! as it was before, no task was started twice, no end was told twice, and nobody was
//! lied to.
//!
//! Each test prints its table, and writes it below `target/tmp`.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{
    Account, App, Fault, Footprint, HOOK, Host, Image, Ledger, Output, Sabotage, patiently, signal,
};

/// The task's own exit code, which nobody else gives.
const CODE: i32 = 7;

/// Seconds until docker is given up, where it hangs.
const DOCKER_TIMEOUT: &str = "2";

/// How long a command may take, or what it left behind.
const PATIENCE: Duration = Duration::from_secs(12);

/// So many cases at once, each on a host of its own.
const LANES: usize = 4;

#[test]
fn of_an_attached_task() {
    every_step("run", "attached");
}

#[test]
fn of_a_detached_task() {
    every_step("run:detached", "detached");
}

/// A host for one case after the other.
struct Lane<'a> {
    host: &'a Host,
    app: &'a App<'a>,
    ledger: Ledger,
    sabotage: Sabotage,
    untouched: Footprint,
}

/// What came of a case.
struct Outcome {
    /// The exit status that the caller got; `None` where there was none.
    code: Option<i32>,
    /// What is wrong with it.
    faults: Vec<String>,
}

impl<'a> Lane<'a> {
    fn new(host: &'a Host, app: &'a App<'a>) -> Self {
        let ledger = Ledger::new(app);
        Footprint::with_volume(app);
        let sabotage = Sabotage::new(host, app, &ledger);
        let lane = Self {
            host,
            app,
            ledger,
            sabotage,
            untouched: Footprint::of(host, app),
        };
        // The first run of all makes directories that stay.
        lane.steps("run");
        let untouched = Footprint::of(host, app);
        Self { untouched, ..lane }
    }

    /// What a run does on a host where all is well, in its order.
    fn steps(&self, command: &str) -> Vec<String> {
        let outcome = self.case(command, None);
        assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
        self.sabotage.taken()
    }

    fn case(&self, command: &str, fault: Option<(&str, Fault)>) -> Outcome {
        let hangs = matches!(fault, Some((_, Fault::Hangs)));
        if hangs {
            self.set_docker_timeout(DOCKER_TIMEOUT);
        }
        self.ledger.clear();
        self.sabotage.begin(fault);
        let mut faults = Vec::new();
        let output = self.call(command, &mut faults);
        // What is done in the background comes later.
        let is_over = || self.host.processes().is_empty();
        match fault {
            Some((step, _)) => {
                patiently(PATIENCE, || {
                    (self.sabotage.was_taken(step) || is_over()).then_some(())
                });
                if !self.sabotage.was_taken(step) {
                    faults.push("the step was not taken".to_owned());
                }
            }
            None => {
                patiently(PATIENCE, || is_over().then_some(()));
            }
        }
        self.sabotage.end();
        self.tidy_up(&mut faults);
        if hangs {
            self.set_docker_timeout("");
        }
        let accounts: Vec<Account> = self.ledger.accounts().into_values().collect();
        judge(command, fault, output.as_ref(), &accounts, &mut faults);
        let code = output.map(|output| output.code);
        Outcome { code, faults }
    }

    /// Runs the command to its end. One that waits for ever is asked to end, and then
    /// killed: it may wait for its task only.
    fn call(&self, command: &str, faults: &mut Vec<String>) -> Option<Output> {
        let task = Ledger::task("", "sleep 0.3", CODE);
        let call = self
            .app
            .subcommand(command, &[], task)
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked();
        let handle = call.start().unwrap();
        let ended = || handle.try_wait().unwrap().map(Output::new);
        if let Some(output) = patiently(PATIENCE, ended) {
            return Some(output);
        }
        faults.push("the caller waits for ever".to_owned());
        for process in self.host.processes() {
            signal(process.pid, "KILL");
        }
        handle.wait().unwrap();
        None
    }

    /// What Dokku does every five minutes, until nothing is left: the second time only
    /// for what somebody had to look after until now.
    fn tidy_up(&self, faults: &mut Vec<String>) {
        let mut left = Vec::new();
        for _ in 0..2 {
            let pass = self.host.dokku(["run:retire", &self.app.name]);
            if pass.code != 0 {
                faults.push(format!("run:retire: {pass:?}"));
            }
            let settled = patiently(PATIENCE / 4, || {
                left = Footprint::of(self.host, self.app).since(&self.untouched);
                left.is_empty().then_some(())
            });
            if settled.is_some() {
                return;
            }
        }
        faults.extend(left.iter().map(|left| format!("left: {left}")));
        self.clear();
    }

    /// For the next case: everything goes, by force.
    fn clear(&self) {
        for process in self.host.processes() {
            signal(process.pid, "KILL");
        }
        for id in self.app.containers() {
            self.host
                .docker(&["container", "rm", "--force", "--volumes", &id]);
        }
        for left in Footprint::of(self.host, self.app).since(&self.untouched) {
            if let Some(path) = left.strip_prefix("file ") {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn set_docker_timeout(&self, seconds: &str) {
        let _ = self
            .host
            .dokku(["run:set", "--global", "docker-timeout", seconds]); // TODO
    }
}

/// Whether the caller was told the truth, and everything happened once.
fn judge(
    command: &str,
    fault: Option<(&str, Fault)>,
    output: Option<&Output>,
    accounts: &[Account],
    faults: &mut Vec<String>,
) {
    let count = |of: fn(&Account) -> usize| accounts.iter().map(of).sum::<usize>();
    let started = count(|account| account.started.len());
    let ended = count(|account| account.ended);
    let told: Vec<i32> = accounts
        .iter()
        .flat_map(|account| account.told.clone())
        .collect();
    let mut claim = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!("{what}: {accounts:?} {output:?}"));
        }
    };
    claim(started <= 1, "started more than once");
    claim(ended == started, "did not run to its end");
    claim(told.len() <= 1, "its end was told more than once");
    claim(
        told.is_empty() || started == 0 || told == [CODE],
        "a wrong code was told",
    );
    let may_be_untold = fault.is_some_and(|(step, fault)| {
        step.starts_with(&format!("{HOOK} scheduler-post-run"))
            && matches!(fault, Fault::Fails | Fault::DiesBefore | Fault::WeDieBefore)
    });
    claim(
        started == 0 || told.len() == 1 || may_be_untold,
        "its end was not told",
    );

    let Some(output) = output else { return };
    match (command, output.code) {
        ("run", code) => {
            claim(code != 0, "the caller was told of a success");
            claim(code != CODE || ended == 1, "the caller was told of an end");
        }
        (_, code) => claim(code != 0 || started == 1, "the caller was told of a start"),
    }
    let we_died = output.code == 137;
    claim(
        matches!(output.code, 0 | CODE) || we_died || output.stderr.contains(" !     "),
        "the caller was not told why",
    );
}

/// Runs every step with every fault, prints the table, and fails with all that is wrong.
fn every_step(command: &str, title: &str) {
    if !Host::new().is_own() {
        return; // its docker cannot be replaced
    }
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let lane = Lane::new(&host, &app);
    let steps = lane.steps(command);
    let cases: Vec<(usize, Fault)> = (0..steps.len())
        .flat_map(|step| Fault::ALL.map(|fault| (step, fault)))
        .filter(|(step, fault)| concerns(&steps[*step], *fault))
        .collect();
    let waiting = Mutex::new(VecDeque::from(cases.clone()));
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let host = Host::new();
                let app = host.app(Image::Busybox);
                let lane = Lane::new(&host, &app);
                loop {
                    let Some((step, fault)) = waiting.lock().unwrap().pop_front() else {
                        break;
                    };
                    let outcome = lane.case(command, Some((&steps[step], fault)));
                    outcomes.lock().unwrap().push(((step, fault), outcome));
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let (table, wrong) = shown(title, &steps, &outcomes);
    println!("{table}");
    let file =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{title}.txt"));
    std::fs::write(file, &table).unwrap();
    assert_eq!(wrong, 0, "cases went wrong, see the table");
}

/// A hook has no daemon, and no time that it may take is stated. What a run asks before
/// it makes anything is spoiled in few ways: nothing can be left.
fn concerns(step: &str, fault: Fault) -> bool {
    let is_question = step.starts_with(HOOK)
        && !step.contains("post-container-create")
        && !step.contains("scheduler-post-run");
    match fault {
        Fault::CutOff | Fault::Hangs => !step.starts_with(HOOK),
        Fault::Fails | Fault::WeDieBefore => true,
        _ => !is_question,
    }
}

/// The table, with what is wrong below it, and the number of cases that are.
fn shown(title: &str, steps: &[String], outcomes: &[((usize, Fault), Outcome)]) -> (String, usize) {
    let mut table = format!("{title}: the exit status of the caller\n{:34}", "");
    for fault in Fault::ALL {
        write!(table, "{:>18}", fault.name()).unwrap();
    }
    let mut wrong = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        write!(table, "\n{step:34}").unwrap();
        for fault in Fault::ALL {
            let outcome = outcomes.iter().find(|(case, _)| *case == (number, fault));
            let cell = outcome.map_or(".".to_owned(), |(_, outcome)| {
                let code = outcome
                    .code
                    .map_or("none".to_owned(), |code| code.to_string());
                if outcome.faults.is_empty() {
                    return code;
                }
                wrong.push(format!(
                    "{step}, {}: {}",
                    fault.name(),
                    outcome.faults.join("\n    ")
                ));
                format!("{code} WRONG")
            });
            write!(table, "{cell:>18}").unwrap();
        }
    }
    write!(
        table,
        "\n{} cases, {} wrong\n{}",
        outcomes.len(),
        wrong.len(),
        wrong.join("\n")
    )
    .unwrap();
    (table, wrong.len())
}
