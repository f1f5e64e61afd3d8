//! The number of tasks in tests of many tasks.

/// Set by `make soak` to the number of tasks.
const VARIABLE: &str = "ONEOFF_SOAK_TASKS";

/// Whether this is `make soak`, not an ordinary run of the suite.
pub fn is_soak() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The number of tasks for `make soak`, else `otherwise`.
pub fn soak_tasks(otherwise: usize) -> usize {
    std::env::var(VARIABLE).map_or(otherwise, |number| {
        let number = number.parse();
        number.unwrap_or_else(|_| panic!("{VARIABLE} is a number of tasks"))
    })
}
