//! Instants for people: "3 minutes ago", with the exact time beside it.

use scim_core::timestamp;
use time::OffsetDateTime;

const SECOND: i64 = 1_000;

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
        Self { iso: timestamp::to_rfc3339(at), exact: exact(at), relative: timestamp::relative(at - now) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_time_is_utc() {
        let moment = Moment::new(1_795_255_200_000, 1_795_255_200_000);
        assert_eq!(moment.iso, "2026-11-21T10:00:00.000Z");
        assert_eq!(moment.exact, "21 Nov 2026, 10:00 UTC");
        assert_eq!(moment.relative, "just now");
    }
}
