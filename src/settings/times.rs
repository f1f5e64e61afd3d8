//! The common grammar of times, for options and properties.
//!
//! A duration is a number with a unit, or several (`90s`, `1h30m`, `1.5h`, `2d`), parsed by
//! humantime; a number without a unit is seconds. A point in time is a duration before now, a
//! date or a time in RFC 3339, or seconds since 1970, as docker's `--since` takes it. A time
//! without a zone is in this host's zone, as in docker's client.

use std::time::{Duration, SystemTime};

use tz::{TimeZone, TimeZoneRef};

use crate::dokku::timeouts::MAX_SECONDS;
use crate::sys::timestamp::{Precision, timestamp};

/// Seconds from a task's start to its deadline; `None` for `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeToLive(pub(crate) Option<u64>);

/// Parses a duration of whole seconds, or `none`.
pub(crate) fn time_to_live(text: &str) -> Result<TimeToLive, String> {
    const EXPECTED: &str = "expected seconds, a duration such as 10m, 1h30m or 2d, or 'none'";
    if text == "none" {
        return Ok(TimeToLive(None));
    }
    let seconds = seconds(text).or_else(|_| {
        duration(text)
            .filter(|duration| duration.subsec_nanos() == 0)
            .map(|duration| duration.as_secs())
            .filter(|seconds| (1..=MAX_SECONDS).contains(seconds))
            .ok_or_else(|| EXPECTED.to_owned())
    })?;
    Ok(TimeToLive(Some(seconds)))
}

/// Parses a positive number of seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    whole_number(text)
        .filter(|seconds| (1..=MAX_SECONDS).contains(seconds))
        .ok_or_else(|| "expected a positive number of seconds".to_owned())
}

/// Parses a point in time.
pub(crate) fn point_in_time(text: &str) -> Result<SystemTime, String> {
    let expected = || {
        "expected a duration such as 10m or a time such as 2026-08-03T05:47:44Z (without a zone: the host's)"
            .to_owned()
    };
    if let Some(seconds) = whole_number(text) {
        return SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(seconds))
            .filter(|_| seconds <= MAX_SECONDS)
            .ok_or_else(expected);
    }
    if let Some(ago) = duration(text) {
        return SystemTime::now().checked_sub(ago).ok_or_else(expected);
    }
    let (local, zone) = split_zone(text);
    let local = match local.len() {
        DATE_LENGTH => humantime::parse_rfc3339(&format!("{local}T00:00:00Z")),
        _ => humantime::parse_rfc3339_weak(local),
    };
    let local = local.map_err(|_| expected())?;
    let offset = match zone {
        Some(zone) => offset(zone).ok_or_else(expected)?,
        None if text.ends_with('Z') => 0,
        None => host_zone().map_or(0, |zone| offset_in(zone.as_ref(), local)),
    };
    let utc = if offset < 0 {
        local.checked_add(Duration::from_secs(offset.unsigned_abs()))
    } else {
        local.checked_sub(Duration::from_secs(offset.unsigned_abs()))
    };
    utc.ok_or_else(expected)
}

/// The length of a date, `2026-08-03`.
const DATE_LENGTH: usize = 10;

/// Splits a time into `2026-08-03T05:47:44` and `+02:00`.
fn split_zone(text: &str) -> (&str, Option<&str>) {
    match text.rfind(['+', '-']) {
        Some(at) if at > DATE_LENGTH => (&text[..at], Some(&text[at..])),
        _ => (text, None),
    }
}

/// The seconds east of UTC of a zone such as `+02:00`.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = zone.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':')?;
    let number = |digits: &str, most: i64| -> Option<i64> {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|number| is_number && *number <= most)
    };
    let seconds = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// The zone of the variable `TZ`, else of /etc/localtime (tzset(3)); `None`, which means UTC, if
/// neither can be read.
fn host_zone() -> Option<TimeZone> {
    let zone = match std::env::var("TZ") {
        Ok(name) if !name.is_empty() => TimeZone::from_posix_tz(&name),
        _ => TimeZone::local(),
    };
    zone.ok()
}

/// The zone's offset at a local time, in seconds east of UTC. `local` is the local time as if it
/// were UTC. For a local time that a clock change repeats or skips, one of the two offsets is
/// used.
fn offset_in(zone: TimeZoneRef<'_>, local: SystemTime) -> i64 {
    let seconds = local
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().cast_signed());
    let offset_at = |utc: i64| {
        let found = zone.find_local_time_type(utc);
        found.map_or(0, |found| i64::from(found.ut_offset()))
    };
    // The zone gives offsets for UTC times: the first call is a guess, the second one corrects it.
    offset_at(seconds - offset_at(seconds))
}

/// RFC 3339 in UTC, as docker's `--since` takes it. The format has no times before 1970 or after
/// 9999; the nearest one means the same to docker.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let nearest = if time < SystemTime::UNIX_EPOCH {
        "1970-01-01T00:00:00Z"
    } else {
        "9999-12-31T23:59:59Z"
    };
    timestamp(time, Precision::Nanoseconds).unwrap_or_else(|| nearest.to_owned())
}

/// Parses a duration with humantime, which accepts spaces between numbers and units; options are
/// one word, so spaces are refused here. humantime's sum of very large parts can overflow and
/// panic (2.4, `Duration::new`), so they are refused before the call.
fn duration(text: &str) -> Option<Duration> {
    const MAX_LENGTH: usize = 64;
    const MAX_DIGITS: usize = 10;
    let is_short = |digits: &str| digits.len() <= MAX_DIGITS;
    let is_readable = text.len() <= MAX_LENGTH
        && !text.contains(char::is_whitespace)
        && text.split(|c: char| !c.is_ascii_digit()).all(is_short);
    if !is_readable {
        return None;
    }
    humantime::parse_duration(text).ok()
}

/// Parses a number of digits only.
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_whole_seconds_or_none() {
        for (text, expected) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("2h", Some(7200)),
            ("1h30m", Some(5400)),
            ("1.5h", Some(5400)),
            ("1d", Some(86_400)),
            ("1w", Some(7 * 86_400)),
            ("none", None),
        ] {
            assert_eq!(time_to_live(text).unwrap(), TimeToLive(expected), "{text}");
        }
        for text in [
            "",
            "0",
            "0s",
            "-1",
            "+1",
            "1.5",
            "1.5s",
            "m",
            "1mm",
            "1 m",
            "1h 30m",
            "never",
            "99999999999999999999",
            "9999999999d",
        ] {
            assert!(time_to_live(text).is_err(), "{text:?}");
        }
        for text in ["", "0", "+5", "5s", "x", "184467440737095516160"] {
            assert!(seconds(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_point_in_time_has_one_meaning_in_every_spelling() {
        let expected = humantime::parse_rfc3339("2026-08-03T05:47:44Z").unwrap();
        for text in [
            "2026-08-03T05:47:44Z",
            "2026-08-03T05:47:44.0Z",
            "2026-08-03T07:47:44+02:00",
            "2026-08-03T02:17:44-03:30",
            "1785736064",
        ] {
            assert_eq!(point_in_time(text).unwrap(), expected, "{text}");
        }
        for (text, minutes) in [("1h30m", 90), ("1.5h", 90), ("1d", 1440), ("2w", 20_160)] {
            let then = point_in_time(text).unwrap();
            let ago = SystemTime::now().duration_since(then);
            assert_eq!(ago.unwrap().as_secs() / 60, minutes, "{text}");
        }
        for text in [
            "",
            "soon",
            "10x",
            "2026-13-03",
            "10m+",
            "5:47",
            "-1",
            "1 2",
            "1 h",
        ] {
            assert!(point_in_time(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_local_time_has_the_offset_of_its_zone() {
        for (zone, local, hours) in [
            ("JST-9", "2026-08-03T05:47:44Z", 9),
            ("EST5EDT,M3.2.0,M11.1.0", "2026-08-03T05:47:44Z", -4),
            ("EST5EDT,M3.2.0,M11.1.0", "2026-01-03T05:47:44Z", -5),
            // One hour before and after the clocks change, at 2:00.
            ("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T01:00:00Z", -5),
            ("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T03:00:00Z", -4),
            ("UTC0", "2026-08-03T05:47:44Z", 0),
        ] {
            let zone_of = TimeZone::from_posix_tz(zone).unwrap();
            let local = humantime::parse_rfc3339(local).unwrap();
            assert_eq!(offset_in(zone_of.as_ref(), local), hours * 3600, "{zone}");
        }
    }

    #[test]
    fn every_time_can_be_handed_to_docker() {
        let at = |text: &str| rfc3339(point_in_time(text).unwrap());
        assert_eq!(
            at("2026-08-03T07:47:44.5+02:00"),
            "2026-08-03T05:47:44.500000000Z"
        );
        assert_eq!(at("1000y"), "1970-01-01T00:00:00Z");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59Z");
    }
}
