//! What the commands for tokens and for user names have in common.

use anyhow::bail;
use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use store::credentials::Credential;
use token_service::expiry;

/// Refuses to make what the tenant's profile would not let in, and names what it does.
pub(super) fn require(tenant: &Tenant, kind: CredentialKind) -> anyhow::Result<()> {
    let taken = &tenant.profile.credentials;
    if taken.contains(&kind) {
        return Ok(());
    }
    let (slug, title) = (&tenant.row.slug, &tenant.profile.title);
    let remedy = match taken.iter().find(|kind| **kind != CredentialKind::Oauth) {
        Some(CredentialKind::Bearer) => format!("make a token: rollcall token create {slug} --name NAME"),
        Some(CredentialKind::Basic) => {
            format!("make a user name and a password: rollcall basic create {slug} --username NAME")
        }
        _ => "add it to `credentials` in its profile".to_owned(),
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

/// The instant that `--expires-in` names, in milliseconds.
pub(super) fn expires_in(text: &str, now: i64) -> anyhow::Result<i64> {
    expiry::parse(text, now).map_err(|error| anyhow::anyhow!("--expires-in: {error}"))
}

/// `live`, `expired` or `revoked`, at `now` (milliseconds).
pub(super) fn state(credential: &Credential, now: i64) -> &'static str {
    expiry::state(credential.revoked_at, credential.expires_at, now)
}
