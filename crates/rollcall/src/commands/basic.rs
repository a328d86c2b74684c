//! `rollcall basic …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use provisioning::Tenant;
use scim_core::{fold, profile::CredentialKind};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::credentials::Credential;
use token_service::NewBasic;

use super::{
    allow,
    credentials::{end, expires_in, hand_over, json_row, made, require, state, used},
    output::{self, cells},
};
use crate::{
    cli::Basic,
    installation::{Installation, cli_context},
};

/// Runs one of the commands for user names.
pub(super) async fn run(installation: &Installation, command: Basic) -> anyhow::Result<ExitCode> {
    match command {
        Basic::Create { slug, username, name, expires_in: until, scope, from } => {
            let tenant = installation.tenant(&slug).await?;
            require(&tenant, CredentialKind::Basic)?;
            let now = installation.store.now();
            let expires_at = until.map(|until| expires_in(&until, now)).transpose()?;
            let new = NewBasic { username, name, scope, expires_at, allowed_from: from.into() };
            let issued = installation.tokens.create_basic(tenant.id(), new, &cli_context()).await?;
            output::line(issued.password.expose_secret());
            hand_over(installation, &tenant);
        }
        Basic::List { slug, json } => list(installation, &slug, json).await?,
        Basic::Allow { slug, username, change } => {
            let tenant = installation.tenant(&slug).await?;
            let live = live(installation, &tenant, &username).await?;
            allow::run(installation, tenant.id(), &[live], &change).await?;
        }
        Basic::Revoke { slug, username } => revoke(installation, &slug, &username).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn login(credential: &Credential) -> &str {
    credential.login.as_deref().unwrap_or_default()
}

async fn list(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let longest = installation.tokens.longest(tenant.row.credential_days);
    let mut credentials = installation.tokens.list(tenant.id()).await?;
    credentials.retain(|credential| credential.kind == CredentialKind::Basic);
    if json {
        let rows: Vec<_> = credentials
            .iter()
            .map(|credential| {
                let mut row = json_row(credential, longest, now);
                row["username"] = json!(credential.login);
                row
            })
            .collect();
        return output::json(&rows);
    }
    let headers = ["user name", "name", "scope", "may come", "state", "created", "expires", "last used"];
    let mut table = output::table(&headers);
    for credential in &credentials {
        table.add_row(cells![
            login(credential),
            &credential.name,
            &credential.scope,
            allow::words(&credential.allowed_from),
            state(credential, now),
            made(credential),
            end(credential, longest, now),
            used(credential),
        ]);
    }
    table.show();
    Ok(())
}

/// The live credential of a user name.
async fn live(installation: &Installation, tenant: &Tenant, username: &str) -> anyhow::Result<Credential> {
    let (slug, now) = (&tenant.row.slug, installation.store.now());
    let credentials = installation.tokens.list(tenant.id()).await?;
    let is_meant = |credential: &Credential| {
        credential.kind == CredentialKind::Basic
            && fold::same(login(credential), username.trim())
            && state(credential, now) == "live"
    };
    credentials.into_iter().find(is_meant).with_context(|| {
        format!("{slug} has no live user name {username:?}; `rollcall basic list {slug}` shows all")
    })
}

async fn revoke(installation: &Installation, slug: &str, username: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let live = live(installation, &tenant, username).await?;
    if !installation.tokens.revoke(tenant.id(), live.id, &cli_context()).await? {
        bail!("{username:?} was revoked by someone else meanwhile");
    }
    output::line(format_args!("{} revoked", login(&live)));
    Ok(())
}
