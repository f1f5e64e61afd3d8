//! Docker starts a task while it is taken for one that nobody starts.

use serde_json::json;

use super::{all_is_over, made, recorded};
use crate::support::{Gate, Host, Image, Log};

/// The client of a process that was killed may start the container in the very moment in
/// which it is taken for one that nobody starts.
#[test]
fn a_task_that_docker_starts_during_its_removal_runs_to_its_end() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    // Found by the supervisor, and by Dokku's pass.
    for command in ["run:list", "run:retire"] {
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        let log = Log::of_exit_codes(&host, &app);
        let id = made(
            &host,
            &app,
            "sleep 3; exit 6",
            &["\"created\"", "{\"started\":\"2026-01-01T00:00:00Z\"}"],
        );
        host.replace_docker(&format!(
            "case \"$*\" in 'container rm '*) [ -e {0} ] || {{ touch {0}; \"$DOCKER\" container start {id} >&2; }} ;; esac\n\
             exec \"$DOCKER\" \"$@\"",
            gate.path("started").display()
        ));
        assert_eq!(host.dokku([command, &app.name]).code, 0);
        all_is_over(&host, &app);
        host.set_docker(&which::which("docker").unwrap());
        assert_eq!(log.read(), "6\n", "{command}");
        recorded(&host, &app, json!(6), "exited");
    }
}

/// The daemon goes on with what it was asked for when docker's client is killed.
#[test]
fn a_task_runs_to_its_end_when_the_client_dies_during_the_start() {
    let host = Host::new();
    if !host.is_disposable() {
        return; // its docker cannot be replaced
    }
    for detached in [false, true] {
        let app = host.app(Image::Busybox);
        let gate = Gate::new(&app);
        let log = Log::of_exit_codes(&host, &app);
        host.replace_docker(&format!(
            "for last; do :; done\n\
             case \"$*\" in\n\
             'container start '*) kill -KILL $$ ;;\n\
             'container rm '*) [ -e {0} ] || {{ touch {0}; \"$DOCKER\" container start \"$last\" >&2; }} ;;\n\
             esac\n\
             exec \"$DOCKER\" \"$@\"",
            gate.path("started").display()
        ));
        let command = if detached { "run:detached" } else { "run" };
        let output = host.dokku([command, &app.name, "sh", "-c", "sleep 3; exit 6"]);
        assert_eq!(output.code, if detached { 0 } else { 6 }, "{output:?}");
        all_is_over(&host, &app);
        host.set_docker(&which::which("docker").unwrap());
        assert_eq!(log.read(), "6\n");
        recorded(&host, &app, json!(6), "exited");
    }
}
