//! A container's state: `.State` of `docker container inspect`. What its status means for a task is
//! decided by the methods below and nowhere else.

use serde::Deserialize;

use crate::ui::exit::ExitStatus;

/// A container's state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    pub(crate) status: Status,
    /// docker's number, which is 0 for a container that has not ended: see [`State::exit_code`].
    #[serde(rename = "ExitCode")]
    pub(crate) stored_exit_code: i64,
    /// RFC 3339, UTC; in the year 1 if the container was never started.
    #[serde(default)]
    pub(crate) started_at: String,
    /// RFC 3339, UTC; in the year 1 if the container has not ended.
    #[serde(default)]
    pub(crate) finished_at: String,
    /// Whether the kernel's OOM killer has killed a process of the container.
    #[serde(default, rename = "OOMKilled")]
    pub(crate) oom_killed: bool,
}

impl State {
    /// The state of a container that has exited with this code at this time (RFC 3339, UTC).
    pub(crate) fn exited(exit_code: u8, finished_at: String) -> Self {
        Self {
            status: Status::Exited,
            stored_exit_code: exit_code.into(),
            started_at: String::new(),
            finished_at,
            oom_killed: false,
        }
    }

    /// A state without times.
    #[cfg(test)]
    pub(crate) fn untimed(status: Status, exit_code: i64) -> Self {
        Self {
            status,
            stored_exit_code: exit_code,
            ..Self::exited(0, String::new())
        }
    }

    /// The exit code of a container that has exited or could not be started; `None` while it runs,
    /// and for a status that is not known.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        let code = u8::try_from(self.stored_exit_code).unwrap_or(ExitStatus::DOCKER_FAILED.code());
        match self.status {
            // The container never ran. Docker reports the two causes that the user is responsible
            // for (126, 127); every other one is docker's own failure.
            Status::Created => Some(if matches!(code, 126 | 127) {
                code
            } else {
                ExitStatus::DOCKER_FAILED.code()
            }),
            status => status.has_exited().then_some(code),
        }
    }

    /// Whether the container runs, as far as is known: it neither has ended nor waits for its start.
    pub(crate) fn may_run(&self) -> bool {
        self.exit_code().is_none()
    }

    /// Whether no process has tried to start the container: after an attempt docker stores an exit
    /// code (moby, daemon/start.go).
    pub(crate) fn never_started(&self) -> bool {
        self.status.is_created() && self.stored_exit_code == 0
    }
}

/// docker's word for the state of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    #[serde(other)]
    Unknown,
}

impl Status {
    const ENDED: [(&str, Self); 4] = [
        ("created", Self::Created),
        ("exited", Self::Exited),
        ("dead", Self::Dead),
        ("removing", Self::Removing),
    ];

    /// docker's word for a status in which no process of the container runs; `unknown` for any
    /// other.
    pub(crate) fn as_str(self) -> &'static str {
        let found = Self::ENDED.iter().find(|(_, status)| *status == self);
        found.map_or("unknown", |(name, _)| name)
    }

    /// The status in which no process of the container runs, from docker's word for it; `None` for
    /// any other word.
    pub(crate) fn from_word(name: &str) -> Option<Self> {
        let found = Self::ENDED.iter().find(|(known, _)| *known == name);
        found.map(|(_, status)| *status)
    }

    /// Whether the container has never run: it waits for its start, or could not be started.
    pub(crate) fn is_created(self) -> bool {
        self == Self::Created
    }

    /// Whether the container has processes that are not paused.
    pub(crate) fn is_running(self) -> bool {
        self == Self::Running
    }

    pub(crate) fn is_paused(self) -> bool {
        self == Self::Paused
    }

    /// Whether the container has processes, or docker is about to start them again.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }

    /// Whether the container has run and ended.
    pub(crate) fn has_exited(self) -> bool {
        matches!(self, Self::Exited | Self::Dead | Self::Removing)
    }

    /// Whether docker is removing the container.
    pub(crate) fn is_being_removed(self) -> bool {
        self == Self::Removing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_derived_from_the_container_state() {
        for (status, exit_code, expected) in [
            (Status::Exited, 0, Some(0)),
            (Status::Exited, 137, Some(137)),
            (Status::Dead, 3, Some(3)),
            (Status::Removing, 3, Some(3)),
            (Status::Exited, 256, Some(125)),
            (Status::Created, 127, Some(127)),
            (Status::Created, 126, Some(126)),
            (Status::Created, 128, Some(125)),
            (Status::Created, 0, Some(125)),
            (Status::Running, 0, None),
            (Status::Paused, 0, None),
            (Status::Restarting, 1, None),
            (Status::Unknown, 0, None),
        ] {
            let state = State::untimed(status, exit_code);
            assert_eq!(state.exit_code(), expected, "{state:?}");
            assert_eq!(state.may_run(), expected.is_none(), "{state:?}");
        }
    }

    #[test]
    fn only_a_created_container_without_an_exit_code_was_never_started() {
        assert!(State::untimed(Status::Created, 0).never_started());
        assert!(!State::untimed(Status::Created, 127).never_started());
        assert!(!State::untimed(Status::Exited, 0).never_started());
    }

    #[test]
    fn every_status_is_created_or_active_or_exited_but_the_unknown_one() {
        for (word, kinds) in [
            ("created", [true, false, false]),
            ("running", [false, true, false]),
            ("paused", [false, true, false]),
            ("restarting", [false, true, false]),
            ("removing", [false, false, true]),
            ("exited", [false, false, true]),
            ("dead", [false, false, true]),
            ("stopped", [false, false, false]),
        ] {
            let status: Status = serde_json::from_str(&format!("\"{word}\"")).unwrap();
            let found = [status.is_created(), status.is_active(), status.has_exited()];
            assert_eq!(found, kinds, "{word}");
        }
    }
}
