//! `rollcall token …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use provisioning::Tenant;
use scim_core::{fold, profile::CredentialKind};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::{
    UserId,
    credentials::{AllowedFrom, Credential},
};
use token_service::{NewToken, expiry, scopes};

use super::{
    credentials::{expires_in, require, state},
    output, platform_token,
};
use crate::{
    cli::{Token, Whose},
    installation::{Installation, cli_context},
};

/// Runs one of the token commands.
pub(super) async fn run(installation: &Installation, command: Token) -> anyhow::Result<ExitCode> {
    match command {
        Token::Create { slug: None, name, expires_in, scope, allow_from, report_only, .. } => {
            let allowed_from = AllowedFrom { networks: allow_from.unwrap_or_default().0, report_only };
            platform_token::create(installation, name, &expires_in, scope, allowed_from).await?;
        }
        Token::Create { slug: Some(slug), name, expires_in: until, scope, user, .. } => {
            let tenant = installation.tenant(&slug).await?;
            require(&tenant, CredentialKind::Bearer)?;
            let expires_at = expires_in(&until, installation.store.now())?;
            let user = match user {
                Some(user_name) => Some(user_named(installation, &tenant, &user_name).await?),
                None => None,
            };
            let scope = scope.unwrap_or_else(|| scopes::DEFAULT.to_owned());
            let new = NewToken { name, scope, expires_at, user, allowed_from: Default::default() };
            let issued = installation.tokens.issue(tenant.id(), new, &cli_context()).await?;
            output::line(issued.token.expose_secret());
        }
        Token::List { slug: None, json, .. } => platform_token::list(installation, json).await?,
        Token::List { slug: Some(slug), json, .. } => list(installation, &slug, json).await?,
        Token::Revoke { named, hint } => match named.whose()? {
            Whose::Tenant { slug, name } => revoke(installation, slug, name, hint.as_deref()).await?,
            Whose::Platform { name } => platform_token::revoke(installation, name, hint.as_deref()).await?,
        },
        Token::Rotate { named, grace } => match named.whose()? {
            Whose::Tenant { slug, name } => rotate(installation, slug, name, &grace).await?,
            Whose::Platform { name } => platform_token::rotate(installation, name, &grace).await?,
        },
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

/// The tenant's tokens, newest first.
async fn tokens(installation: &Installation, tenant: &Tenant) -> anyhow::Result<Vec<Credential>> {
    let mut credentials = installation.tokens.list(tenant.id()).await?;
    credentials.retain(|credential| credential.kind == CredentialKind::Bearer);
    Ok(credentials)
}

async fn list(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let credentials = tokens(installation, &tenant).await?;
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
                    "user": credential.user, "replaced": credential.replaced,
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
            match state(credential, now) {
                "live" if credential.replaced => "live, rotated".to_owned(),
                state => state.to_owned(),
            },
            output::time(Some(credential.created_at)),
            output::time(credential.expires_at),
            output::time(credential.last_used_at),
        ]);
    }
    output::line(table);
    Ok(())
}

async fn revoke(
    installation: &Installation,
    slug: &str,
    name: &str,
    hint: Option<&str>,
) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let mut live = tokens(installation, &tenant).await?;
    live.retain(|token| {
        fold::same(&token.name, name)
            && state(token, now) == "live"
            && hint.is_none_or(|hint| token.hint == hint.trim_start_matches('…'))
    });
    if live.is_empty() {
        let ending = hint.map(|hint| format!(" that ends with {hint:?}")).unwrap_or_default();
        bail!("{slug} has no live token named {name:?}{ending}; `rollcall token list {slug}` shows all");
    }
    for token in live {
        if !installation.tokens.revoke(tenant.id(), token.id, &cli_context()).await? {
            bail!("{:?} (…{}) was revoked by someone else meanwhile", token.name, token.hint);
        }
        output::line(format_args!("{} (…{}) revoked", token.name, token.hint));
    }
    Ok(())
}

/// The newest live token of this name makes way for another one.
async fn rotate(installation: &Installation, slug: &str, name: &str, grace: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    require(&tenant, CredentialKind::Bearer)?;
    let grace = expiry::grace(grace).map_err(|error| anyhow::anyhow!("--{error}"))?;
    let now = installation.store.now();
    let tokens = tokens(installation, &tenant).await?;
    let is_meant = |token: &&Credential| fold::same(&token.name, name) && state(token, now) == "live";
    let old = tokens.iter().find(is_meant).with_context(|| {
        format!("{slug} has no live token named {name:?}; `rollcall token list {slug}` shows all")
    })?;
    let rotated = installation.tokens.rotate(tenant.id(), old.id, grace, &cli_context()).await?;
    output::line(rotated.issued.token.expose_secret());
    Ok(())
}
