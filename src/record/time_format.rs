//! Times and durations in the form for people.

use std::time::{Duration, SystemTime};

use crate::record::nearest_second;

/// The time since `time` as in docker's lists, `2 hours ago`; `-` if `time` is not valid.
pub(crate) fn ago(time: &str, now: SystemTime) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let Ok(time) = humantime::parse_rfc3339(time) else {
        return "-".to_owned();
    };
    let seconds = now.duration_since(time).unwrap_or_default().as_secs();
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..172_800 => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// A duration: `0.4s`, `12s`, `1h 2m 3s`.
pub(crate) fn took(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    humantime::format_duration(Duration::from_secs(nearest_second(duration))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_printed_as_docker_prints_them() {
        let at = |text| humantime::parse_rfc3339(text).unwrap();
        let now = at("2026-11-23T12:00:00Z");
        for (time, expected) in [
            ("2026-11-23T11:59:59.5Z", "0 seconds ago"),
            ("2026-11-23T11:59:59Z", "1 second ago"),
            ("2026-11-23T11:59:01Z", "59 seconds ago"),
            ("2026-11-23T11:59:00Z", "1 minute ago"),
            ("2026-11-23T10:59:00Z", "1 hour ago"),
            ("2026-11-21T12:00:01Z", "47 hours ago"),
            ("2026-11-21T12:00:00Z", "2 days ago"),
            ("2026-11-23T13:00:00Z", "0 seconds ago"), // a clock that was set back
            ("yesterday", "-"),
        ] {
            assert_eq!(ago(time, now), expected, "{time}");
        }
    }

    #[test]
    fn short_durations_are_printed_in_tenths_of_a_second() {
        for (milliseconds, expected) in [
            (0, "0.0s"),
            (440, "0.4s"),
            (9_900, "9.9s"),
            (12_999, "13s"),
            (3_723_000, "1h 2m 3s"),
        ] {
            assert_eq!(took(Duration::from_millis(milliseconds)), expected);
        }
        assert!(took(Duration::MAX).contains("years"));
    }
}
