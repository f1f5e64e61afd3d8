//! What goes wrong around a task that is looked after.

use serde_json::Value;

use super::{all_is_over, detached, kill_supervisor, recorded, waits};
use crate::support::{Gate, Host, Image, docker};

/// A docker whose every call warns first, as with a configuration that it cannot read.
fn warns_first(host: &Host) {
    host.replace_docker(
        "echo 'WARNING: Error loading config file: /root/.docker/config.json: permission denied' >&2\n\
         exec \"$DOCKER\" \"$@\"",
    );
}

#[test]
fn a_client_that_warns_first_is_understood() {
    let host = Host::new();
    if !host.is_own() {
        return; // its docker cannot be replaced
    }
    let app = host.app(Image::Busybox);
    let gate = Gate::new(&app);
    warns_first(&host);
    let name = detached(&app, &[], &waits(6));
    gate.wait();
    kill_supervisor(&host);
    docker(&["container", "rm", "--force", "--volumes", &name]);
    let output = host.dokku(["run:retire", &app.name]);
    assert_eq!(output.code, 0, "{output:?}");
    all_is_over(&host, &app);
    recorded(&host, &app, Value::Null, "lost");
}
