//! What a run did and what the server got wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An answer that the identity provider would not accept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Failure {
    /// What was being done: `push group`, `deactivate`, …; in a product's guide with the guide's feature before it.
    pub operation: String,
    /// `POST /Users`.
    pub request: String,
    /// Which requirement the answer broke, and its source (a provider's habit, RFC).
    pub requirement: String,
    /// What came instead, shortened; never holds the credential.
    pub found: String,
}

/// A feature of a product's guide, and where the guide has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feature {
    /// In the guide's own words.
    pub(crate) name: &'static str,
    /// Guide and chapter or step.
    pub(crate) reference: &'static str,
}

impl Feature {
    pub(crate) const fn new(name: &'static str, reference: &'static str) -> Self {
        Self { name, reference }
    }
}

/// What was found about one feature of a product's guide.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FeatureOutcome {
    /// The feature in the guide's own words.
    pub name: String,
    /// Guide and chapter or step.
    pub reference: String,
    /// Requirements that answers met. The mere form of an answer (JSON, its media type) is none of them.
    pub checks: u64,
    /// Requirements that answers broke.
    pub failures: u64,
}

impl FeatureOutcome {
    /// A feature holds when something was checked and nothing failed: one that was never looked at does not.
    pub fn holds(&self) -> bool {
        self.checks > 0 && self.failures == 0
    }
}

/// Counts and failures of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Answers of 429 that were waited out; they are no failures.
    pub rate_limited: u64,
    /// Users that stand in the server as provisioned at the end, active or not.
    pub users: u64,
    /// Groups likewise.
    pub groups: u64,
    /// Operations by name; in a product's guide by the guide's feature.
    pub operations: BTreeMap<String, u64>,
    /// Who is in which group at the end: userNames by the group's name. Product guides only.
    pub memberships: BTreeMap<String, Vec<String>>,
    /// The features of a product's guide in the guide's order, also those that nothing was checked of.
    pub features: Vec<FeatureOutcome>,
    /// What went wrong, in a fixed order (by operation, request, requirement).
    pub failures: Vec<Failure>,
}

/// A [`Report`] that several tasks write to at once.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Report>);

impl Recorder {
    fn report(&self) -> MutexGuard<'_, Report> {
        // Only counts are behind the lock: a panic elsewhere cannot leave them half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn request(&self) {
        self.report().requests += 1;
    }

    pub(crate) fn rate_limited(&self) {
        self.report().rate_limited += 1;
    }

    pub(crate) fn operation(&self, name: &str) {
        *self.report().operations.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn failure(&self, failure: Failure) {
        tracing::debug!(?failure, "answer refused");
        self.report().failures.push(failure);
    }

    /// Features that the run is going to show.
    pub(crate) fn announce(&self, features: &[Feature]) {
        self.report().features.extend(features.iter().map(|feature| FeatureOutcome {
            name: feature.name.to_owned(),
            reference: feature.reference.to_owned(),
            checks: 0,
            failures: 0,
        }));
    }

    /// A requirement was met, or not, while a feature was shown.
    pub(crate) fn checked(&self, feature: Feature, met: bool) {
        let mut report = self.report();
        let shown = report.features.iter_mut().find(|shown| shown.name == feature.name);
        match (shown, met) {
            (Some(shown), true) => shown.checks += 1,
            (Some(shown), false) => shown.failures += 1,
            (None, _) => {}
        }
    }

    pub(crate) fn memberships(&self, memberships: BTreeMap<String, Vec<String>>) {
        self.report().memberships = memberships;
    }

    pub(crate) fn standing(&self, users: u64, groups: u64) {
        let mut report = self.report();
        report.users = users;
        report.groups = groups;
    }

    /// The report so far, its failures in a fixed order whatever the order of the tasks was.
    pub(crate) fn finish(&self) -> Report {
        let mut report = self.report().clone();
        report.failures.sort();
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(operation: &str) -> Failure {
        Failure {
            operation: operation.into(),
            request: "GET /Users".into(),
            requirement: "r".into(),
            found: "f".into(),
        }
    }

    #[test]
    fn counts_add_up_and_failures_come_in_a_fixed_order() {
        let recorder = Recorder::default();
        for name in ["look up", "create", "look up"] {
            recorder.request();
            recorder.operation(name);
        }
        recorder.rate_limited();
        recorder.standing(2, 1);
        recorder.failure(failure("b"));
        recorder.failure(failure("a"));
        let report = recorder.finish();
        assert_eq!((report.requests, report.rate_limited, report.users, report.groups), (3, 1, 2, 1));
        assert_eq!(report.operations["look up"], 2);
        assert_eq!(report.operations["create"], 1);
        assert_eq!(report.failures, [failure("a"), failure("b")]);
    }

    #[test]
    fn a_feature_holds_when_something_was_checked_and_nothing_failed() {
        let features = ["Create", "Update", "Delete"].map(|name| Feature { name, reference: "step 1" });
        let recorder = Recorder::default();
        recorder.announce(&features);
        for (place, met) in [(0, true), (0, true), (1, true), (1, false)] {
            recorder.checked(features[place], met);
        }
        let shown = recorder.finish().features;
        let held: Vec<bool> = shown.iter().map(FeatureOutcome::holds).collect();
        assert_eq!(held, [true, false, false], "the last was never looked at");
        assert_eq!((shown[0].checks, shown[1].failures, shown[0].name.as_str()), (2, 1, "Create"));
    }
}
