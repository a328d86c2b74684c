//! The part of a list that a page shows, and the links to its neighbours.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

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
}
