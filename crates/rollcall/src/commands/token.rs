//! `rollcall token …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use provisioning::Tenant;
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::{UserId, credentials::Credential};
use token_service::{NewToken, expiry};

use super::output;
use crate::{
    cli::Token,
    installation::{Installation, cli_context},
};

/// Runs one of the token commands.
pub(super) async fn run(installation: &Installation, command: Token) -> anyhow::Result<ExitCode> {
    match command {
        Token::Create { slug, name, expires_in, scope, user } => {
            let tenant = installation.tenant(&slug).await?;
            let expires_at = expiry::parse(&expires_in, installation.store.now())
                .map_err(|error| anyhow::anyhow!("--expires-in: {error}"))?;
            let user = match user {
                Some(user_name) => Some(user_named(installation, &tenant, &user_name).await?),
                None => None,
            };
            let new = NewToken { name, scope, expires_at, user };
            let issued = installation.tokens.issue(tenant.id(), new, &cli_context()).await?;
            output::line(issued.token.expose_secret());
        }
        Token::List { slug, json } => list(installation, &slug, json).await?,
        Token::Revoke { slug, name } => revoke(installation, &slug, &name).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn user_named(installation: &Installation, tenant: &Tenant, user_name: &str) -> anyhow::Result<UserId> {
    let user = installation.store.tenant(tenant.id()).user_by_name(user_name, false).await?;
    let slug = &tenant.row.slug;
    let user = user.with_context(|| {
        format!("--user: {slug} has no user {user_name:?}; a token is bound to a user who is there already")
    })?;
    Ok(user.id)
}

async fn list(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let credentials = installation.tokens.list(tenant.id()).await?;
    if json {
        let time = |millis: Option<i64>| millis.map(scim_core::timestamp::to_rfc3339);
        let rows: Vec<_> = credentials
            .iter()
            .map(|credential| {
                json!({
                    "id": credential.id, "name": credential.name, "scope": credential.scope,
                    "hint": credential.hint, "state": state(credential, now),
                    "created": time(Some(credential.created_at)), "created_by": credential.created_by,
                    "expires": time(credential.expires_at), "revoked": time(credential.revoked_at),
                    "last_used": time(credential.last_used_at), "last_used_from": credential.last_used_from,
                    "user": credential.user,
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table =
        output::table(&["name", "token", "scope", "user", "state", "created", "expires", "last used"]);
    for credential in &credentials {
        table.add_row([
            credential.name.clone(),
            format!("…{}", credential.hint),
            credential.scope.clone(),
            credential.user.map(|user| user.to_string()).unwrap_or_default(),
            state(credential, now).to_owned(),
            output::time(Some(credential.created_at)),
            output::time(credential.expires_at),
            output::time(credential.last_used_at),
        ]);
    }
    output::line(table);
    Ok(())
}

async fn revoke(installation: &Installation, slug: &str, name: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let credentials = installation.tokens.list(tenant.id()).await?;
    let live = credentials
        .iter()
        .find(|credential| {
            scim_core::fold::same(&credential.name, name) && state(credential, now) != "revoked"
        })
        .with_context(|| {
            format!("{slug} has no live token named {name:?}; `rollcall token list {slug}` shows all")
        })?;
    if !installation.tokens.revoke(tenant.id(), live.id, &cli_context()).await? {
        bail!("{name:?} was revoked by someone else meanwhile");
    }
    output::line(format_args!("{} revoked", live.name));
    Ok(())
}

fn state(credential: &Credential, now: i64) -> &'static str {
    if credential.revoked_at.is_some() {
        "revoked"
    } else if credential.expires_at.is_some_and(|expires_at| expires_at <= now) {
        "expired"
    } else {
        "live"
    }
}
