//! Which entries of the log somebody wants to see, as the address has it.

use scim_core::timestamp;
use serde::Deserialize;
use store::activity::RequestQuery;

/// Longest text that is looked for, in characters.
const LONGEST: usize = 300;

/// Conditions as they were typed; what cannot be read counts for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Filters {
    /// `GET`, …
    pub(crate) method: String,
    /// `failed`, `ok`, or a status.
    pub(crate) outcome: String,
    /// Part of path and query.
    pub(crate) path: String,
    /// Id of a credential.
    pub(crate) caller: String,
    /// Somebody or something that is named.
    pub(crate) about: String,
    /// Request id.
    pub(crate) request: String,
    /// `2026-11-21T10:00`, UTC.
    pub(crate) from: String,
    /// Likewise.
    pub(crate) until: String,
}

impl Filters {
    /// What the store is asked for.
    pub(crate) fn query(&self) -> RequestQuery {
        RequestQuery {
            method: text(&self.method).map(|method| method.to_uppercase()),
            status: statuses(&self.outcome),
            path: text(&self.path),
            credential: self.caller.trim().parse().ok(),
            subject: text(&self.about),
            request_id: text(&self.request),
            from: time(&self.from),
            until: time(&self.until),
            ..RequestQuery::default()
        }
    }

    /// For links.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("method", &self.method),
            ("outcome", &self.outcome),
            ("path", &self.path),
            ("caller", &self.caller),
            ("about", &self.about),
            ("request", &self.request),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// Is everything wanted?
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.trim().is_empty())
    }

    /// Is a condition set that stands among the seldom ones?
    pub(crate) fn is_special(&self) -> bool {
        [&self.caller, &self.method, &self.request, &self.from, &self.until]
            .iter()
            .any(|value| !value.trim().is_empty())
    }
}

fn text(typed: &str) -> Option<String> {
    let typed = typed.trim();
    (!typed.is_empty()).then(|| typed.chars().filter(|ch| *ch != '\0').take(LONGEST).collect())
}

/// Statuses from and to.
pub(crate) fn statuses(typed: &str) -> Option<(i32, i32)> {
    let typed = typed.trim().to_ascii_lowercase();
    match typed.as_str() {
        "failed" => Some((400, 599)),
        "ok" => Some((100, 399)),
        other => match other.strip_suffix("xx") {
            Some(class) => {
                let class: i32 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
                Some((class * 100, class * 100 + 99))
            }
            None => other.parse().ok().map(|status| (status, status)),
        },
    }
}

/// What a browser gives for a date and a time, as UTC.
fn time(typed: &str) -> Option<i64> {
    let typed = typed.trim();
    let seconds = if typed.len() == "2026-11-21T10:00".len() { ":00" } else { "" };
    timestamp::parse(&format!("{typed}{seconds}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_read_or_counts_for_nothing() {
        let filters = Filters {
            method: " post".into(),
            outcome: "4XX".into(),
            path: " /Users ".into(),
            caller: "nobody".into(),
            about: "ann\0@example.com".into(),
            from: "2026-11-21T10:00".into(),
            until: "2026-11-21T10:00:30".into(),
            request: String::new(),
        };
        let wanted = RequestQuery {
            method: Some("POST".into()),
            status: Some((400, 499)),
            path: Some("/Users".into()),
            subject: Some("ann@example.com".into()),
            from: Some(1_795_255_200_000),
            until: Some(1_795_255_230_000),
            ..RequestQuery::default()
        };
        assert_eq!(filters.query(), wanted);
        assert!(!filters.is_empty() && filters.is_special());
        assert_eq!(Filters::default().query(), RequestQuery::default());
        assert!(Filters::default().is_empty() && !Filters::default().is_special());
    }

    #[test]
    fn outcomes_are_classes_or_statuses() {
        let table = [
            ("failed", Some((400, 599))),
            ("ok", Some((100, 399))),
            ("5xx", Some((500, 599))),
            ("409", Some((409, 409))),
            ("9xx", None),
            ("xx", None),
            ("soon", None),
            ("", None),
        ];
        for (typed, wanted) in table {
            assert_eq!(statuses(typed), wanted, "{typed}");
        }
    }
}
