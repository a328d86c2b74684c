//! `rollcall basic …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use scim_core::{fold, profile::CredentialKind};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::credentials::Credential;
use token_service::NewBasic;

use super::{
    credentials::{expires_in, require, state},
    output,
};
use crate::{
    cli::Basic,
    installation::{Installation, cli_context},
};

/// Runs one of the commands for user names.
pub(super) async fn run(installation: &Installation, command: Basic) -> anyhow::Result<ExitCode> {
    match command {
        Basic::Create { slug, username, name, expires_in: until, scope } => {
            let tenant = installation.tenant(&slug).await?;
            require(&tenant, CredentialKind::Basic)?;
            let now = installation.store.now();
            let expires_at = until.map(|until| expires_in(&until, now)).transpose()?;
            let new = NewBasic { username, name, scope, expires_at, allowed_from: Default::default() };
            let issued = installation.tokens.create_basic(tenant.id(), new, &cli_context()).await?;
            output::line(issued.password.expose_secret());
        }
        Basic::List { slug, json } => list(installation, &slug, json).await?,
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
    let mut credentials = installation.tokens.list(tenant.id()).await?;
    credentials.retain(|credential| credential.kind == CredentialKind::Basic);
    if json {
        let time = |millis: Option<i64>| millis.map(scim_core::timestamp::to_rfc3339);
        let rows: Vec<_> = credentials
            .iter()
            .map(|credential| {
                json!({
                    "id": credential.id, "username": credential.login, "name": credential.name,
                    "scope": credential.scope, "state": state(credential, now),
                    "created": time(Some(credential.created_at)), "created_by": credential.created_by,
                    "expires": time(credential.expires_at), "revoked": time(credential.revoked_at),
                    "last_used": time(credential.last_used_at), "last_used_from": credential.last_used_from,
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table =
        output::table(&["user name", "name", "scope", "state", "created", "by", "expires", "last used"]);
    for credential in &credentials {
        table.add_row([
            login(credential),
            &credential.name,
            &credential.scope,
            state(credential, now),
            &output::time(Some(credential.created_at)),
            &credential.created_by,
            &output::time(credential.expires_at),
            &output::time(credential.last_used_at),
        ]);
    }
    output::line(table);
    Ok(())
}

async fn revoke(installation: &Installation, slug: &str, username: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let credentials = installation.tokens.list(tenant.id()).await?;
    let is_meant = |credential: &&Credential| {
        credential.kind == CredentialKind::Basic
            && fold::same(login(credential), username.trim())
            && state(credential, now) == "live"
    };
    let live = credentials.iter().find(is_meant).with_context(|| {
        format!("{slug} has no live user name {username:?}; `rollcall basic list {slug}` shows all")
    })?;
    if !installation.tokens.revoke(tenant.id(), live.id, &cli_context()).await? {
        bail!("{username:?} was revoked by someone else meanwhile");
    }
    output::line(format_args!("{} revoked", login(live)));
    Ok(())
}
