//! How long the machine has been suspended.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A suspension that is shorter is what reading two clocks takes.
const SHORTEST: Duration = Duration::from_secs(1);

/// What was noticed of it so far. Of the two clocks that nobody sets one stands still
/// while the machine is suspended: `CLOCK_MONOTONIC` in `clock_gettime`(2).
pub(crate) struct Suspension(Duration);

impl Suspension {
    pub(crate) fn new() -> Self {
        Self(total())
    }

    /// For how long since the last call; `None` for no time.
    pub(crate) fn since_last(&mut self) -> Option<Duration> {
        self.grown_to(total())
    }

    fn grown_to(&mut self, total: Duration) -> Option<Duration> {
        let time = total.checked_sub(self.0).filter(|time| *time >= SHORTEST)?;
        self.0 = total;
        Some(time)
    }
}

/// Since the machine was started.
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
            assert_eq!(suspension.grown_to(millis(total)), expected, "{total}");
        }
    }
}
