//! The names of one-off containers, in core's format.

/// Upper limit of the digits in a name; the numbers of core and of the plugin have at most five.
const MAX_DIGITS: usize = 10;

/// The parts of a task's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskName<'a> {
    /// The app's name, which may contain dots.
    pub(crate) app: &'a str,
    /// `run` or `cron`.
    pub(crate) process_type: &'a str,
}

impl<'a> TaskName<'a> {
    /// Parses a container's name; `None` if it is not the name of a task.
    pub(crate) fn read(name: &'a str) -> Option<Self> {
        let (rest, number) = name.rsplit_once('.')?;
        let (app, process_type) = rest.rsplit_once('.')?;
        let is_number = (1..=MAX_DIGITS).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_type = matches!(process_type, "run" | "cron");
        (is_number && is_type && !app.is_empty()).then_some(Self { app, process_type })
    }
}
