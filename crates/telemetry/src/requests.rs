//! Requests, failures and durations by route: one histogram, of which each series is found once.

use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Histogram, histogram};

use crate::metrics::HTTP_REQUEST_DURATION;

/// Where no route was found.
pub const NO_ROUTE: &str = "none";

/// Class of tenant where none is known.
pub const NO_TENANT: &str = "none";

/// What a request is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counted {
    /// `GET`; see [`method`].
    pub method: &'static str,
    /// As it stands in the table of routes.
    pub route: &'static str,
    /// What kind of tenant, by few words.
    pub tenant_class: &'static str,
}

type Series = HashMap<(Counted, &'static str), Histogram>;

static SERIES: LazyLock<RwLock<Series>> = LazyLock::new(RwLock::default);

/// Counts an answer.
pub fn answered(counted: Counted, status: u16, took: Duration) {
    let key = (counted, class(status));
    if let Some(series) = SERIES.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        series.record(took);
        return;
    }
    let Counted { method, route, tenant_class } = counted;
    let series = histogram!(
        HTTP_REQUEST_DURATION.name,
        "method" => method, "route" => route, "status" => key.1, "tenant_class" => tenant_class
    );
    series.record(took);
    SERIES.write().unwrap_or_else(PoisonError::into_inner).insert(key, series);
}

/// A method as it is counted: those that HTTP itself knows, and `_OTHER`, so that nobody makes series.
#[must_use]
pub fn method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// A route as it is counted. There are only as many as the program has, so they are kept for good.
#[must_use]
pub fn route(template: &str) -> &'static str {
    static ROUTES: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);
    if let Some(known) = ROUTES.read().unwrap_or_else(PoisonError::into_inner).get(template) {
        return known;
    }
    let kept: &'static str = Box::leak(template.into());
    ROUTES.write().unwrap_or_else(PoisonError::into_inner).insert(kept);
    kept
}

/// A status as it is counted. That somebody asks too often says nothing of what is asked, so it is no refusal among others.
fn class(status: u16) -> &'static str {
    match (status, status / 100) {
        (429, _) => "429",
        (_, 1) => "1xx",
        (_, 2) => "2xx",
        (_, 3) => "3xx",
        (_, 4) => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_is_counted_apart() {
        let classes = [(200, "2xx"), (304, "3xx"), (404, "4xx"), (428, "4xx"), (429, "429"), (503, "5xx")];
        for (status, expected) in classes {
            assert_eq!(class(status), expected, "{status}");
        }
    }
}
