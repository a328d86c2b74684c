//! Instants for people: "3 minutes ago", with the exact time beside it.

use scim_core::timestamp;
use time::OffsetDateTime;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// A day in milliseconds.
pub(crate) const DAY: i64 = 24 * HOUR;

/// An instant as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339, for `<time datetime>`.
    pub(crate) iso: String,
    /// `21 Nov 2026, 10:00 UTC`.
    pub(crate) exact: String,
    /// `3 minutes ago`, `in 2 years`.
    pub(crate) relative: String,
}

impl Moment {
    /// From milliseconds since 1970 UTC, seen at `now`.
    pub(crate) fn new(at: i64, now: i64) -> Self {
        Self { iso: timestamp::to_rfc3339(at), exact: exact(at), relative: relative(at - now) }
    }
}

fn exact(at: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let instant =
        OffsetDateTime::from_unix_timestamp(at.div_euclid(SECOND)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month =
        MONTHS.get(usize::from(u8::from(instant.month())).saturating_sub(1)).copied().unwrap_or("Jan");
    format!("{} {month} {}, {:02}:{:02} UTC", instant.day(), instant.year(), instant.hour(), instant.minute())
}

/// A difference in the largest unit that it fills.
fn relative(difference: i64) -> String {
    let length = difference.abs();
    let (count, unit) = match length {
        _ if length < 10 * SECOND => return "just now".to_owned(),
        _ if length < MINUTE => (length / SECOND, "second"),
        _ if length < HOUR => (length / MINUTE, "minute"),
        _ if length < DAY => (length / HOUR, "hour"),
        _ if length < 60 * DAY => (length / DAY, "day"),
        _ if length < 730 * DAY => (length / (30 * DAY + 10 * HOUR), "month"),
        _ => (length * 100 / (36_525 * DAY), "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if difference < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_one_unit() {
        let cases = [
            (-3 * SECOND, "just now"),
            (-59 * SECOND, "59 seconds ago"),
            (-MINUTE, "1 minute ago"),
            (-23 * HOUR, "23 hours ago"),
            (DAY, "in 1 day"),
            (30 * DAY, "in 30 days"),
            (365 * DAY, "in 12 months"),
            (731 * DAY, "in 2 years"),
            (3652 * DAY, "in 9 years"),
            (3653 * DAY, "in 10 years"),
        ];
        for (difference, text) in cases {
            assert_eq!(relative(difference), text);
        }
    }

    #[test]
    fn exact_time_is_utc() {
        let moment = Moment::new(1_795_255_200_000, 1_795_255_200_000);
        assert_eq!(moment.iso, "2026-11-21T10:00:00.000Z");
        assert_eq!(moment.exact, "21 Nov 2026, 10:00 UTC");
        assert_eq!(moment.relative, "just now");
    }
}
