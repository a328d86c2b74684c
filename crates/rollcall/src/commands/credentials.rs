//! What the commands for tokens, user names and OAuth clients have in common.

use anyhow::bail;
use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use serde_json::{Value, json};
use store::credentials::Credential;
use token_service::{Longest, expiring, expiry};

use super::output::{self, Cell};
use crate::installation::Installation;

/// Refuses to make what the tenant's profile would not let in, and names what it does.
pub(super) fn require(tenant: &Tenant, kind: CredentialKind) -> anyhow::Result<()> {
    let taken = &tenant.profile.credentials;
    if taken.contains(&kind) {
        return Ok(());
    }
    let (slug, title) = (&tenant.row.slug, &tenant.profile.title);
    let remedy = match taken.first() {
        Some(CredentialKind::Bearer) => format!("make a token: rollcall token create {slug} --name NAME"),
        Some(CredentialKind::Basic) => {
            format!("make a user name and a password: rollcall basic create {slug} --username NAME")
        }
        Some(CredentialKind::Oauth) => format!("make a client: rollcall oauth create {slug} --name NAME"),
        None => "add it to `credentials` in its profile".to_owned(),
    };
    bail!("{slug}: the profile {title} does not sign in with {}; {remedy}", words(kind))
}

fn words(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Bearer => "a bearer token",
        CredentialKind::Basic => "a user name and a password",
        CredentialKind::Oauth => "OAuth client credentials",
    }
}

/// Tells what an identity provider's administrator enters beside a new credential, and what is still missing.
pub(super) fn hand_over(installation: &Installation, tenant: &Tenant) {
    output::note(format_args!("Base URL: {}", tenant.base_url(&installation.public_url)));
    if !tenant.is_active() {
        let slug = &tenant.row.slug;
        output::note(format_args!("{slug} is not active yet; next: rollcall tenant activate {slug}"));
    }
}

/// The instant that `--expires-in` names, in milliseconds.
pub(super) fn expires_in(text: &str, now: i64) -> anyhow::Result<i64> {
    expiry::parse(text, now).map_err(|error| anyhow::anyhow!("--expires-in: {error}"))
}

/// `live`, `expired` or `revoked`, at `now` (milliseconds).
pub(super) fn state(credential: &Credential, now: i64) -> &'static str {
    expiry::state(credential.revoked_at, credential.expires_at, now)
}

/// A credential as JSON, at `now` (milliseconds); its kind adds what it has beside that.
pub(super) fn json_row(credential: &Credential, longest: Longest, now: i64) -> Value {
    let time = |millis: Option<i64>| millis.map(scim_core::timestamp::to_rfc3339);
    let state = state(credential, now);
    let live = state == "live";
    json!({
        "id": credential.id, "name": credential.name, "scope": credential.scope, "state": state,
        "created": time(Some(credential.created_at)), "created_by": credential.created_by,
        "expires": time(credential.expires_at), "revoked": time(credential.revoked_at),
        "last_used": time(credential.last_used_at), "last_used_from": credential.last_used_from,
        "allowed_from": credential.allowed_from.networks, "report_only": credential.allowed_from.report_only,
        "expires_within_days": credential.expires_at.filter(|_| live).and_then(|at| expiring::step(at, now)),
        "exceeds_policy": live && longest.is_exceeded_by(credential),
    })
}

/// When it was made, and by whom, in two lines.
pub(super) fn made(credential: &Credential) -> Cell {
    Cell::lines([output::time(Some(credential.created_at)), format!("by {}", credential.created_by)])
}

/// When it ends, and whether that is longer than is allowed by now.
pub(super) fn end(credential: &Credential, longest: Longest, now: i64) -> Cell {
    let at = output::time(credential.expires_at);
    let too_long = state(credential, now) == "live" && longest.is_exceeded_by(credential);
    let by_how_much = too_long.then(|| format!("longer than {}", longest.lifetime.words()));
    Cell::lines([at].into_iter().chain(by_how_much))
}

/// When it was used last, and from where, in two lines.
pub(super) fn used(credential: &Credential) -> Cell {
    let at = output::time(credential.last_used_at);
    let from = credential.last_used_from.as_deref().filter(|from| !from.is_empty());
    Cell::lines([at].into_iter().chain(from.map(|from| format!("from {from}"))))
}
