//! `rollcall token …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use provisioning::Tenant;
use scim_core::{fold, profile::CredentialKind};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::{UserId, credentials::Credential};
use token_service::{NewToken, RotationState, expiry, refusals::Refused, scopes};

use super::{
    allow,
    credentials::{end, expires_in, hand_over, json_row, made, require, state, used},
    output::{self, Cell, cells},
    platform_token,
};
use crate::{
    cli::{Token, Whose},
    installation::{Installation, cli_context},
};

/// Runs one of the token commands.
pub(super) async fn run(installation: &Installation, command: Token) -> anyhow::Result<ExitCode> {
    match command {
        Token::Create { slug: None, name, expires_in, scope, from, .. } => {
            platform_token::create(installation, name, expires_in.as_deref(), scope, from.into()).await?;
        }
        Token::Create { slug: Some(slug), name, expires_in: until, scope, user, from, .. } => {
            let tenant = installation.tenant(&slug).await?;
            require(&tenant, CredentialKind::Bearer)?;
            let now = installation.store.now();
            let longest = installation.tokens.longest(tenant.row.credential_days);
            let expires_at = match until {
                Some(until) => expires_in(&until, now)?,
                None => longest.usual_end(now),
            };
            let user = match user {
                Some(user_name) => Some(user_named(installation, &tenant, &user_name).await?),
                None => None,
            };
            let scope = scope.unwrap_or_else(|| scopes::DEFAULT.to_owned());
            let new = NewToken { name, scope, expires_at, user, allowed_from: from.into() };
            let issued = installation.tokens.issue(tenant.id(), new, &cli_context()).await?;
            output::line(issued.token.expose_secret());
            hand_over(installation, &tenant);
        }
        Token::List { slug: None, json, .. } => platform_token::list(installation, json).await?,
        Token::List { slug: Some(slug), json, .. } => list(installation, &slug, json).await?,
        Token::Revoke { named, hint } => match named.whose()? {
            Whose::Tenant { slug, name } => revoke(installation, slug, name, hint.as_deref()).await?,
            Whose::Platform { name } => platform_token::revoke(installation, name, hint.as_deref()).await?,
        },
        Token::Allow { named, hint, change } => match named.whose()? {
            Whose::Tenant { slug, name } => {
                let tenant = installation.tenant(slug).await?;
                let tokens = live(installation, &tenant, name, hint.as_deref()).await?;
                allow::run(installation, tenant.id(), &tokens, &change).await?;
            }
            Whose::Platform { name } => {
                platform_token::allow(installation, name, hint.as_deref(), &change).await?;
            }
        },
        Token::Rotate { named, grace } => match named.whose()? {
            Whose::Tenant { slug, name } => rotate(installation, slug, name, &grace).await?,
            Whose::Platform { name } => platform_token::rotate(installation, name, &grace).await?,
        },
        Token::Refusals { slug, json } => refusals(installation, slug.as_deref(), json).await?,
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
    let longest = installation.tokens.longest(tenant.row.credential_days);
    let credentials = tokens(installation, &tenant).await?;
    let rotations = RotationState::all(&credentials, now);
    if json {
        let rows: Vec<_> = credentials
            .iter()
            .map(|credential| {
                let mut row = json_row(credential, longest, now);
                row["hint"] = json!(credential.hint);
                row["user"] = json!(credential.user);
                row["replaced"] = json!(credential.replaced);
                let has_part = |state: &&RotationState| [state.old.id, state.new.id].contains(&credential.id);
                row["rotation"] = json!(rotations.iter().find(has_part).map(|state| rotation(state, now)));
                row
            })
            .collect();
        return output::json(&rows);
    }
    let headers = ["name", "token", "scope", "may come", "state", "created", "expires", "last used"];
    let mut table = output::table(&headers);
    for credential in &credentials {
        let user = credential.user.map(|user| format!("for user {user}"));
        table.add_row(cells![
            &credential.name,
            format!("…{}", credential.hint),
            Cell::lines([credential.scope.clone()].into_iter().chain(user)),
            allow::words(&credential.allowed_from),
            match state(credential, now) {
                "live" if credential.replaced => "live, rotated".to_owned(),
                state => state.to_owned(),
            },
            made(credential),
            end(credential, longest, now),
            used(credential),
        ]);
    }
    table.show();
    for state in &rotations {
        output::line(format_args!("{}: {}", state.name, state.advice(now)));
    }
    Ok(())
}

fn rotation(state: &RotationState, now: i64) -> Value {
    json!({
        "old": state.old.id, "new": state.new.id, "in_use": state.in_use.word(),
        "safe_to_revoke": state.in_use.safe_to_revoke(), "advice": state.advice(now),
    })
}

/// The live tokens of this name and ending, of which there is at least one.
async fn live(
    installation: &Installation,
    tenant: &Tenant,
    name: &str,
    hint: Option<&str>,
) -> anyhow::Result<Vec<Credential>> {
    let (slug, now) = (&tenant.row.slug, installation.store.now());
    let mut live = tokens(installation, tenant).await?;
    live.retain(|token| {
        fold::same(&token.name, name)
            && state(token, now) == "live"
            && hint.is_none_or(|hint| token.hint == hint.trim_start_matches('…'))
    });
    if live.is_empty() {
        let ending = hint.map(|hint| format!(" that ends with {hint:?}")).unwrap_or_default();
        bail!("{slug} has no live token named {name:?}{ending}; `rollcall token list {slug}` shows all");
    }
    Ok(live)
}

async fn revoke(
    installation: &Installation,
    slug: &str,
    name: &str,
    hint: Option<&str>,
) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    for token in live(installation, &tenant, name, hint).await? {
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

/// What was refused at a tenant's addresses, or at the shared one.
async fn refusals(installation: &Installation, slug: Option<&str>, json: bool) -> anyhow::Result<()> {
    let refused = match slug {
        Some(slug) => {
            let tenant = installation.tenant(slug).await?;
            installation.tokens.refusals(tenant.id(), &tenant.profile.credentials).await?
        }
        None => installation.tokens.shared_refusals().await?,
    };
    if json {
        return output::json(&refused.iter().map(Refused::to_json).collect::<Vec<_>>());
    }
    let mut table = output::table(&["last", "times", "status", "what was wrong, what to do", "sent", "from"]);
    for one in &refused {
        let sent = [one.sent.line(), one.username.clone().unwrap_or_default(), one.base_url.clone()];
        let from = [one.sender.map(|sender| sender.to_string()).unwrap_or_default(), one.agent.clone()];
        table.add_row(cells![
            output::time(Some(one.last_at)),
            one.count.to_string(),
            one.status().to_string(),
            Cell::lines([one.what.as_str(), one.remedy]),
            lines(&sent),
            lines(&from),
        ]);
    }
    table.show();
    Ok(())
}

/// One below the other; what is empty takes no line.
fn lines(texts: &[String]) -> Cell {
    Cell::lines(texts.iter().filter(|text| !text.is_empty()))
}
