//! The form that makes a token.

use serde::Deserialize;
use store::credentials::AllowedFrom;
use time::{Date, Duration, Month, OffsetDateTime, Time};
use token_service::{Lifetime, Longest, NewToken, scopes};

use crate::{form::Errors, pages::networks::NetworksForm};

/// Value of the choice of the longest life, where no preset is as long.
const LONGEST: &str = "longest";

/// Expiry choices that fit: value and label.
pub(crate) fn choices(longest: Longest) -> Vec<(&'static str, String)> {
    let mut choices: Vec<(&'static str, String)> =
        longest.presets().map(|(value, label)| (value, label.to_owned())).collect();
    let is_offered =
        |(value, _): &(&str, String)| value.parse().is_ok_and(|one: Lifetime| one == longest.lifetime);
    if longest.is_set() && !choices.iter().any(is_offered) {
        choices.push((LONGEST, format!("{}, the longest allowed", longest.lifetime.words())));
    }
    choices
}

/// The choice that a form starts with: a year, or the longest that fits.
pub(crate) fn usual(longest: Longest) -> &'static str {
    let choices = choices(longest);
    let year = choices.iter().find(|(value, _)| *value == "1y");
    year.or(choices.last()).map_or("date", |(value, _)| value)
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    pub(crate) name: String,
    /// One of [`choices`], or `date`.
    pub(crate) expires: String,
    /// `2027-03-31`, when `expires` is `date`.
    pub(crate) date: String,
    /// Checkbox.
    pub(crate) read: Option<String>,
    /// Checkbox.
    pub(crate) write: Option<String>,
    /// Where the token may come from: as in [`NetworksForm`], whose fields a form cannot hold as a part.
    pub(crate) networks: String,
    pub(crate) report_only: Option<String>,
}

impl TokenForm {
    /// As it is offered: a year, read and write.
    pub(crate) fn fresh(longest: Longest) -> Self {
        Self {
            expires: usual(longest).to_owned(),
            read: Some("on".to_owned()),
            write: Some("on".to_owned()),
            ..Self::default()
        }
    }

    /// Where the token may come from.
    pub(crate) fn places(&self) -> NetworksForm {
        NetworksForm { networks: self.networks.clone(), report_only: self.report_only.clone() }
    }

    /// What it asks for, at `now`; or what is wrong.
    pub(crate) fn read(&self, now: i64, longest: Longest) -> Result<NewToken, Errors> {
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
        let allowed_from = self.places().read().unwrap_or_else(|problem| {
            errors.add_told(&["networks"], &format!("networks: {problem}"));
            AllowedFrom::default()
        });
        let expires_at = self.expires_at(now, longest).unwrap_or_else(|(field, problem)| {
            errors.add(field, problem);
            0
        });
        if errors.is_empty() {
            Ok(NewToken { name: name.to_owned(), scope, expires_at, user: None, allowed_from })
        } else {
            Err(errors)
        }
    }

    fn expires_at(&self, now: i64, longest: Longest) -> Result<i64, (&'static str, String)> {
        let start = instant(now);
        let last = last(start, longest);
        let end = match self.expires.as_str() {
            "date" => {
                let date = date(self.date.trim())
                    .ok_or_else(|| ("date", "Enter a day as year-month-day: 2027-03-31.".into()))?;
                let end = date.with_time(Time::from_hms(23, 59, 59).unwrap_or(Time::MIDNIGHT)).assume_utc();
                if end <= start {
                    return Err(("date", "Choose a day that is not over yet.".into()));
                }
                if end > last {
                    return Err((
                        "date",
                        format!("Choose a day within the next {}.", longest.lifetime.words()),
                    ));
                }
                end
            }
            choice => return end_of(choice, now, longest).map_err(|problem| ("expires", problem)),
        };
        Ok(millis(end))
    }
}

/// The end that one of [`choices`] means at `now`, both in milliseconds; or what is wrong.
pub(crate) fn end_of(choice: &str, now: i64, longest: Longest) -> Result<i64, String> {
    let start = instant(now);
    let years = |years: i32| in_years(start, years);
    let last = last(start, longest);
    let end = match choice {
        LONGEST => last,
        "30d" => start + Duration::days(30),
        "90d" => start + Duration::days(90),
        "1y" => years(1),
        "2y" => years(2),
        "5y" => years(5),
        "10y" => years(10),
        _ => return Err("Choose one of the offered times.".into()),
    };
    if end > last {
        return Err(format!("It may live {} at most; choose a shorter time.", longest.lifetime.words()));
    }
    Ok(millis(end))
}

fn last(start: OffsetDateTime, longest: Longest) -> OffsetDateTime {
    start + Duration::milliseconds(longest.lifetime.millis())
}

/// Whole seconds: a token's own `exp` has no finer unit.
fn millis(end: OffsetDateTime) -> i64 {
    end.unix_timestamp() * 1000
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
pub(crate) fn days(now: i64, longest: Longest) -> (String, String) {
    let today = instant(now).date();
    let last = today + Duration::days(i64::from(longest.lifetime.days()) - 1);
    (today.to_string(), last.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_255_200_000; // 2026-11-21 10:00 UTC

    fn no_limit() -> Longest {
        Longest::of(None, None)
    }

    fn at_most(text: &str) -> Longest {
        Longest::of(None, text.parse().ok())
    }

    fn form(expires: &str, date: &str) -> TokenForm {
        TokenForm {
            name: "Okta".into(),
            expires: expires.into(),
            date: date.into(),
            ..TokenForm::fresh(no_limit())
        }
    }

    #[test]
    fn presets_are_calendar_spans_within_ten_years() {
        let days: Vec<i64> = choices(no_limit())
            .iter()
            .map(|(preset, _)| {
                (form(preset, "").read(NOW, no_limit()).expect("token").expires_at - NOW) / 86_400_000
            })
            .collect();
        assert_eq!(days, [30, 90, 365, 731, 1826, 3653]);
        let leap = in_years(instant(1_709_164_800_000), 1); // 2024-02-29
        assert_eq!(leap.date().to_string(), "2025-02-28");
    }

    #[test]
    fn a_day_counts_to_its_end_and_must_fit() {
        let token = form("date", "2026-11-21").read(NOW, no_limit()).expect("token");
        assert_eq!(token.expires_at, 1_795_305_599_000);
        assert_eq!(token.scope, scopes::DEFAULT);
        for wrong in ["", "2026-11-20", "2026-02-30", "31.03.2027", "2036-11-22", "9999-12-31", "27-03-31"] {
            let errors = form("date", wrong).read(NOW, no_limit()).expect_err(wrong);
            assert!(errors.of("date").is_some(), "{wrong}");
        }
        let (first, last) = days(NOW, no_limit());
        assert!(
            form("date", &first).read(NOW, no_limit()).is_ok()
                && form("date", &last).read(NOW, no_limit()).is_ok()
        );
    }

    #[test]
    fn every_field_is_checked_at_once() {
        let errors = TokenForm::default().read(NOW, no_limit()).expect_err("errors");
        assert!(["name", "expires", "scopes"].iter().all(|field| errors.of(field).is_some()));
        let errors = TokenForm { name: "x".repeat(101), ..TokenForm::fresh(no_limit()) }
            .read(NOW, no_limit())
            .expect_err("errors");
        assert!(errors.of("name").is_some());
    }

    #[test]
    fn what_is_offered_keeps_to_the_policy() {
        let values =
            |text: &str| choices(at_most(text)).into_iter().map(|(value, _)| value).collect::<Vec<_>>();
        assert_eq!(values("1y"), ["30d", "90d", "1y"]);
        assert_eq!(values("100d"), ["30d", "90d", "longest"]);
        assert_eq!(values("20d"), ["longest"]);
        assert_eq!(
            (usual(no_limit()), usual(at_most("1y")), usual(at_most("100d"))),
            ("1y", "1y", "longest")
        );
        // Whatever the year it begins in, a preset that is offered is taken.
        for start in (2024..2032).map(|year| in_years(instant(NOW), year - 2026).unix_timestamp() * 1000) {
            for text in ["1y", "2y", "5y", "10y", "100d", "20d"] {
                for (value, _) in choices(at_most(text)) {
                    assert!(form(value, "").read(start, at_most(text)).is_ok(), "{value} of {text}");
                }
            }
        }
        for (expires, date, field) in [("2y", "", "expires"), ("date", "2027-12-01", "date")] {
            let errors = form(expires, date).read(NOW, at_most("1y")).expect_err(expires);
            assert!(errors.of(field).is_some_and(|problem| problem.contains("1 year")), "{errors:?}");
        }
        let (first, last) = days(NOW, at_most("1d"));
        assert_eq!((first.as_str(), last.as_str()), ("2026-11-21", "2026-11-21"));
    }

    #[test]
    fn networks_are_part_of_it() {
        let places = |networks: &str| TokenForm {
            networks: networks.into(),
            report_only: Some("on".into()),
            ..form("1y", "")
        };
        let token = places("203.0.113.7\r\n10.0.0.0/8").read(NOW, no_limit()).expect("token");
        assert_eq!((token.allowed_from.networks.len(), token.allowed_from.report_only), (2, true));
        let errors = places("example.com").read(NOW, no_limit()).expect_err("no network");
        assert!(errors.of("networks").is_some_and(|problem| problem.contains("CIDR")));
    }
}
