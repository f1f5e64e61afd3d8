//! Signals to an attached task's command: each of them, once and twice, to our own
//! process and to its whole process group, with and without a terminal.

use std::fs;

use duct::Handle;

use crate::support::{
    App, Gate, Host, Image, Log, Terminal, docker_client, is_gone, our_program, records, signal,
    wait_until,
};

#[derive(Debug, Clone, Copy)]
struct Case {
    signal: &'static str,
    twice: bool,
    /// Docker's client and Dokku's own processes get it, too.
    to_group: bool,
    terminal: bool,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for signal in ["INT", "TERM", "QUIT", "HUP"] {
            for number in 0..8 {
                cases.push(Self {
                    signal,
                    twice: number & 1 != 0,
                    to_group: number & 2 != 0,
                    terminal: number & 4 != 0,
                });
            }
        }
        cases
    }

    /// What the task is told: without a terminal nothing hangs up for it.
    fn told(self) -> &'static str {
        match self.signal {
            "HUP" if !self.terminal => "TERM",
            other => other,
        }
    }

    /// The task's exit code: its own, or that of what was killed.
    fn code(self) -> u8 {
        match self.told() {
            _ if self.twice => 137,
            "INT" => 2,
            "TERM" => 15,
            "QUIT" => 3,
            _ => 1,
        }
    }
}

/// Ends by the first signal with its number, or by none.
fn script(ends: bool) -> String {
    let trap = |name: &str, number: u8| {
        let end = if ends {
            format!("; exit {number}")
        } else {
            String::new()
        };
        format!("trap 'echo {name} >>/gate/told{end}' {name}; ")
    };
    let traps = [("HUP", 1), ("INT", 2), ("QUIT", 3), ("TERM", 15)]
        .map(|(name, number)| trap(name, number));
    traps.concat() + "touch /gate/ready; while :; do sleep 0.05; done"
}

/// The command, on a terminal of its own or in a session without one.
enum Command {
    Terminal(Terminal),
    Plain(Handle),
}

impl Command {
    fn start(host: &Host, app: &App<'_>, case: Case) -> Self {
        let task = ["sh".to_owned(), "-c".to_owned(), script(!case.twice)];
        if case.terminal {
            return Self::Terminal(app.terminal("\"$@\"", &[], task));
        }
        let words = [&["run".to_owned(), app.name.clone()], &task[..]].concat();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = host
            .command_by("exec setsid --wait \"$@\"", &words)
            .stdin_null()
            .stdout_null()
            .stderr_null();
        Self::Plain(command.unchecked().start().unwrap())
    }

    fn pid(&self) -> u32 {
        match self {
            Self::Terminal(terminal) => terminal.pid(),
            Self::Plain(handle) => handle.pids()[0],
        }
    }

    fn code(&mut self) -> i32 {
        match self {
            Self::Terminal(terminal) => terminal.wait_exit_code(),
            Self::Plain(handle) => handle.wait().unwrap().status.code().unwrap(),
        }
    }
}

/// The process group of a process (proc(5), `stat`).
fn group(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(2).unwrap().to_owned()
}

/// What differs from what must be; nothing when it is well.
fn tried(host: &Host, ends: &Log, case: Case) -> Option<String> {
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let mut command = Command::start(host, &app, case);
    gate.wait();
    let ours = our_program(command.pid(), "run").expect("our process runs");
    let group = group(ours);
    let send = || {
        if case.to_group {
            duct::cmd!(
                "kill",
                format!("-{}", case.signal),
                "--",
                format!("-{group}")
            )
            .run()
            .unwrap();
        } else {
            signal(ours, case.signal);
        }
    };
    send();
    let until = |what: &str, is: &dyn Fn() -> bool| {
        wait_until(&format!("{case:?}: {what}"), || is().then_some(()));
    };
    let told = || fs::read_to_string(gate.path("told")).unwrap_or_default();
    until("the task is told", &|| told().contains('\n'));
    if case.twice {
        send();
    }
    until("the container is removed", &|| app.containers().is_empty());
    let ended = || -> Vec<String> {
        let lines = ends.read();
        let own = lines
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("{} ", app.name)));
        own.map(str::to_owned).collect()
    };
    until("plugins are told", &|| !ended().is_empty());
    let (ended, code) = (ended(), case.code().to_string());
    let mut wrong = Vec::new();
    if ended != [code] {
        wrong.push(format!("plugins were told {ended:?}"));
    }
    let told = told();
    // When the first process of a killed container dies, the kernel tells the ones on
    // its terminal of the hang-up before it kills them (disassociate_ctty in do_exit).
    let by_the_kernel = if case.twice && case.terminal {
        "HUP\n"
    } else {
        ""
    };
    let expected = format!("{}\n", case.told());
    if told != expected && told != format!("{expected}{by_the_kernel}") {
        wrong.push(format!("the task was told {told:?}"));
    }
    // Dokku's own processes end by the signal when they get it.
    if !case.to_group {
        let code = command.code();
        if code != i32::from(case.code()) {
            wrong.push(format!("exit code {code}"));
        }
    }
    (!wrong.is_empty()).then(|| format!("{case:?}: {}", wrong.join(", ")))
}

#[test]
fn every_signal_ends_the_task_and_its_container_is_removed() {
    let host = Host::new();
    let ends = Log::new();
    let hook = format!(
        "case $2 in oneoff-{}-*) echo $2 $4 >>{};; esac",
        std::process::id(),
        ends.path().display()
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    let cases = Case::all();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts: Vec<_> = cases
            .chunks(cases.len() / 4)
            .map(|part| {
                let (host, ends) = (&host, &ends);
                scope.spawn(move || {
                    part.iter()
                        .filter_map(|case| tried(host, ends, *case))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// On a terminal docker's client is in our process group, so it gets the same signal and ends by it,
/// maybe before our process is scheduled again.
#[test]
fn a_signal_stops_the_task_even_if_the_docker_client_ends_first() {
    let host = Host::new();
    for signal_name in ["TERM", "HUP"] {
        for round in 0..4 {
            let app = host.app(Image::Busybox);
            let gate = Gate::new(&app);
            let mut terminal = app.terminal("\"$@\"", &[], ["sh", "-c", &script(true)]);
            gate.wait();
            let ours = our_program(terminal.pid(), "run").expect("our process runs");
            let client = wait_until("docker's client is attached", || {
                docker_client(ours, &["container", "start"])
            });
            signal(ours, "STOP");
            signal(ours, signal_name);
            signal(client, signal_name);
            wait_until("docker's client has ended", || {
                is_gone(client).then_some(())
            });
            signal(ours, "CONT");
            wait_until("the container is removed", || {
                app.containers().is_empty().then_some(())
            });
            let told = fs::read_to_string(gate.path("told")).unwrap_or_default();
            assert_eq!(told, format!("{signal_name}\n"), "round {round}");
            assert_ne!(terminal.wait_exit_code(), 0);
        }
    }
}

/// What docker's `--sig-proxy` forwards besides INT, TERM, QUIT and HUP. ABRT is not passed on by
/// docker's init process.
#[test]
fn a_signal_that_does_not_stop_reaches_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let numbers = [
        "10", "12", "14", "16", "18", "24", "25", "26", "27", "28", "29", "30", "35", "64",
    ];
    let traps = numbers.map(|number| format!("trap '>/gate/signal-{number}' {number}"));
    let script = format!("{}; {}; exit 5", traps.join("; "), Gate::WAIT[2]);
    let command = app.command(&[], ["sh", "-c", &script]).stdin_null();
    let task = command.stdout_null().unchecked().start().unwrap();
    gate.wait();
    let ours = our_program(task.pids()[0], "run").expect("our process runs");
    for number in numbers {
        signal(ours, number);
        wait_until(number, || {
            let arrived = gate.path(&format!("signal-{number}")).exists();
            assert!(task.try_wait().unwrap().is_none(), "{number} ended us");
            arrived.then_some(())
        });
    }
    gate.open();
    assert_eq!(task.wait().unwrap().status.code(), Some(5));
    let records = records(&host, &app);
    assert_eq!(records[0]["reason"], "exited");
}
