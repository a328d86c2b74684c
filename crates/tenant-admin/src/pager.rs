//! The part of a list that a page shows, and the links to its neighbours.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use store::users::{Bounded, Place};

/// Rows of a list page.
pub(crate) const PAGE_SIZE: u64 = 25;

/// Where a page stands in its list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pager {
    /// First row shown, from 1; 0 when there is none.
    pub(crate) from: u64,
    /// Last row shown.
    pub(crate) to: u64,
    /// Rows in the whole list.
    pub(crate) total: u64,
    /// Link to the page before.
    pub(crate) previous: Option<String>,
    /// Link to the page after.
    pub(crate) next: Option<String>,
}

impl Pager {
    /// `page` counts from 1; `query` holds the other parameters of the links (empty values are left out).
    pub(crate) fn new(path: &str, query: &[(&str, &str)], page: u64, shown: usize, total: u64) -> Self {
        let before = (page - 1).saturating_mul(PAGE_SIZE);
        let shown = shown as u64;
        let link = |page: u64| {
            let number = page.to_string();
            let mut parameters: Vec<(&str, &str)> = query.to_vec();
            if page > 1 {
                parameters.push(("page", &number));
            }
            link(path, &parameters)
        };
        Self {
            from: if shown == 0 { 0 } else { before + 1 },
            to: if shown == 0 { 0 } else { before + shown },
            total,
            previous: (page > 1).then(|| link((page - 1).min(total.div_ceil(PAGE_SIZE)).max(1))),
            next: (before + shown < total && shown > 0).then(|| link(page + 1)),
        }
    }
}

/// Where a page stands in a list that is walked by key: the row beside it, by id.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Step {
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    end: String,
    /// The number of its first row, if it was counted.
    #[serde(default)]
    from: String,
}

impl Step {
    /// Which part of the list; anything unusable is its beginning.
    pub(crate) fn place(&self) -> Place {
        match (self.after.parse(), self.before.parse(), self.end.as_str()) {
            (Ok(id), _, _) => Place::After(id),
            (_, Ok(id), _) => Place::Before(id),
            (_, _, "last") => Place::Last,
            _ => Place::First,
        }
    }

    /// Rows of the page.
    pub(crate) fn size(&self) -> usize {
        PAGE_SIZE as usize
    }
}

/// A page of such a list, and the links to the others. Numbers are shown as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// `26–50 of 1284`.
    pub(crate) text: String,
    pub(crate) first: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) last: Option<String>,
}

impl Walk {
    /// `ids`: of the rows shown; `beyond`: are there any before and after them?
    pub(crate) fn new(
        path: &str,
        query: &[(&str, &str)],
        step: &Step,
        ids: &[&str],
        (before, after): (bool, bool),
        total: Option<Bounded>,
    ) -> Self {
        let shown = ids.len() as u64;
        let exact = total.filter(|total| !total.more).map(|total| total.count);
        let told = step.from.parse().ok().filter(|from| *from > 1);
        let from = match (before, step.place(), exact) {
            (false, ..) => Some(1),
            (true, Place::Last, Some(total)) => Some(total.saturating_sub(shown) + 1),
            (true, ..) => told,
        };
        let link = |parameters: &[(&str, &str)]| link(path, &[query, parameters].concat());
        let number = |from: Option<u64>| from.map(|from| from.to_string()).unwrap_or_default();
        let previous = number(from.map(|from| from.saturating_sub(PAGE_SIZE).max(1)));
        // What the address told may be any number.
        let next = number(from.map(|from| from.saturating_add(shown)));
        let of = match total {
            Some(Bounded { count, more: true }) => format!(" of more than {count}"),
            Some(Bounded { count, more: false }) => format!(" of {count}"),
            None => String::new(),
        };
        let text = match from {
            Some(from) if shown > 0 => format!("{from}–{}{of}", from.saturating_add(shown - 1)),
            _ => format!("{shown}{of}"),
        };
        Self {
            text,
            first: before.then(|| link(&[])),
            previous: ids
                .first()
                .filter(|_| before)
                .map(|first| link(&[("before", first), ("from", &previous)])),
            next: ids.last().filter(|_| after).map(|last| link(&[("after", last), ("from", &next)])),
            last: after.then(|| link(&[("end", "last")])),
        }
    }

    /// Are there any other pages?
    pub(crate) fn goes_on(&self) -> bool {
        self.first.is_some() || self.last.is_some()
    }
}

/// `1 user`, `more than 1000 users`.
pub(crate) fn numbered(number: Bounded, singular: &str) -> String {
    let counted = crate::chrome::count(number.count, singular);
    if number.more { format!("more than {counted}") } else { counted }
}

/// A path with query parameters; empty values are left out.
pub(crate) fn link(path: &str, query: &[(&str, &str)]) -> String {
    let mut text = path.to_owned();
    let mut separator = '?';
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(separator);
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        separator = '&';
    }
    text
}

/// A page number from a query parameter: anything unusable is page 1.
pub(crate) fn page_number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(1).clamp(1, 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_search_and_lead_to_both_sides() {
        let pager = Pager::new("/console/", &[("q", "a&b"), ("status", "")], 2, 25, 60);
        assert_eq!((pager.from, pager.to), (26, 50));
        assert_eq!(pager.previous.as_deref(), Some("/console/?q=a%26b"));
        assert_eq!(pager.next.as_deref(), Some("/console/?q=a%26b&page=3"));
        assert_eq!(Pager::new("/x", &[], 3, 10, 60).next, None);
    }

    #[test]
    fn a_page_past_the_end_leads_back() {
        let pager = Pager::new("/x", &[], 9, 0, 30);
        assert_eq!((pager.from, pager.to, pager.next), (0, 0, None));
        assert_eq!(pager.previous.as_deref(), Some("/x?page=2"));
        assert_eq!(page_number(Some("-1")), 1);
        assert_eq!(page_number(Some("7")), 7);
    }

    #[test]
    fn a_walk_leads_to_its_neighbours_by_key() {
        let ids = ["0199f0a0-0000-7000-8000-000000000001", "0199f0a0-0000-7000-8000-000000000002"];
        let exact = |count| Some(Bounded { count, more: false });
        let first = Walk::new("/u", &[("q", "a")], &Step::default(), &ids, (false, true), exact(60));
        assert_eq!(first.text, "1–2 of 60");
        assert_eq!((first.first.as_deref(), first.previous.as_deref()), (None, None));
        let next = "/u?q=a&after=0199f0a0%2D0000%2D7000%2D8000%2D000000000002&from=3";
        assert_eq!(first.next.as_deref(), Some(next));
        let step = Step { after: ids[1].into(), from: "27".into(), ..Step::default() };
        assert_eq!(step.place(), Place::After(ids[1].parse().expect("an id")));
        let second = Walk::new("/u", &[], &step, &ids, (true, false), Some(Bounded { count: 9, more: true }));
        assert_eq!(second.text, "27–28 of more than 9");
        assert!(second.previous.as_deref().is_some_and(|link| link.ends_with("&from=2")));
        let last = Step { end: "last".into(), ..Step::default() };
        assert_eq!(Walk::new("/u", &[], &last, &ids, (true, false), exact(60)).text, "59–60 of 60");
        assert_eq!(Walk::new("/u", &[], &last, &[], (false, false), None).text, "0");
        assert!(!Walk::new("/u", &[], &last, &ids, (false, false), None).goes_on());
        let told = Step { from: u64::MAX.to_string(), ..step };
        assert!(
            Walk::new("/u", &[], &told, &ids, (true, true), None).text.starts_with(&u64::MAX.to_string())
        );
    }
}
