//! What the service counts, for whoever has installed a recorder. No label has more than a few values, but for tenants
//! whose credentials end soon, of which there are at most [`MAX_TENANTS`].

use metrics::{counter, describe_counter, describe_gauge, gauge};
use scim_core::profile::CredentialKind;

use crate::{
    Refusal,
    expiring::{STEPS, Survey},
    places::Place,
};

/// Most tenants that have a series of their own.
pub const MAX_TENANTS: usize = 200;

const VERIFICATIONS: &str = "rollcall_credential_verifications_total";
const WARNINGS: &str = "rollcall_credential_expiry_warnings_total";
const EXPIRING: &str = "rollcall_credentials_expiring";
const NEXT_EXPIRY: &str = "rollcall_credential_next_expiry_timestamp_seconds";

/// Says what each of the metrics means; once, after a recorder was installed.
pub fn describe() {
    describe_counter!(
        VERIFICATIONS,
        "Credentials that were checked, by kind (bearer, basic, oauth: clients at /oauth/token) and outcome: accepted, cached (accepted from memory), \
         reported (accepted, from outside networks that only report), or why it was refused"
    );
    describe_counter!(
        WARNINGS,
        "Warnings that a credential ends, by the step that was reached: days before its end"
    );
    describe_gauge!(
        EXPIRING,
        "Live credentials, not yet replaced, that end within so many days (one counts in each step that it has reached)"
    );
    describe_gauge!(
        NEXT_EXPIRY,
        "When the first of a tenant's live credentials ends, as seconds since 1970 UTC; tenants for which that is within \
         60 days, the 200 that are first"
    );
}

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
    counter!(VERIFICATIONS, "kind" => kind, "outcome" => outcome).increment(1);
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
    counter!(WARNINGS, "days" => step.to_string()).increment(1);
}

/// Shows what a round has found.
pub(crate) fn surveyed(survey: &Survey) {
    for (step, count) in STEPS.iter().zip(survey.within) {
        gauge!(EXPIRING, "days" => step.to_string()).set(precise(count));
    }
    for (slug, ends_at) in &survey.next {
        let seconds = u64::try_from(ends_at.div_euclid(1000)).unwrap_or_default();
        gauge!(NEXT_EXPIRY, "tenant" => slug.clone()).set(precise(seconds));
    }
}

/// Exact up to 2^53, which neither counts nor seconds reach.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn precise(number: u64) -> f64 {
    number as f64
}
