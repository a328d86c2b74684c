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

#[cfg(test)]
mod tests {
    use super::*;

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
