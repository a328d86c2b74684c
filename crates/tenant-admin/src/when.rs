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

/// How long something took, in milliseconds: `120 ms`, `3.2 s`, `5 min`, `2 h`, `3 d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Took(pub(crate) i64);

impl std::fmt::Display for Took {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MINUTE: i64 = 60 * SECOND;
        const HOUR: i64 = 60 * MINUTE;
        let took = self.0.max(0);
        match took {
            0..SECOND => write!(formatter, "{took} ms"),
            SECOND..10_000 if took % SECOND != 0 => {
                write!(formatter, "{}.{} s", took / SECOND, took % SECOND / 100)
            }
            SECOND..MINUTE => write!(formatter, "{} s", took / SECOND),
            MINUTE..HOUR => write!(formatter, "{} min", took / MINUTE),
            _ if took < 48 * HOUR => write!(formatter, "{} h", took / HOUR),
            _ => write!(formatter, "{} d", took / (24 * HOUR)),
        }
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
    fn a_while_is_told_in_its_own_unit() {
        for (took, text) in [
            (-5, "0 ms"),
            (120, "120 ms"),
            (1_000, "1 s"),
            (3_249, "3.2 s"),
            (59_999, "59 s"),
            (300_000, "5 min"),
            (86_400_000, "24 h"),
            (3 * 86_400_000, "3 d"),
        ] {
            assert_eq!(Took(took).to_string(), text);
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
