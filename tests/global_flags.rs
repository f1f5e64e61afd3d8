//! Dokku's global flags, and the same words in the user's own command.

use crate::support::{Host, Image, Output};

/// Without what Dokku itself traces. Called as root it takes the command's words for
/// its own and then starts itself again, as user `dokku`.
fn untraced(output: Output) -> Output {
    let lines = output.stderr.split_inclusive('\n');
    let stderr = lines.filter(|line| !line.starts_with('+')).collect();
    Output { stderr, ..output }
}

#[test]
fn global_flags_among_the_words_of_the_command_are_left_to_it() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let words = [
        "train.py",
        "--label-smoothing=0.1",
        "--app",
        "other",
        "--trace",
        "--quiet",
        "--force",
        "--label=a=b",
    ];
    let script = r#"for word; do printf '%s ' "$word"; done; echo ${TRACE:-none}"#;
    let output = app.run(["sh", "-c", script, "sh"].iter().chain(&words).copied());
    untraced(output).assert_stdout(&format!("{} none\n", words.join(" ")));
}

#[test]
fn trace_and_force_words_of_the_command_do_not_reach_a_hook() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let hook = format!(
        "[ \"$3\" != {0} ] || echo \"trace=$DOKKU_TRACE force=$DOKKU_APPS_FORCE_DELETE\"",
        app.name
    );
    host.add_hook("oneoff-test-trace", "post-container-create", &hook);
    let output = untraced(app.run(["echo", "--trace", "--force"]));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "--trace --force\n")
    );
    assert_eq!(output.stderr, "trace= force=\n");
    let output = host.dokku(["--force", "run", &app.name, "true"]);
    assert_eq!(output.stderr, "trace= force=1\n");
}

#[test]
fn global_flags_in_a_detached_command_do_not_reach_the_post_run_hook() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let said = tempfile::NamedTempFile::new().unwrap();
    let path = said.path().display();
    std::fs::set_permissions(
        said.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .unwrap();
    let hook = format!(
        "[ \"$2\" != {} ] || echo \"code=$4 trace=$DOKKU_TRACE\" >>{path}",
        app.name
    );
    host.add_hook("oneoff-test-end", "scheduler-post-run", &hook);
    let words = [
        "run:detached",
        &app.name,
        "sh",
        "-c",
        "exit 3",
        "--message=a b",
        "--app",
        "other",
        "--trace",
    ];
    assert_eq!(host.dokku(words).code, 0);
    let read = || {
        std::fs::read_to_string(said.path())
            .ok()
            .filter(|text| text.ends_with('\n'))
    };
    assert_eq!(
        crate::support::wait_until("the task's end is told", read),
        "code=3 trace=\n"
    );
    crate::support::wait_until("the container is removed", || {
        app.containers().is_empty().then_some(())
    });
}

#[test]
fn the_app_flag_before_the_command_selects_the_app() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    host.dokku([
        "--app", &app.name, "run", "-e", "A=b", "sh", "-c", "echo $A",
    ])
    .assert_stdout("b\n");
    host.dokku(["--app", &app.name, "run", "echo", "--app", "other"])
        .assert_stdout("--app other\n");
}

#[test]
fn a_quiet_word_of_the_command_does_not_silence_run() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    app.procfile("job: echo\n");
    let output = app.run(["job", "--quiet"]);
    assert_eq!(
        output.stderr,
        "-----> Found 'job' in Procfile, running that command\n"
    );
}

#[test]
fn a_global_label_in_the_namespace_of_dokku_is_refused() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    let output = host.dokku(["--label=com.dokku.app-name=other", "run", &app.name, "true"]);
    output.assert_refused(1, "com.dokku.app-name");
}

#[test]
fn the_oneoff_command_runs_a_task_as_run_does() {
    let host = Host::new();
    let app = host.app(Image::Busybox);
    host.dokku(["oneoff", &app.name, "echo", "--app", "x"])
        .assert_stdout("--app x\n");
}

mod parity {
    use super::*;
    use crate::support::{Gate, docker};

    #[test]
    fn a_global_label_flag_reaches_the_container() {
        let host = Host::new();
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        let labels = ["--label=com.example.one=1", "--label=com.example.two=2"];
        let words = [&labels[..], &["run", "--no-tty", &app.name], &Gate::WAIT].concat();
        let handle = host.command(words).stdin_null().start().unwrap();
        gate.wait();
        let id = app.containers().concat();
        let format = r#"{{index .Config.Labels "com.example.one"}} {{index .Config.Labels "com.example.two"}}"#;
        let labels = docker(&["container", "inspect", "--format", format, &id]);
        gate.open();
        handle.wait().unwrap();
        assert_eq!(labels, "1 2");
    }
}
