//! What the service counts, for whoever has installed a recorder. No label has more than a few values, but for tenants
//! whose credentials end soon, of which there are at most [`MAX_TENANTS`].

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use metrics::{counter, gauge};
use scim_core::profile::CredentialKind;
use telemetry::metrics::{EXPIRING, EXPIRY_WARNINGS, NEXT_EXPIRY, VERIFICATIONS};

use crate::{
    Refusal,
    expiring::{STEPS, Survey},
    places::Place,
};

/// Most tenants that have a series of their own.
pub const MAX_TENANTS: usize = 200;

/// Counts a check: where the credential came from, and whether memory knew it.
pub(crate) fn verified(kind: CredentialKind, outcome: Result<(Place, bool), &Refusal>) {
    let kind = match kind {
        CredentialKind::Bearer => "bearer",
        CredentialKind::Basic => "basic",
        CredentialKind::Oauth => "oauth",
    };
    let outcome = match outcome {
        Ok((Place::Reported, _)) => "reported",
        Ok((Place::Allowed, true)) => "cached",
        Ok((Place::Allowed, false)) => "accepted",
        Err(refusal) => class(refusal),
    };
    counter!(VERIFICATIONS.name, "kind" => kind, "outcome" => outcome).increment(1);
}

fn class(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Foreign => "foreign",
        Refusal::Expired => "expired",
        Refusal::Revoked => "revoked",
        Refusal::Unknown => "unknown",
        Refusal::OfPlatform => "of_platform",
        Refusal::Elsewhere { .. } | Refusal::PlatformElsewhere => "elsewhere",
        Refusal::WrongPassword => "wrong_password",
        Refusal::Busy => "busy",
        Refusal::Unavailable(_) => "unavailable",
    }
}

/// Counts a warning.
pub(crate) fn warned(step: i32) {
    counter!(EXPIRY_WARNINGS.name, "days" => step.to_string()).increment(1);
}

/// Tenants that the last round has shown.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<HashSet<String>>);

impl Shown {
    /// Shows what a round has found. Of a tenant that is none of them any more nothing is known from now on: no comparison
    /// holds for NaN, so that an alert ends at once; the series itself ends when nobody has set it for a while.
    pub(crate) fn show(&self, survey: &Survey) {
        for (step, count) in STEPS.iter().zip(survey.within) {
            gauge!(EXPIRING.name, "days" => step.to_string()).set(precise(count));
        }
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = std::mem::take(&mut *shown);
        for (slug, ends_at) in &survey.next {
            let seconds = u64::try_from(ends_at.div_euclid(1000)).unwrap_or_default();
            gauge!(NEXT_EXPIRY.name, "tenant" => slug.clone()).set(precise(seconds));
            gone.remove(slug);
            shown.insert(slug.clone());
        }
        for slug in gone {
            gauge!(NEXT_EXPIRY.name, "tenant" => slug).set(f64::NAN);
        }
    }
}

/// Exact up to 2^53, which neither counts nor seconds reach.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn a_tenant_that_needs_nobody_any_more_makes_no_alert() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let shown = Shown::default();
        let round = |tenants: &[&str]| {
            let next = tenants.iter().map(|tenant| ((*tenant).to_owned(), 5_000)).collect();
            metrics::with_local_recorder(&recorder, || shown.show(&Survey { next, ..Survey::default() }));
            let text = handle.render();
            let of = |tenant: &str| {
                let name = format!("{}{{tenant=\"{tenant}\"}} ", NEXT_EXPIRY.name);
                text.lines().find_map(|line| line.strip_prefix(&name)).map(str::to_owned)
            };
            (of("acme"), of("beta"))
        };
        let (end, unknown) = (Some("5".to_owned()), Some("NaN".to_owned()));
        assert_eq!(round(&["acme", "beta"]), (end.clone(), end.clone()));
        assert_eq!(round(&["beta"]), (unknown, end.clone()));
        assert_eq!(round(&["acme", "beta"]), (end.clone(), end));
    }
}
