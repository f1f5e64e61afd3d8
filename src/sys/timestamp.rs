//! Times as text: RFC 3339, UTC. Every time that is printed or stored is formatted here, because
//! humantime's own formatting panics for times before 1970 and after the year 9999.

use std::time::{Duration, SystemTime};

/// The number of decimal places of the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    Seconds,
    Milliseconds,
    Nanoseconds,
}

/// The first second that cannot be formatted: the beginning of the year 10000.
const END: u64 = 253_402_300_800;

/// Formats a time. Returns `None` for a time before 1970 or after 9999.
pub(crate) fn timestamp(at: SystemTime, precision: Precision) -> Option<String> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    if since >= Duration::from_secs(END) {
        return None;
    }
    let text = match precision {
        Precision::Seconds => humantime::format_rfc3339_seconds(at),
        Precision::Milliseconds => humantime::format_rfc3339_millis(at),
        Precision::Nanoseconds => humantime::format_rfc3339_nanos(at),
    };
    Some(text.to_string())
}

/// Formats the current time. If the clock is set to a time that cannot be formatted, the result is
/// the beginning of 1970.
pub(crate) fn now(precision: Precision) -> String {
    timestamp(SystemTime::now(), precision)
        .or_else(|| timestamp(SystemTime::UNIX_EPOCH, precision))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRECISIONS: [Precision; 3] = [
        Precision::Seconds,
        Precision::Milliseconds,
        Precision::Nanoseconds,
    ];

    #[test]
    fn timestamps_cover_1970_to_9999() {
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        for (time, expected) in [
            (at(0), Some("1970-01-01T00:00:00Z")),
            (at(END - 1), Some("9999-12-31T23:59:59Z")),
            (at(END), None),
            (at(u64::from(u32::MAX) * 1_000_000), None),
            (
                SystemTime::UNIX_EPOCH.checked_sub(Duration::from_nanos(1)),
                None,
            ),
        ] {
            let text = timestamp(time.unwrap(), Precision::Seconds);
            assert_eq!(text.as_deref(), expected);
        }
        let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_500_000_001);
        let texts = PRECISIONS.map(|precision| timestamp(at, precision).unwrap());
        let expected = ["", ".500", ".500000001"].map(|part| format!("1970-01-01T00:00:01{part}Z"));
        assert_eq!(texts, expected);
    }

    #[test]
    fn any_time_formats_without_a_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..100_000 {
            let offset = Duration::new(
                random.u64(..) >> random.u32(0..64),
                random.u32(..1_000_000_000),
            );
            let times = [
                SystemTime::UNIX_EPOCH.checked_add(offset),
                SystemTime::UNIX_EPOCH.checked_sub(offset),
                SystemTime::now().checked_add(offset),
            ];
            for at in times.into_iter().flatten() {
                for precision in PRECISIONS {
                    let Some(text) = timestamp(at, precision) else {
                        continue;
                    };
                    let read = humantime::parse_rfc3339(&text).unwrap();
                    assert!(
                        at.duration_since(read).unwrap() < Duration::from_secs(1),
                        "{text}"
                    );
                }
            }
        }
    }
}
