//! Times in words: how long ago for people, RFC 3339 for programs. Invariant: always UTC, so that no time zone has to be known.

use std::time::{Duration, SystemTime};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long ago a time was; a date when it is a month or longer.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use ps_cli::rendering::moment::ago;
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// assert_eq!(ago(now - Duration::from_secs(150), now), "2 min ago");
/// assert_eq!(ago(now - Duration::from_secs(86_400 * 60), now), "2026-11-16");
/// ```
pub fn ago(then: SystemTime, now: SystemTime) -> String {
    let passed = now.duration_since(then).unwrap_or_default().as_secs();
    match passed {
        0..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => format!("{} min ago", passed / MINUTE),
        HOUR..DAY => format!("{} h ago", passed / HOUR),
        DAY..172_800 => "1 day ago".to_owned(),
        172_800..2_592_000 => format!("{} days ago", passed / DAY),
        _ => date(then),
    }
}

/// How long something still has, at most: `24 h`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use ps_cli::rendering::moment::left;
/// let now = SystemTime::UNIX_EPOCH;
/// assert_eq!(left(now + Duration::from_secs(7_100), now), "2 h");
/// assert_eq!(left(now, now), "over");
/// ```
pub fn left(end: SystemTime, now: SystemTime) -> String {
    let remaining = end.duration_since(now).unwrap_or_default().as_secs();
    match remaining {
        0 => "over".to_owned(),
        1..MINUTE => format!("{remaining} s"),
        MINUTE..HOUR => format!("{} min", remaining.div_ceil(MINUTE)),
        HOUR..172_800 => format!("{} h", remaining.div_ceil(HOUR)),
        _ => format!("{} days", remaining.div_ceil(DAY)),
    }
}

/// Date and time in UTC to the second, as RFC 3339 writes it.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use ps_cli::rendering::moment::rfc3339;
/// let leap_day = SystemTime::UNIX_EPOCH + Duration::from_secs(951_827_696);
/// assert_eq!(rfc3339(leap_day), "2000-02-29T12:34:56Z");
/// ```
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = since_epoch(time).as_secs();
    let (hours, minutes, seconds_of_minute) = (seconds / HOUR % 24, seconds / MINUTE % 60, seconds % MINUTE);
    format!("{}T{hours:02}:{minutes:02}:{seconds_of_minute:02}Z", date(time))
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The Gregorian date: years are counted from March, so that a leap day is the last day of its year.
fn date(time: SystemTime) -> String {
    let days = since_epoch(time).as_secs() / DAY + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
