//! Detects for how long the machine was suspended.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The shortest suspension that is reported. A smaller difference results from reading the two
/// clocks one after the other.
const MIN_SUSPENSION: Duration = Duration::from_secs(1);

/// The total time of suspension noticed so far: the difference of `CLOCK_BOOTTIME` and
/// `CLOCK_MONOTONIC`. Neither clock can be set, and the latter does not advance while the
/// machine is suspended (`clock_gettime`(2)).
pub(crate) struct Suspension(Duration);

impl Suspension {
    pub(crate) fn new() -> Self {
        Self(total())
    }

    /// How long the machine was suspended since the last call; `None` if it was not.
    pub(crate) fn since_last(&mut self) -> Option<Duration> {
        self.advance_to(total())
    }

    fn advance_to(&mut self, total: Duration) -> Option<Duration> {
        let time = total
            .checked_sub(self.0)
            .filter(|time| *time >= MIN_SUSPENSION)?;
        self.0 = total;
        Some(time)
    }
}

/// The total time of suspension since boot.
fn total() -> Duration {
    let time = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    time(ClockId::Boottime).saturating_sub(time(ClockId::Monotonic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_suspension_is_reported_once() {
        let millis = Duration::from_millis;
        let mut suspension = Suspension(millis(5000));
        for (total, expected) in [
            (5000, None),
            (5001, None),
            (4999, None),
            (9000, Some(millis(4000))),
            (9000, None),
            (9999, None),
            (10_000, Some(millis(1000))),
        ] {
            assert_eq!(suspension.advance_to(millis(total)), expected, "{total}");
        }
    }
}
