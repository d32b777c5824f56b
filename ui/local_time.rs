//! The time of day where the person is. What programs read (JSON, diagnostics, the log on standard error) stays UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::OnceLock;

/// Read once at the start, rules of summer time included; a zone that is changed later shows after the next start.
static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// Reads the system's time zone. Without one, and where this was not called, times are UTC.
pub(crate) fn start() {
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    // A second start changes nothing.
    drop(ZONE.set(zone));
}

/// The local time of day of a moment in milliseconds since 1970 (UTC), to the millisecond: elections are faster
/// than a second.
pub(crate) fn time_of_day(unix_millis: u64) -> String {
    in_zone(ZONE.get().unwrap_or(&TimeZone::UTC), unix_millis)
}

/// The same in UTC.
#[cfg(feature = "window")]
pub(crate) fn utc_time_of_day(unix_millis: u64) -> String {
    in_zone(&TimeZone::UTC, unix_millis)
}

fn in_zone(zone: &TimeZone, unix_millis: u64) -> String {
    let millis = i64::try_from(unix_millis).unwrap_or(i64::MAX);
    let moment = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    let local = zone.to_datetime(moment);
    let (hour, minute, second, millis) = (local.hour(), local.minute(), local.second(), local.millisecond());
    format!("{hour:02}:{minute:02}:{second:02}.{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_zone_on_that_day() {
        let zone = |rule: &str| TimeZone::posix(rule).expect("a rule");
        let (recife, berlin) = (zone("<-03>3"), zone("CET-1CEST,M3.5.0,M10.5.0/3"));
        // 2026-01-15 and 2026-07-15, both 12:34:56.007 UTC.
        let (winter, summer) = (1_768_480_496_007, 1_784_118_896_007);
        let table = [
            (&TimeZone::UTC, winter, "12:34:56.007"),
            (&recife, winter, "09:34:56.007"),
            (&recife, summer, "09:34:56.007"),
            (&berlin, winter, "13:34:56.007"),
            (&berlin, summer, "14:34:56.007"),
            (&recife, 0, "21:00:00.000"),
        ];
        for (zone, moment, expected) in table {
            assert_eq!(in_zone(zone, moment), expected, "{zone:?} {moment}");
        }
        assert!(!in_zone(&berlin, u64::MAX).is_empty(), "a clock that is out of its mind stops nobody");
    }

    #[test]
    fn without_a_start_times_are_utc() {
        assert_eq!(time_of_day(86_400_000 + 3_661_007), "01:01:01.007");
    }
}
