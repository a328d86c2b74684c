//! The form that makes a token.

use serde::Deserialize;
use time::{Date, Duration, Month, OffsetDateTime, Time};
use token_service::{NewToken, scopes};

use crate::form::Errors;

/// Expiry presets: value and label.
pub(crate) const PRESETS: [(&str, &str); 6] = [
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("1y", "1 year"),
    ("2y", "2 years"),
    ("5y", "5 years"),
    ("10y", "10 years"),
];

/// Longest life of a token.
const LONGEST_DAYS: i64 = 3653;

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    pub(crate) name: String,
    /// One of [`PRESETS`], or `date`.
    pub(crate) expires: String,
    /// `2027-03-31`, when `expires` is `date`.
    pub(crate) date: String,
    /// Checkbox.
    pub(crate) read: Option<String>,
    /// Checkbox.
    pub(crate) write: Option<String>,
}

impl TokenForm {
    /// As it is offered: a year, read and write.
    pub(crate) fn fresh() -> Self {
        Self {
            expires: "1y".to_owned(),
            read: Some("on".to_owned()),
            write: Some("on".to_owned()),
            ..Self::default()
        }
    }

    /// What it asks for, at `now`; or what is wrong.
    pub(crate) fn read(&self, now: i64) -> Result<NewToken, Errors> {
        let mut errors = Errors::default();
        let name = self.name.trim();
        match name.chars().count() {
            0 => errors.add("name", "Enter a name, so that you know later where the token is used."),
            1..=100 => {}
            length => errors.add("name", format!("The name has {length} characters; at most 100 fit.")),
        }
        let scope = [(&self.read, scopes::SCIM_READ), (&self.write, scopes::SCIM_WRITE)]
            .into_iter()
            .filter(|(checked, _)| checked.is_some())
            .map(|(_, scope)| scope)
            .collect::<Vec<_>>()
            .join(" ");
        if scope.is_empty() {
            errors.add("scopes", "Choose at least one.");
        }
        let expires_at = self.expires_at(now).unwrap_or_else(|(field, problem)| {
            errors.add(field, problem);
            0
        });
        if errors.is_empty() {
            Ok(NewToken {
                name: name.to_owned(),
                scope,
                expires_at,
                user: None,
                allowed_from: Default::default(),
            })
        } else {
            Err(errors)
        }
    }

    fn expires_at(&self, now: i64) -> Result<i64, (&'static str, &'static str)> {
        let start = instant(now);
        let years = |years: i32| in_years(start, years);
        let end = match self.expires.as_str() {
            "30d" => start + Duration::days(30),
            "90d" => start + Duration::days(90),
            "1y" => years(1),
            "2y" => years(2),
            "5y" => years(5),
            "10y" => years(10),
            "date" => {
                let date =
                    date(self.date.trim()).ok_or(("date", "Enter a day as year-month-day: 2027-03-31."))?;
                let end = date.with_time(Time::from_hms(23, 59, 59).unwrap_or(Time::MIDNIGHT)).assume_utc();
                if end <= start {
                    return Err(("date", "Choose a day that is not over yet."));
                }
                if end > start + Duration::days(LONGEST_DAYS) {
                    return Err(("date", "Choose a day within the next ten years."));
                }
                end
            }
            _ => return Err(("expires", "Choose when the token expires.")),
        };
        // Whole seconds: the token's own `exp` has no finer unit.
        Ok(end.unix_timestamp() * 1000)
    }
}

fn instant(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(millis.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The same day of a later year; 29 February becomes the 28th.
fn in_years(start: OffsetDateTime, years: i32) -> OffsetDateTime {
    let year = start.year() + years;
    start.replace_year(year).unwrap_or_else(|_| {
        let day = Date::from_calendar_date(year, Month::February, 28).unwrap_or(start.date());
        start.replace_date(day)
    })
}

/// `2027-03-31`.
fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next().filter(|part| part.len() == 4)?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

/// First and last day that the form takes at `now`.
pub(crate) fn days(now: i64) -> (String, String) {
    let today = instant(now).date();
    (today.to_string(), (today + Duration::days(LONGEST_DAYS - 1)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_255_200_000; // 2026-11-21 10:00 UTC

    fn form(expires: &str, date: &str) -> TokenForm {
        TokenForm { name: "Okta".into(), expires: expires.into(), date: date.into(), ..TokenForm::fresh() }
    }

    #[test]
    fn presets_are_calendar_spans_within_ten_years() {
        let days: Vec<i64> = PRESETS
            .iter()
            .map(|(preset, _)| (form(preset, "").read(NOW).expect("token").expires_at - NOW) / 86_400_000)
            .collect();
        assert_eq!(days, [30, 90, 365, 731, 1826, 3653]);
        let leap = in_years(instant(1_709_164_800_000), 1); // 2024-02-29
        assert_eq!(leap.date().to_string(), "2025-02-28");
    }

    #[test]
    fn a_day_counts_to_its_end_and_must_fit() {
        let token = form("date", "2026-11-21").read(NOW).expect("token");
        assert_eq!(token.expires_at, 1_795_305_599_000);
        assert_eq!(token.scope, scopes::DEFAULT);
        for wrong in ["", "2026-11-20", "2026-02-30", "31.03.2027", "2036-11-22", "9999-12-31", "27-03-31"] {
            let errors = form("date", wrong).read(NOW).expect_err(wrong);
            assert!(errors.of("date").is_some(), "{wrong}");
        }
        let (first, last) = days(NOW);
        assert!(form("date", &first).read(NOW).is_ok() && form("date", &last).read(NOW).is_ok());
    }

    #[test]
    fn every_field_is_checked_at_once() {
        let errors = TokenForm::default().read(NOW).expect_err("errors");
        assert!(["name", "expires", "scopes"].iter().all(|field| errors.of(field).is_some()));
        let errors = TokenForm { name: "x".repeat(101), ..TokenForm::fresh() }.read(NOW).expect_err("errors");
        assert!(errors.of("name").is_some());
    }
}
