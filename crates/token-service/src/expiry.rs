//! How long a credential lives, as people write it: `10y`, `90d`, `24h`, or a date.

use scim_core::timestamp;

/// Furthest expiry, in days ahead: ten years with three leap days.
pub const MAX_DAYS: i64 = 3653;
/// [`MAX_DAYS`] in milliseconds.
pub const MAX_MILLIS: i64 = MAX_DAYS * DAY;
/// Choices to offer a person: what [`parse`] takes, and how it reads.
pub const PRESETS: [(&str, &str); 6] = [
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("1y", "1 year"),
    ("2y", "2 years"),
    ("5y", "5 years"),
    ("10y", "10 years"),
];

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
/// A day in milliseconds.
pub(crate) const DAY: i64 = 24 * HOUR;

/// Units of a duration in milliseconds. A year counts 365.25 days, so that `10y` is within [`MAX_DAYS`].
const UNITS: [(&str, i64); 6] = [
    ("s", SECOND),
    ("min", 60 * SECOND),
    ("h", HOUR),
    ("d", DAY),
    ("w", 7 * DAY),
    ("y", 365 * DAY + DAY / 4),
];

/// An expiry that cannot be used; the text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpiryError(pub String);

/// The instant that a text names, in milliseconds: a duration from `now` (`10y`, `90d`, `24h`), an RFC 3339 instant, or
/// a date, which means its first moment in UTC. It is later than `now` and at most [`MAX_DAYS`] ahead.
pub fn parse(text: &str, now: i64) -> Result<i64, ExpiryError> {
    let text = text.trim();
    let instant = match instant(text) {
        Some(instant) => instant,
        None => now.saturating_add(duration(text)?),
    };
    check(instant, now)?;
    Ok(instant)
}

/// A length of time in milliseconds: a whole number and `s`, `min`, `h`, `d`, `w` or `y`. More than zero.
pub fn duration(text: &str) -> Result<i64, ExpiryError> {
    length(text).filter(|length| *length > 0).ok_or_else(|| not_understood(text.trim()))
}

/// How long an old token goes on beside a new one, in milliseconds: a length of time as in [`duration`], or `0`.
pub fn grace(text: &str) -> Result<i64, ExpiryError> {
    let length = if text.trim() == "0" { Some(0) } else { length(text) };
    length.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        ExpiryError(format!(
            "grace: {shown:?} is not understood; write a duration such as 24h or 7d (units s, min, h, d, w, y), or 0"
        ))
    })
}

/// A whole number and a unit, in milliseconds.
fn length(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit_at = text.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(number.parse::<i64>().ok()?.saturating_mul(*millis))
}

/// Is this instant later than `now` and at most [`MAX_DAYS`] ahead? Both in milliseconds.
pub fn check(instant: i64, now: i64) -> Result<(), ExpiryError> {
    if instant <= now {
        return Err(ExpiryError(format!(
            "expiry: {} is not later than now; choose a later time",
            timestamp::to_rfc3339(instant)
        )));
    }
    if instant.saturating_sub(now) > MAX_MILLIS {
        return Err(ExpiryError(format!(
            "expiry: too far ahead; a token may live {MAX_DAYS} days (10y) at most"
        )));
    }
    Ok(())
}

/// What has become of something that ends, at `now`: `live`, `expired` or `revoked`. All in milliseconds.
#[must_use]
pub fn state(revoked_at: Option<i64>, expires_at: Option<i64>, now: i64) -> &'static str {
    match (revoked_at, expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(expires_at)) if expires_at <= now => "expired",
        _ => "live",
    }
}

/// An RFC 3339 instant or a full date.
fn instant(text: &str) -> Option<i64> {
    let is_date = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-');
    if is_date { timestamp::parse(&format!("{text}T00:00:00Z")) } else { timestamp::parse(text) }
}

fn not_understood(text: &str) -> ExpiryError {
    let shown: String = text.chars().take(40).collect();
    ExpiryError(format!(
        "expiry: {shown:?} is not understood; write a duration such as 10y, 90d or 24h (units s, min, h, d, w, y), or a \
         date such as 2030-01-31"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T10:00:00Z.
    const NOW: i64 = 1_795_255_200_000;

    #[test]
    fn durations_and_dates() {
        for (text, expected) in [
            ("24h", NOW + DAY),
            (" 90d ", NOW + 90 * DAY),
            ("90 D", NOW + 90 * DAY),
            ("2w", NOW + 14 * DAY),
            ("30min", NOW + HOUR / 2),
            ("2s", NOW + 2000),
            ("4y", NOW + 1461 * DAY),
            ("10y", NOW + 3652 * DAY + DAY / 2),
            ("3653d", NOW + MAX_MILLIS),
            ("2026-11-22T10:00:00Z", NOW + DAY),
            ("2026-11-22T11:00:00+01:00", NOW + DAY),
            ("2026-11-22", NOW + 14 * HOUR),
        ] {
            assert_eq!(parse(text, NOW), Ok(expected), "{text}");
        }
    }

    #[test]
    fn presets_are_understood() {
        for (text, _) in PRESETS {
            assert!(parse(text, NOW).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_revoked_one_is_revoked_whenever_it_ends() {
        assert_eq!(state(None, None, NOW), "live");
        assert_eq!(state(None, Some(NOW + 1), NOW), "live");
        assert_eq!(state(None, Some(NOW), NOW), "expired");
        assert_eq!(state(Some(NOW - 1), Some(NOW), NOW), "revoked");
        assert_eq!(state(Some(NOW - 1), None, NOW), "revoked");
    }

    #[test]
    fn a_grace_may_be_nothing() {
        for (text, expected) in
            [("24h", DAY), (" 7 d ", 7 * DAY), ("0", 0), (" 0 ", 0), ("0h", 0), ("00d", 0), ("1s", 1000)]
        {
            assert_eq!(grace(text), Ok(expected), "{text}");
        }
        for text in ["", "24", "-1h", "1.5h", "never", "00", "h", "2030-01-31", "99999999999999999999d"] {
            assert!(grace(text).is_err_and(|error| error.0.starts_with("grace: ")), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_remedy() {
        for text in ["", "d", "10", "10x", "-1d", "0d", "1.5y", "never", "2026-13-01", "2026-02-30", "é"] {
            assert!(parse(text, NOW).is_err_and(|error| error.0.contains("not understood")), "{text:?}");
        }
        for text in ["2026-11-21", "2020-01-01", "2026-11-21T10:00:00Z"] {
            assert!(parse(text, NOW).is_err_and(|error| error.0.contains("not later than now")), "{text:?}");
        }
        for text in ["11y", "3654d", "9999999999999999y", "2036-12-01"] {
            assert!(parse(text, NOW).is_err_and(|error| error.0.contains("too far")), "{text:?}");
        }
    }
}
