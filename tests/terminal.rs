//! A task and its user's terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::NamedTempFile;

use crate::support::{
    App, Gate, Host, Image, Output, Terminal, docker, docker_client, is_gone, our_program, signal,
    wait_until,
};

/// On the terminal and nothing else.
const PLAIN: &str = "\"$@\"";

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_P: &str = "\x10";
const DETACH: &str = "\x1d\x11";

/// Says `ready`, ends by INT or TERM with a code of its own.
const WAITS: [&str; 3] = [
    "sh",
    "-c",
    "trap 'echo told INT; exit 5' INT; trap 'echo told TERM; exit 6' TERM; echo ready; while :; do sleep 0.05; done",
];

/// What hook `scheduler-post-run` was told of an app's tasks.
struct Ends(NamedTempFile);

impl Ends {
    fn of(host: &Host, app: &App<'_>) -> Self {
        let file = NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
        let script = format!(
            "[ \"$2\" != {} ] || echo \"exit code $4\" >>{}",
            app.name,
            file.path().display()
        );
        host.add_hook("oneoff-test-ends", "scheduler-post-run", &script);
        Self(file)
    }

    fn told(&self) -> String {
        fs::read_to_string(self.0.path()).unwrap()
    }
}

fn wait_until_removed(app: &App<'_>) {
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn a_task_gets_a_terminal_when_stdin_and_stdout_are_terminals() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for script in [PLAIN, "\"$@\" 2>/dev/null"] {
        let mut terminal = app.terminal(script, &[], ["tty"]);
        assert_eq!(terminal.wait_exit_code(), 0, "{script}");
        terminal.wait_for("/dev/pts/0\n");
    }
}

#[test]
fn a_task_gets_no_terminal_when_stdin_or_stdout_is_redirected() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let file = NamedTempFile::new().unwrap();
    let to_file = format!("\"$@\" >{0}; cat {0}", file.path().display());
    let which = "for n in 0 1 2; do test -t $n && echo $n is one; done; echo asked";
    for script in [
        "\"$@\" </dev/null",
        "echo | \"$@\"",
        "\"$@\" | cat",
        &to_file,
    ] {
        let mut terminal = app.terminal(script, &[], ["sh", "-c", which]);
        assert_eq!(terminal.wait_exit_code(), 0, "{script}");
        let screen = terminal.screen();
        assert!(
            screen.contains("asked") && !screen.contains("is one"),
            "{script}: {screen}"
        );
    }
}

#[test]
fn force_tty_allocates_a_terminal_when_the_caller_has_none() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    // The task's terminal echoes, ends lines as terminals do, and its input ends
    // where ours does: for every program that reads it, however late.
    let script = "tty; read line; echo got $line; cat; cat";
    for (input, output) in [
        ("a line\n", "got a line\r\n"),
        ("a line\nno line", "got a line\r\nno line"),
        ("", "got\r\n"),
    ] {
        let task = app
            .command(&["--force-tty"], ["sh", "-c", script])
            .stdin_bytes(input);
        let task = task.stdout_capture().stderr_capture().unchecked();
        let task = task.start().unwrap();
        let said = wait_until("the task ends", || {
            task.try_wait().unwrap().map(Output::new)
        });
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{input:?}");
        for part in ["/dev/pts/0\r\n", &input.replace('\n', "\r\n"), output] {
            assert!(said.stdout.contains(part), "{input:?}: {said:?}");
        }
    }
    assert!(app.containers().is_empty());
}

#[test]
fn force_tty_allocates_a_terminal_when_one_stream_is_redirected() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for script in ["\"$@\" </dev/null", "\"$@\" | cat"] {
        let mut terminal = app.terminal(script, &["--force-tty"], ["tty"]);
        assert_eq!(terminal.wait_exit_code(), 0, "{script}");
        terminal.wait_for("/dev/pts/0\n");
        terminal.wait_restored();
    }
}

#[test]
fn ctrl_c_stops_a_force_tty_task_with_redirected_stdin() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for options in [&["--force-tty"][..], &["--force-tty", "--no-stdin"]] {
        let mut terminal = app.terminal("\"$@\" </dev/null", options, WAITS);
        terminal.wait_for("ready");
        terminal.type_keys(CTRL_C);
        assert_eq!(terminal.wait_exit_code(), 5, "{options:?}");
        terminal.wait_for("told INT");
    }
}

#[test]
fn no_tty_leaves_the_terminal_of_the_user_in_line_mode() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let script = "test -t 0 || test -t 1 || echo no terminal; read a; echo got $a; cat; echo end";
    let mut terminal = app.terminal(PLAIN, &["--no-tty"], ["sh", "-c", script]);
    terminal.wait_for("no terminal");
    terminal.type_keys("one\n");
    terminal.wait_for("got one");
    terminal.type_keys("two\n");
    terminal.wait_for("two\ntwo\n"); // echoed by the terminal, and by the task
    terminal.type_keys(CTRL_D);
    assert_eq!(terminal.wait_exit_code(), 0);
    terminal.wait_for("end\n");
    terminal.wait_restored();
}

#[test]
fn ctrl_c_stops_a_no_tty_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let mut terminal = app.terminal(PLAIN, &["--no-tty"], WAITS);
    terminal.wait_for("ready");
    terminal.type_keys(CTRL_C);
    assert_eq!(terminal.wait_exit_code(), 5);
    terminal.wait_for("told INT");
}

#[test]
fn a_terminal_with_tostop_does_not_suspend_run() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (script, option) in [
        ("stty tostop; \"$@\" </dev/null", "--timeout=1m"),
        ("stty tostop; \"$@\"", "--no-tty"),
    ] {
        let mut terminal = app.terminal(
            script,
            &[option],
            ["sh", "-c", "echo out; echo err >&2; exit 3"],
        );
        assert_eq!(terminal.wait_exit_code(), 3, "{option}");
        terminal.wait_for("out");
        terminal.wait_for("err");
    }
}

#[test]
fn input_typed_after_the_end_of_the_task_is_left_to_the_shell() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // sudo, by which root's becomes user dokku's, has a terminal of its own between
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    let hook = format!(
        "[ \"$2\" != {} ] || {{ touch {}; until [ -e {} ]; do sleep 0.05; done; }}",
        app.name,
        gate.path("ready").display(),
        gate.path("go").display()
    );
    host.add_hook("oneoff-test-slow", "scheduler-post-run", &hook);
    let then = "\"$@\"; read line; echo \"the shell got $line\"";
    for option in ["--no-tty", "--force-tty"] {
        let mut terminal = app.terminal(then, &[option], ["echo", "done"]);
        gate.wait();
        terminal.type_keys("a line\n");
        gate.open();
        terminal.wait_for("the shell got a line");
        gate.close();
    }
}

#[test]
fn a_shell_on_a_terminal_prompts_and_echoes() {
    let host = Host::new();
    let app = host.app(Image::Bash);
    let mut terminal = app.terminal(PLAIN, &["-e", "PS1=say> "], [""; 0]);
    terminal.wait_for("say> ");
    terminal.type_keys("echo $((40 + 2))\n");
    terminal.wait_for("say> echo $((40 + 2))\n42\nsay> ");
    terminal.type_keys("exit 3\n");
    assert_eq!(terminal.wait_exit_code(), 3);
    terminal.wait_restored();
}

#[test]
fn run_on_a_terminal_exits_with_the_exit_code_of_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    assert_eq!(
        app.terminal(PLAIN, &[], ["sh", "-c", "exit 42"])
            .wait_exit_code(),
        42
    );
}

#[test]
fn each_ctrl_c_reaches_the_program_once() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let count = "n=0; trap 'n=$((n + 1)); echo told $n' INT; echo ready; until [ $n = 2 ]; do sleep 0.05; done; exit 7";
    let mut terminal = app.terminal(PLAIN, &[], ["sh", "-c", count]);
    terminal.wait_for("ready");
    terminal.wait_raw();
    // The terminal's signal, and none of ours besides: the second would kill.
    terminal.type_keys(CTRL_C);
    terminal.wait_for("told 1");
    terminal.type_keys(CTRL_C);
    assert_eq!(terminal.wait_exit_code(), 7);
}

#[test]
fn ctrl_c_ends_a_program_without_a_handler() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let script = "echo ready; exec sleep 1000";
    let mut terminal = app.terminal(PLAIN, &[], ["sh", "-c", script]);
    terminal.wait_for("ready");
    terminal.wait_raw();
    terminal.type_keys(CTRL_C);
    assert_eq!(terminal.wait_exit_code(), 130);
    terminal.wait_restored();
}

#[test]
fn ctrl_p_reaches_the_program_immediately() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let script = "stty raw -echo; echo ready; dd bs=1 count=1 2>/dev/null | od -An -tx1";
    let mut terminal = app.terminal(PLAIN, &[], ["sh", "-c", script]);
    terminal.wait_for("ready");
    terminal.wait_raw();
    terminal.type_keys(CTRL_P);
    assert_eq!(terminal.wait_exit_code(), 0);
    terminal.wait_for(" 10\n");
}

#[test]
fn the_task_sees_the_window_size_and_its_changes() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let script = "for want in '33 77' '20 50'; do until [ \"$(stty size)\" = \"$want\" ]; do sleep 0.05; done; echo seen \"$want\"; done";
    let mut terminal = app.terminal(PLAIN, &[], ["sh", "-c", script]);
    terminal.wait_for("seen 33 77");
    // Docker's client has set the first size before it listens for another: a change in
    // between is lost, the next one is not.
    wait_until("seen 20 50", || {
        terminal.resize(20, 49);
        terminal.resize(20, 50);
        terminal.screen().contains("seen 20 50").then_some(())
    });
    assert_eq!(terminal.wait_exit_code(), 0);
}

#[test]
fn term_is_passed_on_unless_config_or_an_option_sets_it() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let term = |options: &[&str]| {
        let mut terminal = app.terminal(PLAIN, options, ["sh", "-c", "echo \"<$TERM>\""]);
        assert_eq!(terminal.wait_exit_code(), 0);
        let screen = terminal.screen();
        screen.split(['<', '>']).nth(1).unwrap().to_owned()
    };
    assert_eq!(term(&[]), Terminal::TERM);
    // Without a terminal it has no meaning.
    assert_eq!(term(&["--no-tty"]), "");
    app.config("TERM", "of-config");
    assert_eq!(term(&[]), "of-config");
    assert_eq!(term(&["-e", "TERM=mine"]), "mine");
}

#[test]
fn the_detach_keys_leave_the_task_running_under_supervision() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let ends = Ends::of(&host, &app);
    let mut terminal = app.terminal(PLAIN, &[], WAITS);
    terminal.wait_for("ready");
    terminal.wait_raw();
    terminal.type_keys(DETACH);
    assert_eq!(terminal.wait_exit_code(), 0);
    terminal.wait_restored();
    let id = app.containers().concat();
    let inspect = |what: &str| docker(&["container", "inspect", "--format", what, &id]);
    let name = inspect("{{.Name}}");
    terminal.wait_for(&format!(
        "dokku run:attach --container {}'",
        name.trim_start_matches('/')
    ));
    assert_eq!(inspect("{{.State.Running}}"), "true");
    // Neither its user's terminal nor a hang-up of it matters any more.
    terminal.hang_up();
    drop(terminal);
    assert_eq!(inspect("{{.State.Running}} {{.State.ExitCode}}"), "true 0");
    assert_eq!(ends.told(), "");
    docker(&["container", "kill", &id]);
    wait_until_removed(&app);
    assert_eq!(ends.told(), "exit code 137\n");
}

#[test]
fn a_terminal_hang_up_stops_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let ends = Ends::of(&host, &app);
    let script = "trap 'exit 8' HUP; trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    for (options, code) in [(&[][..], 8), (&["--no-tty"], 9)] {
        let mut terminal = app.terminal(PLAIN, options, ["sh", "-c", script]);
        terminal.wait_for("ready");
        let ours = our_program(terminal.pid(), "run").expect("our process runs");
        terminal.hang_up();
        wait_until("our process ends", || is_gone(ours).then_some(()));
        assert!(app.containers().is_empty(), "{options:?}");
        let told = ends.told();
        assert!(
            told.ends_with(&format!("exit code {code}\n")),
            "{options:?}: {told}"
        );
    }
}

#[test]
fn on_hangup_keep_leaves_the_task_running_after_a_terminal_hang_up() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let ends = Ends::of(&host, &app);
    let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let mut terminal = app.terminal(PLAIN, &["--on-hangup=keep"], ["sh", "-c", script]);
    terminal.wait_for("ready");
    let ours = our_program(terminal.pid(), "run").expect("our process runs");
    terminal.hang_up();
    wait_until("our process ends", || is_gone(ours).then_some(()));
    docker(&[
        "container",
        "kill",
        "--signal=TERM",
        &app.containers().concat(),
    ]);
    wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
    assert!(ends.told().ends_with("exit code 9\n"));
}

#[test]
fn a_shell_ends_when_its_terminal_hangs_up() {
    let host = Host::new();
    let app = host.app(Image::Bash);
    let mut terminal = app.terminal(PLAIN, &["-e", "PS1=say> "], [""; 0]);
    terminal.wait_for("say> ");
    terminal.wait_raw();
    terminal.hang_up();
    wait_until_removed(&app);
}

#[test]
fn the_terminal_is_restored_after_the_end_of_the_task() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    for (script, code) in [
        ("exit 0", 0),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ] {
        let script = format!("echo ready; read line; {script}");
        let mut terminal = app.terminal(PLAIN, &[], ["sh", "-c", &script]);
        terminal.wait_for("ready");
        terminal.wait_raw();
        let watcher = our_program(terminal.pid(), "agent").expect("somebody watches");
        terminal.type_keys("\r");
        assert_eq!(terminal.wait_exit_code(), code, "{script}");
        terminal.wait_restored();
        wait_until("nobody watches any more", || is_gone(watcher).then_some(()));
    }
}

#[test]
fn the_terminal_is_restored_after_a_failed_start() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let mut terminal = app.terminal(PLAIN, &[], ["no-such-command"]);
    assert_eq!(terminal.wait_exit_code(), 127);
    terminal.wait_restored();
}

#[test]
fn the_terminal_is_restored_when_the_docker_client_leaves_it_raw() {
    let host = Host::new();
    if !host.is_disposable() {
        return;
    }
    let app = host.app(Image::Busybox);
    // It takes the modes that it finds for those to give back.
    host.replace_docker(
        "case \"$*\" in *'start --attach'*) stty raw -echo;; esac; exec \"$DOCKER\" \"$@\"",
    );
    for command in ["true", "no-such-command"] {
        let mut terminal = app.terminal(PLAIN, &[], [command]);
        terminal.wait_exit_code();
        terminal.wait_restored();
    }
}

#[test]
fn the_terminal_is_restored_after_a_signal_to_run() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let mut terminal = app.terminal(PLAIN, &[], WAITS);
    terminal.wait_for("ready");
    terminal.wait_raw();
    signal(our_program(terminal.pid(), "run").unwrap(), "TERM");
    assert_eq!(terminal.wait_exit_code(), 6);
    terminal.wait_for("told TERM");
    terminal.wait_restored();
}

#[test]
fn the_terminal_is_restored_when_run_is_killed() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let mut terminal = app.terminal(PLAIN, &[], WAITS);
    terminal.wait_for("ready");
    terminal.wait_raw();
    let shell = terminal.pid();
    let client = docker_client(shell, &["start", "--attach"]).expect("docker's client runs");
    let watcher = our_program(shell, "agent").expect("somebody watches");
    // It comes late: the shell goes on, and has the terminal for itself.
    signal(watcher, "STOP");
    signal(our_program(shell, "run").unwrap(), "KILL");
    assert_eq!(terminal.wait_exit_code(), 137);
    signal(watcher, "CONT");
    terminal.wait_restored();
    wait_until("docker's client has gone", || is_gone(client).then_some(()));
    wait_until("nobody watches any more", || is_gone(watcher).then_some(()));
    // The task is `run:retire`'s.
    docker(&["container", "rm", "--force", &app.containers().concat()]);
}

#[test]
fn the_terminal_is_restored_when_the_agent_starts_late() {
    let host = Host::new();
    if !host.is_disposable() {
        return;
    }
    let app = host.app(Image::Busybox);
    let agent = host.library().join("plugins/available/oneoff/bin/agent");
    fs::rename(&agent, agent.with_extension("real")).unwrap();
    // A host so busy that the watcher starts late.
    fs::write(&agent, "#!/bin/sh\nsleep 1\nexec \"$0.real\" \"$@\"\n").unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let mut terminal = app.terminal(PLAIN, &[], WAITS);
    terminal.wait_for("ready");
    terminal.wait_raw();
    signal(our_program(terminal.pid(), "run").unwrap(), "KILL");
    assert_eq!(terminal.wait_exit_code(), 137);
    terminal.wait_restored();
    docker(&["container", "rm", "--force", &app.containers().concat()]);
}

#[test]
fn the_terminal_is_restored_when_the_docker_client_is_killed() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // sudo, by which root's becomes user dokku's, has a terminal of its own between
    }
    let app = host.app(Image::Busybox);
    let mut terminal = app.terminal(PLAIN, &[], WAITS);
    terminal.wait_for("ready");
    terminal.wait_raw();
    let client = docker_client(terminal.pid(), &["start", "--attach"]);
    signal(client.expect("docker's client runs"), "KILL");
    terminal.wait_restored();
    terminal.wait_for("Lost the docker client");
    // The task runs on, and Ctrl-C is a signal to us again.
    wait_until("another client waits", || {
        docker_client(terminal.pid(), &["container", "wait"])
    });
    terminal.type_keys(CTRL_C);
    assert_eq!(terminal.wait_exit_code(), 5);
    terminal.wait_restored();
}
