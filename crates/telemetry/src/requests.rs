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

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
