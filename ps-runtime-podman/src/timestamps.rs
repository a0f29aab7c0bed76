//! Times as engines write them (RFC 3339, any offset, up to nanoseconds; HTTP's dates) as `SystemTime`.

use std::time::{Duration, SystemTime};

/// The moment, or `None` for Go's zero time, an empty text and anything else that is not a time since 1970.
pub(crate) fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_once('T')?;
    let mut numbers = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    let clock_end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(clock_end)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let seconds = days_since_1970(year, month, day)? * 86_400 + clock_seconds(clock)? - zone_seconds(zone)?;
    let moment = Duration::new(u64::try_from(seconds).ok()?, nanoseconds(fraction)?);
    SystemTime::UNIX_EPOCH.checked_add(moment)
}

/// The moment of a `Date` header, such as `Sun, 22 Nov 2026 15:12:24 GMT`; `None` for anything else.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.splitn(4, ' ');
    let day = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().zip(1..).find(|(known, _)| **known == name)?.1;
    let year = words.next()?.parse().ok()?;
    let clock = words.next()?.strip_suffix(" GMT")?;
    let seconds = days_since_1970(year, month, day)? * 86_400 + clock_seconds(clock)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

/// Civil date to days, counting years from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(365 * year + leap_days + day_of_year - 719_468)
}

fn clock_seconds(clock: &str) -> Option<i64> {
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    Some(hours * 3600 + minutes * 60 + seconds)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    match zone.split_at_checked(1) {
        None | Some(("Z", _)) => Some(0),
        Some((sign, offset)) => {
            let digits: String = offset.chars().filter(|c| *c != ':').collect();
            let number = digits.parse::<i64>().ok()?;
            let seconds = number / 100 * 3600 + number % 100 * 60;
            Some(if sign == "-" { -seconds } else { seconds })
        }
    }
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<(u64, u32)> {
        let since = parse_timestamp(text)?.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Some((since.as_secs(), since.subsec_nanos()))
    }

    #[test]
    fn engine_times_become_moments() {
        assert_eq!(at("2026-11-22T15:12:24.560933118Z"), Some((1_795_360_344, 560_933_118)));
        assert_eq!(at("2026-11-22T17:12:24.5+02:00"), Some((1_795_360_344, 500_000_000)));
        assert_eq!(at("2026-11-22T10:12:24-05:00"), Some((1_795_360_344, 0)));
        assert_eq!(at("2024-02-29T00:00:00Z"), Some((1_709_164_800, 0)));
        assert_eq!(at("1970-01-01T00:00:00Z"), Some((0, 0)));
    }

    #[test]
    fn dates_of_headers_become_moments() {
        let at = |text| {
            Some(
                parse_http_date(text)?
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap()
                    .as_secs(),
            )
        };
        assert_eq!(at("Sun, 22 Nov 2026 15:12:24 GMT"), Some(1_795_360_344));
        for text in [
            "",
            "Sunday, 22-Nov-26 15:12:24 GMT",
            "Sun, 22 Nov 2026 15:12:24 CET",
            "now",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn zero_times_and_nonsense_are_none() {
        for text in [
            "0001-01-01T00:00:00Z",
            "",
            "now",
            "2026-13-01T00:00:00Z",
            "2026-01-01Tx",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
