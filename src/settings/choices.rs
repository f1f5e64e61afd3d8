//! Settings whose value is one word of a fixed set.

use std::str::FromStr;

/// What happens to an attached task whose caller has disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHangup {
    Stop,
    /// The task keeps running, detached.
    Keep,
}

/// What a task does while another task has its lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Policy {
    #[default]
    Allow,
    /// The task does not start.
    Forbid,
    /// The task stops the other one before it starts.
    Replace,
}

impl Policy {
    /// The policy's word in options and labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Forbid => "forbid",
            Self::Replace => "replace",
        }
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let policies = [Self::Allow, Self::Forbid, Self::Replace];
        let found = policies.into_iter().find(|policy| policy.as_str() == word);
        found.ok_or_else(|| "expected allow, forbid or replace".to_owned())
    }
}

impl FromStr for OnHangup {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "stop" => Ok(Self::Stop),
            "keep" => Ok(Self::Keep),
            _ => Err("expected stop or keep".to_owned()),
        }
    }
}
