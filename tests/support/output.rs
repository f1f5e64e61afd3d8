//! The result of a finished command.

use std::os::unix::process::ExitStatusExt;

/// Exit code (128 + n for signal n), stdout and stderr.
#[derive(Debug, PartialEq, Eq)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn new(output: &std::process::Output) -> Self {
        let status = output.status;
        Self {
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts success with this stdout and an empty stderr.
    #[track_caller]
    pub fn assert_stdout(&self, stdout: &str) {
        assert_eq!(
            (self.code, self.stdout.as_str(), self.stderr.as_str()),
            (0, stdout, "")
        );
    }

    /// Asserts a refusal: this exit code, one error message that contains `part`, an empty stdout.
    #[track_caller]
    pub fn assert_refused(&self, code: i32, part: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        assert!(
            self.stderr.starts_with(" !     ") && self.stderr.contains(part),
            "{part:?} is not in {self:?}"
        );
    }
}
