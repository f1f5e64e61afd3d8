//! What a finished command left.

use std::os::unix::process::ExitStatusExt;

/// Exit code (128 + n for signal n) and both outputs.
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

    /// The outputs of a success: stdout, nothing on stderr.
    #[track_caller]
    pub fn assert_stdout(&self, stdout: &str) {
        assert_eq!(
            (self.code, self.stdout.as_str(), self.stderr.as_str()),
            (0, stdout, "")
        );
    }

    /// A refusal: this code, one sentence with this part, stdout empty.
    #[track_caller]
    pub fn assert_refused(&self, code: i32, part: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        assert!(
            self.stderr.starts_with(" !     ") && self.stderr.contains(part),
            "{part:?} is not in {self:?}"
        );
    }
}
