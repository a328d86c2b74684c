//! `rollcall federation …`.

use std::process::ExitCode;

use anyhow::bail;
use scim_core::profile::CredentialKind;
use serde_json::json;
use token_service::federation::NewFederation;

use super::{
    allow,
    credentials::{end, expires_in, json_row, made, require, state, used},
    output::{self, Cell, cells},
};
use crate::{
    cli::Federation,
    installation::{Installation, cli_context},
};

/// Runs one of the commands for an identity provider's own tokens.
pub(super) async fn run(installation: &Installation, command: Federation) -> anyhow::Result<ExitCode> {
    match command {
        Federation::Set { slug, directory, issuer, audience, keys_url, expires_in: until, scope, from } => {
            let now = installation.store.now();
            let expires_at = until.map(|until| expires_in(&until, now)).transpose()?;
            let allowed_from = from.into();
            let new =
                NewFederation { directory, issuer, audience, keys_url, scope, expires_at, allowed_from };
            set(installation, &slug, new).await?;
        }
        Federation::Show { slug, json } => show(installation, &slug, json).await?,
        Federation::Remove { slug } => {
            let tenant = installation.tenant(&slug).await?;
            if !installation.tokens.remove_federation(tenant.id(), &cli_context()).await? {
                bail!("{slug} takes no tokens of an identity provider");
            }
            output::line("removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(installation: &Installation, slug: &str, new: NewFederation) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    require(&tenant, CredentialKind::Bearer)?;
    let set = installation.tokens.set_federation(tenant.id(), new, &cli_context()).await?;
    output::line(set.credential.name);
    if let Err(reason) = set.keys {
        tracing::warn!(
            "set, but the issuer's keys cannot be fetched from here now: {reason}. Nobody gets in with a token until a \
             server can fetch them; check issuer and keys URL"
        );
    }
    Ok(())
}

async fn show(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let found = installation.tokens.federation(tenant.id()).await?;
    let now = installation.store.now();
    let longest = installation.tokens.longest(tenant.row.credential_days);
    if json {
        let shown = found.map(|(credential, federation)| {
            let mut row = json_row(&credential, longest, now);
            row["directory"] = json!(federation.directory);
            row["issuer"] = json!(federation.issuer);
            row["audience"] = json!(federation.audience);
            row["keys_url"] = json!(federation.keys_url);
            row
        });
        return output::json(&shown);
    }
    let Some((credential, federation)) = found else {
        bail!("{slug} takes no tokens of an identity provider; `rollcall federation set {slug}` lets it")
    };
    let keys = federation.keys_url.as_deref().unwrap_or("as the issuer's OpenID configuration says");
    let mut table = output::table(&["", "value"]);
    for (name, value) in [
        ("directory", Cell::from(federation.directory.to_string())),
        ("issuer", Cell::from(&federation.issuer)),
        ("audience", Cell::from(&federation.audience)),
        ("keys", Cell::from(keys)),
        ("scope", Cell::from(&credential.scope)),
        ("may come", Cell::from(allow::words(&credential.allowed_from))),
        ("state", Cell::from(state(&credential, now))),
        ("created", made(&credential)),
        ("expires", end(&credential, longest, now)),
        ("last used", used(&credential)),
    ] {
        table.add_row(cells![name, value]);
    }
    table.show();
    Ok(())
}
