//! What was tried, and how it was answered.

use std::collections::BTreeMap;

use scim_core::ScimError;
use serde_json::Value;
use store_testing::Trial;

/// Numbers of one run.
#[derive(Default)]
pub(super) struct Tally {
    bodies: usize,
    operations: BTreeMap<String, usize>,
    /// Taken and written, taken without a change, or the refusal.
    answers: BTreeMap<String, usize>,
    settings: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// A body and what became of it.
    pub(super) fn count(&mut self, setting: &'static str, body: &Value, changed: Result<bool, &ScimError>) {
        self.bodies += 1;
        *self.settings.entry(setting).or_default() += 1;
        let operations = body.get("Operations").or(body.get("operations")).and_then(Value::as_array);
        for operation in operations.into_iter().flatten() {
            let op = operation["op"].as_str().unwrap_or_default().to_lowercase();
            *self.operations.entry(op).or_default() += 1;
        }
        let answer = match changed {
            Ok(true) => "changed".to_owned(),
            Ok(false) => "the same".to_owned(),
            Err(error) => {
                format!("{} {}", error.status, error.scim_type.map_or("", scim_core::ScimType::as_str))
            }
        };
        *self.answers.entry(answer).or_default() += 1;
    }

    /// Adds another one.
    pub(super) fn add(&mut self, other: Self) {
        self.bodies += other.bodies;
        for (into, from) in [(&mut self.operations, other.operations), (&mut self.answers, other.answers)] {
            from.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
        }
        other.settings.into_iter().for_each(|(key, count)| *self.settings.entry(key).or_default() += count);
    }

    /// Bodies so far.
    pub(super) fn bodies(&self) -> usize {
        self.bodies
    }

    /// For people.
    pub(super) fn figures(&self) -> String {
        format!(
            "  bodies      {} on both databases: {:?}\n  operations  {} {:?}\n  answers     {:?}",
            self.bodies,
            self.settings,
            self.operations.values().sum::<usize>(),
            self.operations,
            self.answers,
        )
    }

    /// Was there enough of each answer, in a thousand bodies?
    pub(super) fn check(&self, trial: &Trial, least: &[(&str, usize)]) {
        if !trial.is_full {
            return;
        }
        for (answer, share) in least {
            let count = self.answers.get(*answer).copied().unwrap_or_default();
            assert!(count * 1000 >= self.bodies * share, "too few answers {answer:?}\n{}", self.figures());
        }
    }
}
