//! `rollcall oauth …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use provisioning::Tenant;
use scim_core::{fold, profile::CredentialKind};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::credentials::Credential;
use token_service::NewClient;

use super::{
    allow,
    credentials::{end, expires_in, hand_over, json_row, made, require, state, used},
    output::{self, cells},
};
use crate::{
    cli::Oauth,
    installation::{Installation, cli_context},
    settings::Settings,
};

/// Runs one of the commands for OAuth clients.
pub(super) async fn run(
    installation: &Installation,
    settings: &Settings,
    command: Oauth,
) -> anyhow::Result<ExitCode> {
    match command {
        Oauth::Create { slug, name, expires_in: until, scope, from, json } => {
            let tenant = installation.tenant(&slug).await?;
            require(&tenant, CredentialKind::Oauth)?;
            let now = installation.store.now();
            let expires_at = match until {
                Some(until) => expires_in(&until, now)?,
                None => installation.tokens.longest(tenant.row.credential_days).usual_end(now),
            };
            let new = NewClient { name, scope, expires_at, allowed_from: from.into() };
            let issued = installation.tokens.create_client(tenant.id(), new, &cli_context()).await?;
            let (id, secret) = (&issued.client_id, issued.secret.expose_secret());
            let endpoint = settings.public_url().join("oauth/token")?;
            if json {
                output::json(&json!({
                    "client_id": id,
                    "client_secret": secret,
                    "token_endpoint": endpoint.as_str(),
                    "scope": issued.credential.scope,
                    "expires": time(issued.credential.expires_at),
                }))?;
            } else {
                output::line(format_args!("client_id={id}"));
                output::line(format_args!("client_secret={secret}"));
                output::note(format_args!("Token Endpoint: {endpoint}"));
                hand_over(installation, &tenant);
            }
        }
        Oauth::Allow { slug, name, change } => {
            let tenant = installation.tenant(&slug).await?;
            let live = live(installation, &tenant, &name).await?;
            allow::run(installation, tenant.id(), &[live], &change).await?;
        }
        Oauth::List { slug, json } => list(installation, &slug, json).await?,
        Oauth::Revoke { slug, name } => revoke(installation, &slug, &name).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn client_id(client: &Credential) -> &str {
    client.login.as_deref().unwrap_or_default()
}

fn time(millis: Option<i64>) -> Option<String> {
    millis.map(scim_core::timestamp::to_rfc3339)
}

async fn list(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let longest = installation.tokens.longest(tenant.row.credential_days);
    let mut clients = installation.tokens.list(tenant.id()).await?;
    clients.retain(|client| client.kind == CredentialKind::Oauth);
    if json {
        let rows: Vec<_> = clients
            .iter()
            .map(|client| {
                let mut row = json_row(client, longest, now);
                row["client_id"] = json!(client.login);
                row
            })
            .collect();
        return output::json(&rows);
    }
    let headers = ["name", "client id", "scope", "may come", "state", "created", "expires", "last used"];
    let mut table = output::table(&headers);
    for client in &clients {
        table.add_row(cells![
            &client.name,
            client_id(client),
            &client.scope,
            allow::words(&client.allowed_from),
            state(client, now),
            made(client),
            end(client, longest, now),
            used(client),
        ]);
    }
    table.show();
    Ok(())
}

/// The live client of this name or id.
async fn live(installation: &Installation, tenant: &Tenant, name: &str) -> anyhow::Result<Credential> {
    let (slug, now) = (&tenant.row.slug, installation.store.now());
    let clients = installation.tokens.list(tenant.id()).await?;
    let is_meant = |client: &Credential| {
        client.kind == CredentialKind::Oauth
            && (fold::same(&client.name, name.trim()) || client_id(client) == name.trim())
            && state(client, now) == "live"
    };
    clients.into_iter().find(is_meant).with_context(|| {
        format!("{slug} has no live client named {name:?}; `rollcall oauth list {slug}` shows all")
    })
}

async fn revoke(installation: &Installation, slug: &str, name: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let live = live(installation, &tenant, name).await?;
    if !installation.tokens.revoke(tenant.id(), live.id, &cli_context()).await? {
        bail!("{name:?} was revoked by someone else meanwhile");
    }
    output::line(format_args!("{} ({}) revoked", live.name, client_id(&live)));
    Ok(())
}
