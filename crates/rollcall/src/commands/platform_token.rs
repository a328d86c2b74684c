//! `rollcall token … --platform`.

use anyhow::{Context as _, bail};
use scim_core::fold;
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::{credentials::AllowedFrom, platform_tokens::PlatformToken};
use token_service::{Networks, NewPlatformToken, expiry, scopes};

use super::{allow::words, credentials::expires_in, output};
use crate::{
    cli::places::Change,
    installation::{Installation, cli_context},
};

/// Makes a token and prints it alone.
pub(super) async fn create(
    installation: &Installation,
    name: String,
    until: Option<&str>,
    scope: Option<String>,
    allowed_from: AllowedFrom,
) -> anyhow::Result<()> {
    let now = installation.store.now();
    let expires_at = match until {
        Some(until) => expires_in(until, now)?,
        None => installation.tokens.longest(None).usual_end(now),
    };
    let scope = scope.unwrap_or_else(|| scopes::DEFAULT_PLATFORM.to_owned());
    let new = NewPlatformToken { name, scope, expires_at, allowed_from };
    let issued = installation.tokens.issue_platform(new, &cli_context()).await?;
    output::line(issued.token.expose_secret());
    Ok(())
}

/// All tokens of the installation.
pub(super) async fn list(installation: &Installation, json: bool) -> anyhow::Result<()> {
    let now = installation.store.now();
    let tokens = installation.tokens.platform_tokens().await?;
    if json {
        let time = |millis: Option<i64>| millis.map(scim_core::timestamp::to_rfc3339);
        let rows: Vec<_> = tokens
            .iter()
            .map(|token| {
                json!({
                    "id": token.id, "name": token.name, "scope": token.scope, "hint": token.hint,
                    "state": state(token, now), "created": time(Some(token.created_at)),
                    "created_by": token.created_by, "expires": time(Some(token.expires_at)),
                    "revoked": time(token.revoked_at), "last_used": time(token.last_used_at),
                    "last_used_from": token.last_used_from, "replaced": token.replaced,
                    "allowed_from": token.allowed_from.networks,
                    "report_only": token.allowed_from.report_only,
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table =
        output::table(&["name", "token", "scope", "from", "state", "created", "expires", "last used"]);
    for token in &tokens {
        table.add_row([
            token.name.clone(),
            format!("…{}", token.hint),
            token.scope.clone(),
            origin(&token.allowed_from),
            match state(token, now) {
                "live" if token.replaced => "live, rotated".to_owned(),
                state => state.to_owned(),
            },
            output::time(Some(token.created_at)),
            output::time(Some(token.expires_at)),
            output::time(token.last_used_at),
        ]);
    }
    table.show();
    Ok(())
}

/// Revokes what is live of this name, and ends with `hint` if one is given.
pub(super) async fn revoke(
    installation: &Installation,
    name: &str,
    hint: Option<&str>,
) -> anyhow::Result<()> {
    for token in ending(installation, name, hint).await? {
        if !installation.tokens.revoke_platform(token.id, &cli_context()).await? {
            bail!("{:?} (…{}) was revoked by someone else meanwhile", token.name, token.hint);
        }
        output::line(format_args!("{} (…{}) revoked", token.name, token.hint));
    }
    Ok(())
}

/// Changes the networks of what is live of this name, and ends with `hint` if one is given; tells what they are now.
pub(super) async fn allow(
    installation: &Installation,
    name: &str,
    hint: Option<&str>,
    change: &Change,
) -> anyhow::Result<()> {
    for token in ending(installation, name, hint).await? {
        let shown = format!("{} (…{})", token.name, token.hint);
        let allowed = change.of(&token.allowed_from).map_err(anyhow::Error::msg).context(shown.clone())?;
        let changed = installation.tokens.allow_platform_from(token.id, &allowed, &cli_context()).await?;
        output::line(format_args!("{shown} {}", words(&changed.allowed_from)));
    }
    Ok(())
}

/// The newest live token of this name makes way for another one, which is printed alone.
pub(super) async fn rotate(installation: &Installation, name: &str, grace: &str) -> anyhow::Result<()> {
    let grace = expiry::grace(grace).map_err(|error| anyhow::anyhow!("--{error}"))?;
    let live = live(installation, name).await?;
    let old = live.first().with_context(|| {
        format!("no live platform token is named {name:?}; `rollcall token list --platform` shows all")
    })?;
    let rotated = installation.tokens.rotate_platform(old.id, grace, &cli_context()).await?;
    output::line(rotated.issued.token.expose_secret());
    Ok(())
}

/// What is live of this name, newest first.
async fn live(installation: &Installation, name: &str) -> anyhow::Result<Vec<PlatformToken>> {
    let now = installation.store.now();
    let mut tokens = installation.tokens.platform_tokens().await?;
    tokens.retain(|token| fold::same(&token.name, name) && state(token, now) == "live");
    Ok(tokens)
}

/// What is live of this name, and ends with `hint` if one is given: at least one.
async fn ending(
    installation: &Installation,
    name: &str,
    hint: Option<&str>,
) -> anyhow::Result<Vec<PlatformToken>> {
    let mut live = live(installation, name).await?;
    live.retain(|token| hint.is_none_or(|hint| token.hint == hint.trim_start_matches('…')));
    if live.is_empty() {
        let ending = hint.map(|hint| format!(" that ends with {hint:?}")).unwrap_or_default();
        bail!("no live platform token is named {name:?}{ending}; `rollcall token list --platform` shows all");
    }
    Ok(live)
}

fn origin(allowed: &AllowedFrom) -> String {
    let networks = Networks(allowed.networks.clone()).to_string();
    match networks.as_str() {
        "" => "anywhere".to_owned(),
        _ if allowed.report_only => format!("{networks} (report only)"),
        _ => networks,
    }
}

fn state(token: &PlatformToken, now: i64) -> &'static str {
    expiry::state(token.revoked_at, Some(token.expires_at), now)
}
