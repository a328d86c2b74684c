//! All metrics. Documentation, alerts and the dashboard are held against this list, and the list against a running server.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram};

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds, counted up to each of these bounds.
    Histogram(&'static [f64]),
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// As Prometheus knows it; a histogram has series of this name with `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// Its labels. None has more than some dozens of values, but for `tenant`, where the metric says how many.
    pub labels: &'static [&'static str],
    /// For people.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

/// Answers of a service that takes milliseconds, and may take up to a minute.
const ANSWERS: &[f64] = &[0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Waits for a connection, which end after five seconds.
const WAITS: &[f64] = &[0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// See its help.
pub const HTTP_REQUEST_DURATION: Metric = Metric {
    name: "rollcall_http_request_duration_seconds",
    kind: Kind::Histogram(ANSWERS),
    labels: &["method", "route", "status", "tenant_class"],
    help: "Requests and how long they took until their answer began, by route, class of the status (2xx to 5xx; 429, which says that \
           somebody asks too often, by itself) and class of the tenant: the profile that ships by that name, custom, or none \
           where no tenant was known",
};

/// See its help.
pub const ADMITTED: Metric = counter("rollcall_requests_admitted_total", &[], "Requests that were let in");

/// See its help.
pub const TURNED_AWAY: Metric = counter(
    "rollcall_requests_turned_away_total",
    &["reason"],
    "Requests that found no room (503), by reason: line, lines or late",
);

/// See its help.
pub const WORKING: Metric = gauge("rollcall_requests_working", &[], "Requests that are worked on");

/// See its help.
pub const WAITING: Metric = gauge("rollcall_requests_waiting", &[], "Requests that wait for their turn");

/// See its help.
pub const REQUEST_LOG_DROPPED: Metric = counter(
    "rollcall_request_log_dropped_total",
    &[],
    "Requests that are missing in the log because more came of a kind than are logged or than could be written, or because the \
     database was away; the hourly counters have them",
);

/// See its help.
pub const VERIFICATIONS: Metric = counter(
    "rollcall_credential_verifications_total",
    &["kind", "outcome"],
    "Credentials that were checked, by kind (bearer, basic, oauth: clients at /oauth/token) and outcome: accepted, cached \
     (accepted from memory), reported (accepted, from outside networks that only report), or why it was refused",
);

/// See its help.
pub const EXPIRY_WARNINGS: Metric = counter(
    "rollcall_credential_expiry_warnings_total",
    &["days"],
    "Warnings that a credential ends, by the step that was reached: days before its end",
);

/// See its help.
pub const EXPIRING: Metric = gauge(
    "rollcall_credentials_expiring",
    &["days"],
    "Live credentials, not yet replaced, that end within so many days (one counts in each step that it has reached)",
);

/// See its help.
pub const NEXT_EXPIRY: Metric = gauge(
    "rollcall_credential_next_expiry_timestamp_seconds",
    &["tenant"],
    "When the first of a tenant's credentials ends or, where none is left that is live, the last one has ended, up to 7 days ago, as \
     seconds since 1970 UTC; not of those that were revoked or replaced; tenants for which that is within 60 days, the 200 that are first; NaN: no longer",
);

/// See its help.
pub const TENANT_LOOKUPS: Metric = counter(
    "rollcall_tenant_lookups_total",
    &["outcome"],
    "Tenants that were looked up, with their compiled profiles, by outcome: cached (from memory) or read (from the database)",
);

/// See its help.
pub const DATABASE_CONNECTIONS: Metric = gauge(
    "rollcall_database_connections",
    &["state"],
    "Connections of the pool that requests share, by state: idle (of which some are kept at hand) or used",
);

/// See its help.
pub const DATABASE_CONNECTIONS_MAX: Metric =
    gauge("rollcall_database_connections_max", &[], "Connections that the pool may open");

/// See its help.
pub const DATABASE_WAIT: Metric = Metric {
    name: "rollcall_database_wait_seconds",
    kind: Kind::Histogram(WAITS),
    labels: &["for"],
    help: "Waits for the database before anything is asked of it, also those that came to nothing, by what for: transaction (a \
           connection and its BEGIN), statement (a connection at hand, where none was free), writer (the turn of SQLite's one \
           writer)",
};

/// See its help.
pub const EVENTS_NUMBERED: Metric = counter(
    "rollcall_events_numbered_total",
    &[],
    "Audit entries, and the events with them, that this node has given their numbers",
);

/// See its help.
pub const EVENTS_UNNUMBERED: Metric = gauge(
    "rollcall_events_unnumbered",
    &[],
    "Audit entries that are committed and wait for their numbers, so their events reach nobody yet, of all tenants and of the \
     installation; counted up to 10,000",
);

/// See its help.
pub const EVENTS_UNNUMBERED_OLDEST: Metric = gauge(
    "rollcall_events_unnumbered_oldest_seconds",
    &[],
    "How long the oldest of them has waited; 0 where none waits",
);

/// See its help.
pub const DELIVERIES_WAITING: Metric = gauge(
    "rollcall_deliveries_waiting",
    &["way"],
    "Events that active destinations have not taken yet, by way (webhook, redis-stream, ldap); counted up to 10,000 of each \
     destination",
);

/// See its help.
pub const DELIVERIES_DEAD: Metric = gauge(
    "rollcall_deliveries_dead",
    &["way"],
    "Events that active destinations did not take at the last attempt either, as long as they are kept, by way; counted likewise",
);

/// See its help.
pub const DELIVERIES_OLDEST: Metric = gauge(
    "rollcall_deliveries_oldest_seconds",
    &["way"],
    "How long ago the oldest of the waiting ones got its number; 0 where none waits",
);

/// See its help.
pub const DELIVERIES_GIVEN_UP: Metric = counter(
    "rollcall_deliveries_given_up_total",
    &["way"],
    "Events that this node gave up for a destination after the last attempt, by way",
);

/// See its help.
pub const DESTINATIONS: Metric = gauge(
    "rollcall_destinations",
    &["way", "state"],
    "Destinations of events, by way and state: active, paused (by somebody), disabled (failed for too long)",
);

/// See its help.
pub const READY: Metric = gauge(
    "rollcall_ready",
    &[],
    "1 while others should send requests to this node, as /readyz says; 0 while its database does not answer, or it is about to stop",
);

/// See its help.
pub const BUILD: Metric = gauge("rollcall_build_info", &["version"], "1, with the version of the program");

/// All of them.
pub const ALL: &[&Metric] = &[
    &HTTP_REQUEST_DURATION,
    &ADMITTED,
    &TURNED_AWAY,
    &WORKING,
    &WAITING,
    &REQUEST_LOG_DROPPED,
    &VERIFICATIONS,
    &EXPIRY_WARNINGS,
    &EXPIRING,
    &NEXT_EXPIRY,
    &TENANT_LOOKUPS,
    &DATABASE_CONNECTIONS,
    &DATABASE_CONNECTIONS_MAX,
    &DATABASE_WAIT,
    &EVENTS_NUMBERED,
    &EVENTS_UNNUMBERED,
    &EVENTS_UNNUMBERED_OLDEST,
    &DESTINATIONS,
    &DELIVERIES_WAITING,
    &DELIVERIES_DEAD,
    &DELIVERIES_OLDEST,
    &DELIVERIES_GIVEN_UP,
    &READY,
    &BUILD,
];

/// Says what each of them means, and begins counting at 0 where that is one series; once, after a recorder was installed.
pub fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => {
                describe_counter!(metric.name, metric.help);
                if metric.labels.is_empty() {
                    counter!(metric.name).increment(0);
                }
            }
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram(_) => describe_histogram!(metric.name, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        for metric in ALL {
            let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(metric.name.starts_with("rollcall_") && is_name(metric.name), "{}", metric.name);
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert!(metric.labels.iter().all(|label| is_name(label)), "{}", metric.name);
            assert_eq!(ALL.iter().filter(|other| other.name == metric.name).count(), 1, "{}", metric.name);
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(metric.name.ends_with("_seconds") && bounds.is_sorted(), "{}", metric.name);
            }
        }
    }
}
