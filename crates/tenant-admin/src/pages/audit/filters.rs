//! What entries a person looks for, as the address of the page says it.

use scim_core::timestamp;
use serde::Deserialize;
use store::trail::TrailQuery;

use crate::{form::Errors, pager::link};

const DAY: i64 = 86_400_000;

/// Query parameters of the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filters {
    /// Free text.
    pub(crate) q: String,
    pub(crate) event: String,
    /// Kind of object.
    pub(crate) kind: String,
    /// Its id.
    pub(crate) object: String,
    /// Name of who did it.
    pub(crate) actor: String,
    /// Id of the request.
    pub(crate) request: String,
    /// Days, UTC: `2026-11-26`; both are in.
    pub(crate) from: String,
    pub(crate) to: String,
    /// Number of the last entry of the page before.
    pub(crate) before: String,
    /// Of an export: `csv` or `jsonl`.
    pub(crate) format: String,
}

impl Filters {
    /// The query, and what cannot be read.
    pub(crate) fn read(&self, limit: usize) -> (TrailQuery, Errors) {
        let mut errors = Errors::default();
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut day = |field: &'static str, text: &str, later: i64| {
            let text = text.trim();
            let read = timestamp::parse(&format!("{text}T00:00:00Z"));
            if read.is_none() && !text.is_empty() {
                errors.add(field, "This is no date. Write it like 2026-11-26.");
            }
            read.map(|at| at.saturating_add(later))
        };
        let query = TrailQuery {
            from: day("from", &self.from, 0),
            to: day("to", &self.to, DAY),
            event: some(&self.event),
            object_type: some(&self.kind),
            object_id: some(&self.object),
            actor: some(&self.actor),
            cause: some(&self.request),
            text: some(&self.q),
            before: self.before.trim().parse().ok(),
            limit,
        };
        (query, errors)
    }

    /// The same filters at an address, from a place in the list on.
    pub(crate) fn link(&self, path: &str, before: Option<i64>) -> String {
        let before = before.map(|number| number.to_string()).unwrap_or_default();
        link(path, &[self.parameters().as_slice(), &[("before", before.as_str())]].concat())
    }

    /// The same filters as a file of JSON lines.
    pub(crate) fn export_lines(&self, path: &str) -> String {
        link(path, &[self.parameters().as_slice(), &[("format", "jsonl")]].concat())
    }

    /// Is anything asked?
    pub(crate) fn any(&self) -> bool {
        self.parameters().iter().any(|(_, value)| !value.trim().is_empty())
    }

    /// Is anything asked that stands behind *More*?
    pub(crate) fn more(&self) -> bool {
        [&self.kind, &self.object, &self.actor, &self.request].iter().any(|text| !text.trim().is_empty())
    }

    fn parameters(&self) -> [(&str, &str); 8] {
        [
            ("q", &self.q),
            ("event", &self.event),
            ("kind", &self.kind),
            ("object", &self.object),
            ("actor", &self.actor),
            ("request", &self.request),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_wrong_ones_are_told() {
        let filters = Filters { from: "2026-11-26".into(), to: "2026-11-26".into(), ..Filters::default() };
        let (query, errors) = filters.read(25);
        assert!(errors.is_empty());
        assert_eq!(query.to.zip(query.from).map(|(to, from)| to - from), Some(DAY));
        let filters = Filters { from: "yesterday".into(), to: "2026-02-30".into(), ..Filters::default() };
        let (query, errors) = filters.read(25);
        assert!(errors.of("from").is_some() && errors.of("to").is_some());
        assert_eq!((query.from, query.to), (None, None));
    }

    #[test]
    fn links_keep_what_was_asked() {
        let filters = Filters { q: " a&b ".into(), before: "7".into(), ..Filters::default() };
        assert_eq!(filters.link("/x", Some(3)), "/x?q=%20a%26b%20&before=3");
        assert_eq!(filters.link("/x", None), "/x?q=%20a%26b%20");
        assert_eq!(filters.export_lines("/x"), "/x?q=%20a%26b%20&format=jsonl");
        assert_eq!(filters.read(1).0.text.as_deref(), Some("a&b"));
        assert!(filters.any() && !filters.more() && !Filters::default().any());
    }
}
