//! Does a tenant's connection work, and if not, why, and what is next? One pure decision from what is known of it.

use store::activity::{Heard, Milestone, Traffic};

use crate::{chrome::Badge, when::Moment};

const DAY: i64 = 24 * 3_600_000;
/// Nobody has called for so long: worth a look.
pub(crate) const SILENT: i64 = 7 * DAY;
/// So many failures are more than chance.
const SOME: i64 = 5;
/// Share of requests that fail, in percent, from which it is told.
const SHARE: i64 = 20;

/// What is known of a tenant's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// Is it served?
    pub(crate) active: bool,
    /// Has it a credential with which its identity provider gets in?
    pub(crate) credential: bool,
    /// Milestones that were reached.
    pub(crate) heard: &'a [Heard],
    /// The last 24 hours.
    pub(crate) traffic: Traffic,
    /// Milliseconds.
    pub(crate) now: i64,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Nothing,
    /// Make a credential.
    Credential,
    /// Serve the tenant.
    Activate,
    /// Set the identity provider up, and test the connection there.
    Connect,
    /// Look at what failed.
    Failures,
}

/// How a connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    /// In a word.
    pub(crate) badge: Badge,
    /// In a sentence or two.
    pub(crate) text: String,
    /// What is next.
    pub(crate) next: Next,
}

impl Known<'_> {
    /// A milestone, if it was reached.
    pub(crate) fn reached(&self, milestone: Milestone) -> Option<&Heard> {
        self.heard.iter().find(|heard| heard.milestone == milestone)
    }

    fn ago(&self, at: i64) -> String {
        Moment::new(at, self.now).relative
    }

    /// How it stands: what stops everything comes first.
    pub(crate) fn health(&self) -> Health {
        let health =
            |kind, word: &str, text: String, next| Health { badge: Badge::new(kind, word), text, next };
        let last = self.reached(Milestone::Call).map(|heard| heard.last_at);
        if !self.credential {
            let text = match last {
                None => "There is no credential yet with which an identity provider could get in.".to_owned(),
                Some(at) => {
                    format!(
                        "No credential is valid, so its identity provider does not get in. Last heard {}.",
                        self.ago(at)
                    )
                }
            };
            return health(
                if last.is_some() { "bad" } else { "quiet" },
                "Not connected",
                text,
                Next::Credential,
            );
        }
        if !self.active {
            let text = "The tenant is inactive: its identity provider is answered 403.".to_owned();
            return health("quiet", "Inactive", text, Next::Activate);
        }
        let Some(last) = last else {
            let text =
                "Nobody has called yet. Enter Base URL and credential at the identity provider and test the \
                        connection there."
                    .to_owned();
            return health("warn", "Waiting", text, Next::Connect);
        };
        if let Some(failure) = self.last_word_was_no() {
            let scim_type = failure.last_scim_type.as_deref();
            let meaning = activity::explain(failure.last_status, scim_type, &failure.last_route);
            let meaning = meaning.map(|meaning| format!(" {}", meaning.what)).unwrap_or_default();
            let text = format!(
                "The last request failed {}: {}.{meaning}",
                self.ago(failure.last_at),
                what_failed(failure)
            );
            return health("bad", "Failing", text, Next::Failures);
        }
        if is_failing(&self.traffic) {
            let text = format!("{} Last heard {}.", share(&self.traffic), self.ago(last));
            return health("bad", "Failing", text, Next::Failures);
        }
        if self.now - last >= SILENT {
            return health(
                "warn",
                "Silent",
                format!("Last heard {}. {QUIET}", self.ago(last)),
                Next::Connect,
            );
        }
        health("ok", "Working", format!("Last heard {}.", self.ago(last)), Next::Nothing)
    }

    /// The last failure, if nothing has succeeded since.
    fn last_word_was_no(&self) -> Option<&Heard> {
        let failure = self.reached(Milestone::Failure)?;
        let success = self.reached(Milestone::Success).map(|heard| heard.last_at);
        success.is_none_or(|at| at < failure.last_at).then_some(failure)
    }
}

/// When silence means something.
pub(crate) const QUIET: &str = "Okta calls only when something changes, so it may well be quiet; Entra ID calls about every 40 \
                                minutes, so there provisioning is off or in quarantine.";

/// Do more requests fail than by chance?
pub(crate) fn is_failing(traffic: &Traffic) -> bool {
    traffic.failures() >= SOME && traffic.failures() * 100 >= traffic.requests * SHARE
}

/// How much fails, in a sentence.
pub(crate) fn share(traffic: &Traffic) -> String {
    let (failures, percent) = (traffic.failures(), percent(traffic));
    format!("{failures} of {} requests in 24 hours failed ({percent}).", traffic.requests)
}

/// Which part of the requests failed: `12 %`.
pub(crate) fn percent(traffic: &Traffic) -> String {
    match (traffic.failures(), traffic.failures() * 100 / traffic.requests.max(1)) {
        (1.., 0) => "under 1 %".to_owned(),
        (_, percent) => format!("{percent} %"),
    }
}

/// `409 uniqueness, POST /Users`.
pub(crate) fn what_failed(failure: &Heard) -> String {
    let kind = failure.last_scim_type.as_deref().map(|kind| format!(" {kind}")).unwrap_or_default();
    let route =
        if failure.last_route.is_empty() { "an address where nothing is" } else { &failure.last_route };
    format!("{}{kind}, {} {route}", failure.last_status, failure.last_method)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_688_400_000;
    const HOUR: i64 = 3_600_000;

    fn heard(milestone: Milestone, ago: i64) -> Heard {
        Heard {
            milestone,
            first_at: NOW - 90 * DAY,
            last_at: NOW - ago,
            last_method: "POST".into(),
            last_route: "/Users".into(),
            last_status: 409,
            last_scim_type: Some("uniqueness".into()),
            last_request_id: "r".into(),
        }
    }

    fn traffic(requests: i64, failures: i64) -> Traffic {
        Traffic { requests, client_errors: failures, ..Traffic::default() }
    }

    #[test]
    fn what_stops_everything_comes_first() {
        use Milestone::{Call, Failure, Success};
        let fine = vec![heard(Call, HOUR), heard(Success, HOUR), heard(Failure, 2 * HOUR)];
        let failed = vec![heard(Call, HOUR), heard(Success, 2 * HOUR), heard(Failure, HOUR)];
        let old = vec![heard(Call, 8 * DAY), heard(Success, 8 * DAY)];
        let never = Vec::new();
        type Row<'a> = (bool, bool, &'a [Heard], Traffic, &'a str, Next, &'a str);
        let rows: [Row<'_>; 9] = [
            (true, false, &never, traffic(0, 0), "Not connected", Next::Credential, "no credential yet"),
            (true, false, &fine, traffic(9, 0), "Not connected", Next::Credential, "Last heard 1 hour ago"),
            (false, true, &fine, traffic(9, 9), "Inactive", Next::Activate, "403"),
            (true, true, &never, traffic(0, 0), "Waiting", Next::Connect, "Nobody has called"),
            (
                true,
                true,
                &failed,
                traffic(9, 1),
                "Failing",
                Next::Failures,
                "1 hour ago: 409 uniqueness, POST /Users. Somebody else here has this user name already.",
            ),
            (
                true,
                true,
                &fine,
                traffic(20, 5),
                "Failing",
                Next::Failures,
                "5 of 20 requests in 24 hours failed (25 %)",
            ),
            (true, true, &fine, traffic(100, 5), "Working", Next::Nothing, "Last heard 1 hour ago"),
            (true, true, &fine, traffic(4, 4), "Working", Next::Nothing, "Last heard"),
            (true, true, &old, traffic(0, 0), "Silent", Next::Connect, "Entra ID calls about every 40"),
        ];
        for (active, credential, heard, traffic, word, next, part) in rows {
            let health = Known { active, credential, heard, traffic, now: NOW }.health();
            assert_eq!((health.badge.text.as_str(), health.next), (word, next), "{health:?}");
            assert!(health.text.contains(part), "{health:?}");
        }
    }
}
