//! Injects faults at a chosen step of a host: a call of docker's client, or a hook.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{App, Host, Ledger};

/// What happens to a step. "We" is the plugin's process that performs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The step reports an error and is not performed.
    Fails,
    /// The step is not performed, and does not end.
    Hangs,
    /// The step's process is killed before the step is performed.
    DiesBefore,
    /// The step is performed, and its process is killed before it can report that.
    DiesAfter,
    /// The docker daemon cannot be reached. (Does not apply to hooks.)
    CutOff,
    /// Our process is killed, and the step is not performed.
    WeDieBefore,
    /// Our process is killed, and the step is performed nevertheless.
    WeDieMeanwhile,
    /// The step is performed, and then our process is killed.
    WeDieAfter,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::Fails,
        Self::Hangs,
        Self::DiesBefore,
        Self::DiesAfter,
        Self::CutOff,
        Self::WeDieBefore,
        Self::WeDieMeanwhile,
        Self::WeDieAfter,
    ];

    /// The fault's name in tables and in the script `ACT`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Hangs => "hangs",
            Self::DiesBefore => "dies before",
            Self::DiesAfter => "dies after",
            Self::CutOff => "cut off",
            Self::WeDieBefore => "we die before",
            Self::WeDieMeanwhile => "we die meanwhile",
            Self::WeDieAfter => "we die after",
        }
    }
}

/// The first word of a hook's step name; all other steps are docker's.
pub const HOOK: &str = "hook";

/// Counts every call of docker's client and every hook of a host, and can make one of them fail.
///
/// A step is named by the first words of the call and a number: `container start 1` is the first
/// such call since [`FaultInjector::arm`], and `hook scheduler-post-run 1` the first time that
/// this hook is fired.
pub struct FaultInjector {
    directory: PathBuf,
}

/// Performs the step `$1`, whose command is in the other words, or the fault that was chosen for
/// it. With `exec` the command replaces the script, as in wrappers of docker. Steps are counted by
/// directories, because only one process can create a directory.
const ACT: &str = r#"
is_ours() { case $(readlink "/proc/$1/exe") in */plugins/available/oneoff/bin/*) ;; *) return 1 ;; esac; }
# The nearest process of ours above this one.
ours() {
    process=$$
    until is_ours "$process"; do
        process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status")
        [ "${process:-0}" -gt 1 ] || { echo 'nobody of ours' >>"$steps/strange"; return 1; }
    done
    echo "$process"
}
kill_ours() { process=$(ours) && kill -KILL "$process"; }

act() {
    step=$1
    shift
    . "$directory/case"
    # Between two cases nothing is counted.
    [ -d "$steps" ] || { $exec "$@"; return; }
    number=1
    until mkdir "$steps/$step $number" 2>/dev/null; do number=$((number + 1)); done
    [ "$step $number" = "$chosen" ] || { $exec "$@"; return; }
    case $fault in
        fails) echo 'Error response from daemon: a fault of the test' >&2; return 1 ;;
        hangs) exec sleep 600 ;;
        'dies before') kill -KILL $$ ;;
        'dies after') "$@" >/dev/null 2>&1; kill -KILL $$ ;;
        'cut off') DOCKER_HOST=unix:///no/such/socket "$@" ;;
        'we die before') kill_ours; return 1 ;;
        'we die meanwhile') kill_ours; "$@" ;;
        'we die after') "$@" >/dev/null 2>&1; kill_ours ;;
    esac
}
"#;

impl FaultInjector {
    /// Replaces the host's docker client, and adds hooks around the app's tasks. Each end of a task
    /// is written to the ledger.
    pub fn new(host: &Host, app: &App<'_>, ledger: &Ledger) -> Self {
        // The host's hooks need the directory until the host is dropped.
        let directory = host.directory().join("sabotage");
        fs::create_dir(&directory).unwrap();
        let act = directory.join("act");
        let here = directory.display();
        fs::write(&act, format!("directory='{here}'\n{ACT}")).unwrap();
        host.replace_docker(&format!(
            ". {}\n\
             is_ours $PPID || exec \"$DOCKER\" \"$@\" # core's own hooks call it, too\n\
             case $1 in container | image | network | volume) step=\"$1 $2\" ;; *) step=$1 ;; esac\n\
             exec=exec\n\
             act \"$step\" \"$DOCKER\" \"$@\"",
            act.display()
        ));
        let hook = |name: &str, command: &str| {
            let script = format!(
                "do_it() {{ {command}; }}\n. {}\nact '{HOOK} {name}' do_it \"$@\"",
                act.display()
            );
            host.add_hook("oneoff-test-sabotage", name, &script);
        };
        let sabotage = Self { directory };
        sabotage.disarm();
        for name in QUESTIONS {
            hook(name, ":");
        }
        hook("user-auth-app", &format!("echo {}", app.name));
        hook("post-container-create", ":");
        hook("scheduler-post-run", &ledger.end());
        sabotage
    }

    /// From now on steps are counted, and this fault is injected.
    pub fn arm(&self, fault: Option<(&str, Fault)>) {
        let steps = self.steps_directory();
        let _ = fs::remove_dir_all(&steps);
        fs::create_dir(&steps).unwrap();
        let (chosen, name) = fault.map_or(("", ""), |(step, fault)| (step, fault.name()));
        self.set_case(&steps.display().to_string(), chosen, name);
    }

    /// Stops counting and injecting.
    pub fn disarm(&self) {
        self.set_case("", "", "");
    }

    /// Replaces the file atomically, because a step may be reading it.
    fn set_case(&self, steps: &str, chosen: &str, fault: &str) {
        let case = format!("steps='{steps}' chosen='{chosen}' fault='{fault}'\n");
        let new = self.path("case.new");
        fs::write(&new, case).unwrap();
        fs::rename(new, self.path("case")).unwrap();
    }

    /// Whether this step was reached since [`FaultInjector::arm`].
    pub fn step_ran(&self, step: &str) -> bool {
        self.steps_directory().join(step).exists()
    }

    /// The steps that were reached since [`FaultInjector::arm`], in their order.
    pub fn steps_run(&self) -> Vec<String> {
        let mut steps: Vec<(SystemTime, String)> = fs::read_dir(self.steps_directory())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let taken = entry.metadata().unwrap().modified().unwrap();
                (taken, entry.file_name().into_string().unwrap())
            })
            .collect();
        steps.sort();
        steps.into_iter().map(|(_, step)| step).collect()
    }

    fn steps_directory(&self) -> PathBuf {
        self.path("steps")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Triggers that a run queries before it creates anything; an empty answer has no effect.
const QUESTIONS: [&str; 8] = [
    "scheduler-detect",
    "deployed-app-image-tag",
    "deployed-app-image-repo",
    "docker-args-run",
    "docker-args-process-run",
    "config-export",
    "procfile-get-command",
    "ps-get-property",
];
