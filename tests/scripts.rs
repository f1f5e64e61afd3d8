//! The project's own scripts.

use duct::cmd;

use crate::support::repository;

/// The exit code and stdout of `scripts/failed-tests` for this output of a test runner.
fn failed_tests(log: &str) -> (Option<i32>, String) {
    let output = cmd!(repository().join("scripts/failed-tests"))
        .stdin_bytes(log)
        .stdout_capture()
        .unchecked()
        .run()
        .unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), names)
}

#[test]
fn failed_tests_prints_the_failures_of_cargo_test() {
    let log = "\
test a::one ... FAILED
failures:

---- a::one stdout ----
    printed
failures:
    a::one

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s

failures:
    b::three
    b::two

test result: FAILED. 9 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s

error: 2 targets failed:
    `--lib`
";
    assert_eq!(
        failed_tests(log),
        (Some(0), "a::one\nb::three\nb::two\n".to_owned())
    );
}

#[test]
fn failed_tests_prints_the_failures_of_nextest() {
    let log = "\
        PASS [   0.004s] (1/4) dokku-oneoff::suite a::zero
        FAIL [   0.012s] (2/4) dokku-oneoff::suite a::one
     TIMEOUT [  60.012s] (3/4) dokku-oneoff::suite b::two
     SIGABRT [   0.012s] (4/4) dokku-oneoff c::three
------------
     Summary [   1.000s] 4 tests run: 1 passed, 2 failed, 1 timed out, 0 skipped
        FAIL [   0.012s] (2/4) dokku-oneoff::suite a::one
     TIMEOUT [  60.012s] (3/4) dokku-oneoff::suite b::two
     SIGABRT [   0.012s] (4/4) dokku-oneoff c::three
error: test run failed
";
    assert_eq!(
        failed_tests(log),
        (Some(0), "a::one\nb::two\nc::three\n".to_owned())
    );
}

/// A failure without a name cannot be run again, so none of them may pass as flaky.
#[test]
fn failed_tests_fails_when_a_failure_has_no_name() {
    let log = "\
failures:
    a::one

test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
    assert_eq!(failed_tests(log), (Some(1), "a::one\n".to_owned()));
    assert_eq!(
        failed_tests("error: could not compile\n"),
        (Some(1), String::new())
    );
}
