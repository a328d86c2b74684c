//! `rollcall oauth …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use scim_core::{fold, profile::CredentialKind};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::credentials::Credential;
use token_service::NewClient;

use super::{
    credentials::{expires_in, require, state},
    output,
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
        Oauth::Create { slug, name, expires_in: until, scope, json } => {
            let tenant = installation.tenant(&slug).await?;
            require(&tenant, CredentialKind::Oauth)?;
            let expires_at = expires_in(&until, installation.store.now())?;
            let new = NewClient { name, scope, expires_at, allowed_from: Default::default() };
            let issued = installation.tokens.create_client(tenant.id(), new, &cli_context()).await?;
            let (id, secret) = (&issued.client_id, issued.secret.expose_secret());
            if json {
                output::json(&json!({
                    "client_id": id,
                    "client_secret": secret,
                    "token_endpoint": settings.public_url().join("oauth/token")?.as_str(),
                    "scope": issued.credential.scope,
                    "expires": time(issued.credential.expires_at),
                }))?;
            } else {
                output::line(format_args!("client_id={id}\nclient_secret={secret}"));
            }
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
    let mut clients = installation.tokens.list(tenant.id()).await?;
    clients.retain(|client| client.kind == CredentialKind::Oauth);
    if json {
        let rows: Vec<_> = clients
            .iter()
            .map(|client| {
                json!({
                    "id": client.id, "client_id": client.login, "name": client.name,
                    "scope": client.scope, "state": state(client, now),
                    "created": time(Some(client.created_at)), "created_by": client.created_by,
                    "expires": time(client.expires_at), "revoked": time(client.revoked_at),
                    "last_used": time(client.last_used_at), "last_used_from": client.last_used_from,
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table =
        output::table(&["name", "client id", "scope", "state", "created", "by", "expires", "last used"]);
    for client in &clients {
        table.add_row([
            &client.name,
            client_id(client),
            &client.scope,
            state(client, now),
            &output::time(Some(client.created_at)),
            &client.created_by,
            &output::time(client.expires_at),
            &output::time(client.last_used_at),
        ]);
    }
    output::line(table);
    Ok(())
}

async fn revoke(installation: &Installation, slug: &str, name: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let now = installation.store.now();
    let clients = installation.tokens.list(tenant.id()).await?;
    let is_meant = |client: &&Credential| {
        client.kind == CredentialKind::Oauth
            && (fold::same(&client.name, name.trim()) || client_id(client) == name.trim())
            && state(client, now) == "live"
    };
    let live = clients.iter().find(is_meant).with_context(|| {
        format!("{slug} has no live client named {name:?}; `rollcall oauth list {slug}` shows all")
    })?;
    if !installation.tokens.revoke(tenant.id(), live.id, &cli_context()).await? {
        bail!("{name:?} was revoked by someone else meanwhile");
    }
    output::line(format_args!("{} ({}) revoked", live.name, client_id(live)));
    Ok(())
}
