//! What the service counts, for whoever has installed a recorder. No label has more than a few values, but for tenants
//! whose credentials end soon, of which there are at most [`MAX_TENANTS`].

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

/// Shows what a round has found.
pub(crate) fn surveyed(survey: &Survey) {
    for (step, count) in STEPS.iter().zip(survey.within) {
        gauge!(EXPIRING.name, "days" => step.to_string()).set(precise(count));
    }
    for (slug, ends_at) in &survey.next {
        let seconds = u64::try_from(ends_at.div_euclid(1000)).unwrap_or_default();
        gauge!(NEXT_EXPIRY.name, "tenant" => slug.clone()).set(precise(seconds));
    }
}

/// Exact up to 2^53, which neither counts nor seconds reach.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn precise(number: u64) -> f64 {
    number as f64
}
