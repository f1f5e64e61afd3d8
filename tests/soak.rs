//! Short tasks, attached and detached, while processes of ours are killed at random:
//! in the end nothing is left, and every task is accounted for. `make soak` has thousands
//! of them, the suite a hundred.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{
    Account, App, Footprint, Host, Image, Ledger, Output, is_soak, poll_for, records, repository,
    soak_tasks,
};

/// So many callers at once.
const CALLERS: usize = 6;

/// One kill after about so many starts.
const STARTS_A_KILL: usize = 2;

/// One task of which nobody was told may come of so many kills: who is killed after it
/// has written that it tells, and before it does. The hook is fired once or never.
const KILLS_AN_UNTOLD: usize = 100;

/// What was planned for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    detached: bool,
    /// Its own exit code.
    code: i32,
    milliseconds: u32,
}

impl Plan {
    fn by(random: &mut fastrand::Rng) -> Self {
        Self {
            detached: random.bool(),
            // Nobody else gives these.
            code: if random.u8(..) < 64 {
                0
            } else {
                random.i32(30..100)
            },
            milliseconds: random.u32(0..400),
        }
    }
}

#[test]
fn every_task_is_accounted_for_when_processes_are_killed_at_random() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // others' processes are not to be killed
    }
    let seed = std::env::var("ONEOFF_SOAK_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("ONEOFF_SOAK_SEED is a number"),
    );
    // The plans are the seed's; which process a kill meets is the machine's.
    println!("soak: ONEOFF_SOAK_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let plans: Vec<Plan> = (0..soak_tasks(100))
        .map(|_| Plan::by(&mut random))
        .collect();

    let app = host.app(Image::Busybox);
    app.dokku_ok("run:set", &["keep-records", &(2 * plans.len()).to_string()]);
    let ledger = Ledger::new(&app);
    // Long enough to be met by a kill, as many a notification is.
    let hook = format!("{}; sleep 0.2", ledger.end());
    host.add_hook("oneoff-test-ledger", "scheduler-post-run", &hook);
    Footprint::with_volume(&app);
    let untouched = Footprint::after_first_use(&host, &app);
    ledger.clear();
    let begun = Instant::now();
    let (outputs, kills) = storm(&host, &app, &plans, random);
    let passes = settle(&host, &app, &untouched);
    let seconds = begun.elapsed().as_secs();
    let left = Footprint::of(&host, &app).since(&untouched);
    let (wrong, untold) = account(&plans, &outputs, &ledger, &recorded(&host, &app));
    println!(
        "soak: {} tasks in {seconds} s, {kills:?} killed, {passes} passes at the end, {untold} not told of",
        plans.len(),
    );
    for id in app.containers() {
        host.docker(&["container", "rm", "--force", "--volumes", &id]);
    }
    assert!(
        left.is_empty() && wrong.is_empty(),
        "left: {left:#?}\nwrong: {wrong:#?}"
    );
    let most = kills.values().sum::<usize>().div_ceil(KILLS_AN_UNTOLD);
    assert!(untold <= most, "{untold} tasks were not told of");
}

/// The exit codes in a container's records.
type Codes = Vec<Option<i64>>;

/// They by the beginning of the container's id.
fn recorded(host: &Host, app: &App<'_>) -> BTreeMap<String, Codes> {
    let mut codes: BTreeMap<String, Codes> = BTreeMap::new();
    for record in records(host, app) {
        let id = record["id"].as_str().unwrap()[..12].to_owned();
        codes
            .entry(id)
            .or_default()
            .push(record["exit_code"].as_i64());
    }
    codes
}

/// How many of each program were killed.
type Kills = BTreeMap<String, usize>;

/// Runs all tasks while processes are killed and Dokku's passes are made. Gives what
/// the callers got, in the order of the plans.
fn storm(
    host: &Host,
    app: &App<'_>,
    plans: &[Plan],
    mut random: fastrand::Rng,
) -> (Vec<Output>, Kills) {
    let next = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    let outputs = Mutex::new(BTreeMap::new());
    let (started, outputs_so_far) = (&next, &outputs);
    let kills = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    while let Some((number, plan)) = take(started, plans) {
                        let output = run(app, number, plan);
                        outputs_so_far.lock().unwrap().insert(number, output);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // A pass may be killed like everything else.
                host.dokku(["run:retire"]);
                poll_for(Duration::from_secs(3), || {
                    over.load(Ordering::Relaxed).then_some(())
                });
            }
        });
        let killer = scope.spawn(|| kill(host, &next, plans.len(), &over, &mut random));
        for caller in callers {
            caller.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        killer.join().unwrap()
    });
    let outputs = outputs.into_inner().unwrap();
    (outputs.into_values().collect(), kills)
}

fn take(next: &AtomicUsize, plans: &[Plan]) -> Option<(usize, Plan)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    if is_soak() && number.is_multiple_of(50) {
        println!("soak: {number} of {} started", plans.len());
    }
    plans.get(number).map(|plan| (number, *plan))
}

fn run(app: &App<'_>, number: usize, plan: Plan) -> Output {
    let pause = format!(
        "sleep {}.{:03}",
        plan.milliseconds / 1000,
        plan.milliseconds % 1000
    );
    let task = Ledger::task(&number.to_string(), &pause, plan.code);
    let command = if plan.detached { "run:detached" } else { "run" };
    crate::support::run_to_end(&app.subcommand(command, &[], task).stdin_null())
}

/// Kills one process of ours or of docker's that we started, again and again.
fn kill(
    host: &Host,
    started: &AtomicUsize,
    count: usize,
    over: &AtomicBool,
    random: &mut fastrand::Rng,
) -> Kills {
    let mut kills = Kills::new();
    let mut at = STARTS_A_KILL;
    while !over.load(Ordering::Relaxed) {
        if started.load(Ordering::Relaxed).min(count) >= at {
            let mut victims = host.processes();
            victims.retain(|process| is_ours(&process.program));
            if let Some(victim) = random.choice(&victims) {
                victim.kill();
                *kills.entry(victim.program.clone()).or_default() += 1;
            }
            at += random.usize(1..2 * STARTS_A_KILL);
        }
        std::thread::sleep(Duration::from_millis(random.u64(5..50)));
    }
    kills
}

/// What the plugin brings, and the client that it starts.
fn is_ours(program: &str) -> bool {
    program == "docker"
        || repository()
            .join("src/bin")
            .join(format!("{program}.rs"))
            .exists()
}

/// Dokku's passes, until nothing is left. Gives how many there were.
fn settle(host: &Host, app: &App<'_>, untouched: &Footprint) -> usize {
    const MOST: usize = 3;
    for pass in 1..=MOST {
        let output = host.dokku(["run:retire"]);
        assert_eq!(output.code, 0, "{output:?}");
        let clean = poll_for(Duration::from_secs(20), || {
            Footprint::of(host, app)
                .since(untouched)
                .is_empty()
                .then_some(())
        });
        if clean.is_some() {
            return pass;
        }
    }
    MOST
}

/// What does not fit together, a sentence each; and how many nobody was told of.
fn account(
    plans: &[Plan],
    outputs: &[Output],
    ledger: &Ledger,
    recorded: &BTreeMap<String, Codes>,
) -> (Vec<String>, usize) {
    let mut by_number: BTreeMap<usize, Vec<(Account, Codes)>> = BTreeMap::new();
    let (mut wrong, mut untold) = (Vec::new(), 0);
    for (container, account) in ledger.accounts() {
        let codes = recorded.get(&container).cloned().unwrap_or_default();
        untold += usize::from(account.told.is_empty());
        match account.started.first() {
            Some(note) => by_number
                .entry(note.trim().parse().unwrap())
                .or_default()
                .push((account, codes)),
            // It was made and never ran.
            None if account.told.iter().all(|code| *code != 0) && account.told.len() == 1 => {}
            None => wrong.push(format!("{container} never ran: {account:?}")),
        }
    }
    for (number, (plan, output)) in plans.iter().zip(outputs).enumerate() {
        let accounts = by_number.remove(&number).unwrap_or_default();
        if !is_right(*plan, output.code, &accounts) {
            wrong.push(format!("task {number}, {plan:?}: {accounts:?}, {output:?}"));
        }
    }
    (wrong, untold)
}

/// Whether a task ran once, to its end, was told of once at most, and has a record; or
/// never, and then nobody was told of a success.
fn is_right(plan: Plan, caller: i32, accounts: &[(Account, Codes)]) -> bool {
    match accounts {
        [] => caller != 0 && caller != plan.code,
        [(account, recorded)] => {
            let ran = account.started.len() == 1 && account.ended == 1;
            let told = account.told.is_empty() || account.told == [plan.code];
            let is_recorded = *recorded == [Some(i64::from(plan.code))];
            let well = if plan.detached { 0 } else { plan.code };
            let honest = caller == well || caller > 100;
            ran && told && is_recorded && honest
        }
        _ => false,
    }
}
