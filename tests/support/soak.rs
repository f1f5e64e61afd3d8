//! How much a test of many tasks is to do.

/// Says how many tasks `make soak` wants.
const VARIABLE: &str = "ONEOFF_SOAK_TASKS";

/// Whether this is `make soak`, and no mere run of the suite.
pub fn is_soak() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// How many tasks are wanted, or so many.
pub fn soak_tasks(otherwise: usize) -> usize {
    std::env::var(VARIABLE).map_or(otherwise, |number| {
        let number = number.parse();
        number.unwrap_or_else(|_| panic!("{VARIABLE} is a number of tasks"))
    })
}
