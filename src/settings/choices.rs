//! Settings that are one word of several.

/// What becomes of an attached task whose caller has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHangup {
    Stop,
    /// It runs on, detached.
    Keep,
}

/// What a task does while another one has its lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Policy {
    #[default]
    Allow,
    /// It does not start.
    Forbid,
    /// It stops the other one first.
    Replace,
}

impl Policy {
    /// Its word in options and labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Forbid => "forbid",
            Self::Replace => "replace",
        }
    }
}
