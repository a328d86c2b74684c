//! Instants as whole milliseconds since 1970 UTC, and their RFC 3339 text (RFC 7643 §2.3.5).

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// `2026-11-21T10:00:00.123Z` for milliseconds since the epoch; out-of-range input gives the epoch.
#[must_use]
pub fn to_rfc3339(millis: i64) -> String {
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (instant.date(), instant.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// Milliseconds since the epoch of an RFC 3339 text with date, time and offset; `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

/// A difference of instants (milliseconds) in the largest unit that it fills: `3 minutes ago`, `in 2 years`. What is to
/// come counts as full a hundredth before it is, so that seven days are not six as soon as a second has passed.
#[must_use]
pub fn relative(difference: i64) -> String {
    const SECOND: u64 = 1_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let length = difference.unsigned_abs();
    let length = if difference < 0 { length } else { length.saturating_add(length / 100) };
    let (count, unit) = match length {
        _ if length < 10 * SECOND => return "just now".to_owned(),
        _ if length < MINUTE => (length / SECOND, "second"),
        _ if length < HOUR => (length / MINUTE, "minute"),
        _ if length < DAY => (length / HOUR, "hour"),
        _ if length < 61 * DAY => (length / DAY, "day"),
        _ if length < 731 * DAY => (length / (30 * DAY + 10 * HOUR), "month"),
        _ => (length / (365 * DAY + 6 * HOUR), "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if difference < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_one_unit() {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 1440 * MINUTE;
        let cases = [
            (-3_000, "just now"),
            (-59_000, "59 seconds ago"),
            (-MINUTE, "1 minute ago"),
            (-23 * 60 * MINUTE, "23 hours ago"),
            (DAY, "in 1 day"),
            (30 * DAY, "in 30 days"),
            (7 * DAY - 5_000, "in 7 days"),
            (6 * DAY + DAY / 2, "in 6 days"),
            (60 * DAY - 5_000, "in 60 days"),
            (-61 * DAY, "2 months ago"),
            (365 * DAY - 5_000, "in 12 months"),
            (731 * DAY, "in 2 years"),
            (-731 * DAY, "2 years ago"),
            (3652 * DAY, "in 10 years"),
            (3653 * DAY, "in 10 years"),
        ];
        for (difference, text) in cases {
            assert_eq!(relative(difference), text);
        }
        assert!(relative(i64::MIN).ends_with("years ago"));
    }

    #[test]
    fn offsets_and_fractions_are_the_same_instant() {
        assert_eq!(parse("2026-11-21T11:00:00+01:00"), parse("2026-11-21T10:00:00.000Z"));
        assert_eq!(parse("2026-11-21T10:00:00.1Z"), parse("2026-11-21T10:00:00.100999Z"));
        assert_eq!(parse("2026-11-21"), None);
        assert_eq!(
            to_rfc3339(parse("2026-11-21T10:00:00.123Z").unwrap_or_default()),
            "2026-11-21T10:00:00.123Z"
        );
    }
}
