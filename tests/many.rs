//! Many tasks at the same moment. `make soak` has more of them than the suite.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use duct::cmd;

use crate::support::{
    App, Footprint, Host, Image, Ledger, Output, Process, is_soak, poll_for, wait_until,
};

/// So many commands at once start detached tasks.
const STARTERS: usize = 4;

/// Ends when somebody has opened the pipe for writing, and takes next to no processor
/// until then. One that comes too late for that looks again.
const UNTIL_TOLD: &str = "until [ -e /ledger/go ]; do timeout 5 cat /ledger/end; done";

/// For many containers to start or to end.
const LONG: Duration = Duration::from_secs(300);

/// An app, and what its tasks write down.
struct Tasks<'a> {
    host: &'a Host,
    app: &'a App<'a>,
    ledger: Ledger,
    untouched: Footprint,
}

impl<'a> Tasks<'a> {
    fn new(host: &'a Host, app: &'a App<'a>) -> Self {
        let ledger = Ledger::with_hook(host, app);
        cmd!("mkfifo", ledger.path().join("end")).run().unwrap();
        let untouched = Footprint::after_first_use(host, app);
        ledger.clear();
        Self {
            host,
            app,
            ledger,
            untouched,
        }
    }

    /// Runs the task of this number: all have different exit codes, as far as they go.
    fn run(&self, command: &str, number: usize) -> Output {
        let task = Ledger::task(&number.to_string(), UNTIL_TOLD, code(number));
        let call = self.app.subcommand(command, &[], task);
        crate::support::run_to_end(&call.stdin_null())
    }

    fn wait_for_starts(&self, count: usize) {
        let started = || (self.ledger.accounts().len() == count).then_some(());
        poll_for(LONG, started).expect("all are started");
    }

    fn end_all(&self) {
        fs::write(self.ledger.path().join("go"), "").unwrap();
        let _ = File::options()
            .write(true)
            .open(self.ledger.path().join("end"));
    }

    /// Waits until nothing is left, and compares what was written down.
    fn check(&self, count: usize) {
        let mut left = Vec::new();
        let clean = poll_for(LONG, || {
            left = Footprint::of(self.host, self.app).since(&self.untouched);
            left.is_empty().then_some(())
        });
        assert!(clean.is_some(), "left: {left:?}");
        let mut numbers: Vec<usize> = Vec::new();
        for (container, account) in self.ledger.accounts() {
            let [note] = &account.started[..] else {
                panic!("{container}: {account:?}");
            };
            let number = note.trim().parse().unwrap();
            assert_eq!(
                (account.ended, &account.told),
                (1, &vec![code(number)]),
                "task {number}"
            );
            numbers.push(number);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..count).collect::<Vec<_>>());
    }
}

fn code(number: usize) -> i32 {
    i32::try_from(number % 100).unwrap()
}

#[test]
fn a_hundred_detached_tasks_need_no_more_processes_than_ten() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // others' processes cannot be told from ours
    }
    let count = if is_soak() { 200 } else { 100 };
    let few = 10;
    let app = host.app(Image::Busybox);
    let tasks = Tasks::new(&host, &app);
    start_detached(&tasks, 0..few);
    let with_few = Usage::of(&host);
    start_detached(&tasks, few..count);
    let with_many = Usage::of(&host);
    tasks.end_all();
    let peak = peak_until_clean(&host);
    println!("{few} detached tasks: {with_few:?}\n{count}: {with_many:?}\nat their ends: {peak:?}");
    tasks.check(count);
    assert_eq!(with_few.processes, with_many.processes);
    assert!(
        with_many.kilobytes <= with_few.kilobytes * 5 / 4,
        "{} kB became {} kB",
        with_few.kilobytes,
        with_many.kilobytes
    );
    for (program, most) in peak {
        assert!(most <= few, "{most} processes '{program}' at the ends");
    }
}

#[test]
fn many_parallel_attached_tasks_each_run_once_with_their_exit_code() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // others' processes cannot be told from ours
    }
    let count = if is_soak() { 50 } else { 20 };
    let app = host.app(Image::Busybox);
    let tasks = Tasks::new(&host, &app);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..count)
            .map(|number| {
                let tasks = &tasks;
                scope.spawn(move || tasks.run("run", number))
            })
            .collect();
        tasks.wait_for_starts(count);
        tasks.end_all();
        for (number, caller) in callers.into_iter().enumerate() {
            let output = caller.join().unwrap();
            assert_eq!(output.code, code(number), "{output:?}");
        }
    });
    tasks.check(count);
}

fn start_detached(tasks: &Tasks<'_>, numbers: std::ops::Range<usize>) {
    let next = AtomicUsize::new(numbers.start);
    std::thread::scope(|scope| {
        for _ in 0..STARTERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    let output = tasks.run("run:detached", number);
                    assert_eq!(output.code, 0, "{output:?}");
                }
            });
        }
    });
    tasks.wait_for_starts(numbers.end);
}

/// What we take while nothing happens.
#[derive(Debug)]
struct Usage {
    /// By program: ours and docker's clients.
    processes: BTreeMap<String, usize>,
    /// Resident memory of all of ours.
    kilobytes: usize,
}

impl Usage {
    fn of(host: &Host) -> Self {
        // The process that takes over from a command may be about to.
        let processes = wait_until("nothing changes any more", || {
            let before = host.processes();
            std::thread::sleep(Duration::from_millis(500));
            // Docker is asked nothing, it only tells.
            let rests = before
                .iter()
                .all(|process| process.program != "docker" || process.words.contains(" events "));
            (rests && before == host.processes()).then_some(before)
        });
        let ours = processes
            .iter()
            .filter(|process| process.program != "docker");
        Self {
            kilobytes: ours.map(|process| resident(process.pid)).sum(),
            processes: count(&processes),
        }
    }
}

fn count(processes: &[Process]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for process in processes {
        *counts.entry(process.program.clone()).or_default() += 1;
    }
    counts
}

/// The most processes of each program at the same moment, until there are none.
fn peak_until_clean(host: &Host) -> BTreeMap<String, usize> {
    let mut peak: BTreeMap<String, usize> = BTreeMap::new();
    poll_for(LONG, || {
        let processes = host.processes();
        for (program, number) in count(&processes) {
            let most = peak.entry(program).or_default();
            *most = number.max(*most);
        }
        processes.is_empty().then_some(())
    });
    peak
}

/// Kilobytes (proc(5), `VmRSS`).
fn resident(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
