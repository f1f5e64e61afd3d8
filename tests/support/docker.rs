//! The real docker client.

use duct::cmd;

/// What `docker <arguments>` prints, without the last line end.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    match cmd("docker", arguments).stderr_capture().read() {
        Ok(text) => text,
        Err(error) => panic!("docker {arguments:?}: {error}"),
    }
}
