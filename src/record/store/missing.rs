//! For how long a store's app has been missing: a file in the store, written by each sweep.
//!
//! An app may be missing because a volume is not mounted, so nothing is removed by the first
//! sweep that does not find it. The times between sweeps are added up, instead of using the time
//! since the first sweep: a jump of the wall clock must not remove anything.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// After this time the app is considered destroyed.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The most that counts between two sweeps. Dokku sweeps every five minutes; after a longer time
/// the clock was set, or the host was off.
const MAX_SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Upper limit of the file's bytes. The file is one short line; a longer one is not ours.
const MAX_FILE_BYTES: u64 = 256;

/// The state after the last sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// For how long the app had been missing at the last sweep.
    seconds: u64,
    /// The time of the last sweep in seconds since 1970; `None` before the first one.
    last_sweep: Option<u64>,
}

impl Missing {
    pub(crate) fn path(store: &Path) -> PathBuf {
        store.join("missing")
    }

    /// Reads the file. If it is damaged or not a regular file, the time starts at zero.
    pub(crate) fn read(store: &Path) -> Self {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
            .open(Self::path(store));
        let mut text = String::new();
        let read = file.and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
        read.ok()
            .and_then(|_| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn text(self) -> String {
        // Two numbers: serialization cannot fail.
        serde_json::to_string(&self).unwrap_or_default() + "\n"
    }

    /// The state after a sweep at `now` has found the app missing.
    pub(crate) fn after_sweep(self, now: SystemTime) -> Self {
        let now = unix_seconds(now);
        let since_last = now.saturating_sub(self.last_sweep.unwrap_or(now));
        let counted = since_last.min(MAX_SWEEP_INTERVAL.as_secs());
        Self {
            seconds: self.seconds.saturating_add(counted),
            last_sweep: Some(now),
        }
    }

    pub(crate) fn is_long(self) -> bool {
        self.seconds >= FORGET_AFTER.as_secs()
    }
}

/// Seconds since 1970; 0 for earlier times.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn after(sweeps: impl IntoIterator<Item = u64>) -> Missing {
        let sweeps = sweeps.into_iter();
        sweeps.fold(Missing::default(), |missing, sweep| {
            missing.after_sweep(at(sweep))
        })
    }

    const DAY: u64 = 24 * 60 * 60;

    #[test]
    fn an_app_is_forgotten_after_a_day_of_sweeps() {
        let sweeps = |seconds: u64| (0..=seconds).step_by(300).map(|second| 1_000_000 + second);
        assert!(!after(sweeps(0)).is_long());
        assert!(!after(sweeps(DAY - 300)).is_long());
        assert!(after(sweeps(DAY)).is_long());
    }

    #[test]
    fn a_clock_change_does_not_age_a_missing_app() {
        let start = 1_000_000;
        assert!(!after([start, start + 365 * DAY]).is_long());
        assert!(!after([start, 0, start, 0, start]).is_long());
        assert!(!after([0, u64::MAX / 4]).is_long());
        // Time still counts after the clock was set back.
        let hours = (0..=24).map(|hour| start - 3600 * 50 + hour * 3600);
        assert!(after([start].into_iter().chain(hours)).is_long());
    }

    #[test]
    fn a_missing_file_reads_back_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let missing = after([1_000, 1_300]);
        std::fs::write(Missing::path(directory.path()), missing.text()).unwrap();
        assert_eq!(Missing::read(directory.path()), missing);
    }

    #[test]
    fn a_damaged_missing_file_starts_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = Missing::path(directory.path());
        assert_eq!(Missing::read(directory.path()), Missing::default());
        for text in ["", "{", "{\"seconds\":-1}", "x"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Missing::read(directory.path()), Missing::default());
        }
        std::fs::write(&path, " ".repeat(300) + &after([1, 9]).text()).unwrap();
        assert_eq!(Missing::read(directory.path()), Missing::default());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(Missing::read(directory.path()), Missing::default());
        std::fs::remove_dir(&path).unwrap();
        let options = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            options,
            0,
        )
        .unwrap();
        assert_eq!(Missing::read(directory.path()), Missing::default());
    }
}
