//! Reports tests that cannot run on this machine.

use std::fs::File;
use std::io::Write;

/// Prints which test was not run, and why; `scripts/test` repeats that at its end.
pub fn not_run(what: &str, why: &str) {
    let line = format!("{what}: not run ({why})\n");
    eprint!("{line}");
    if let Some(path) = std::env::var_os("ONEOFF_NOT_RUN") {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
