//! `rollcall tenant …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use provisioning::{ProfileSource, configuration::ConfigurationError};
use serde_json::json;
use store::tenants::{DeletedTenant, TenantRow, TenantSettings, TenantStatus};
use token_service::{
    Lifetime,
    lifetime::{Limit, SetBy},
};

use super::{credentials::hand_over, output, profile};
use crate::{
    cli::{Compatibility, Tenant},
    installation::{Installation, cli_context},
};

/// A day, in milliseconds.
const DAY: i64 = 24 * 3_600_000;

/// Rows read at a time.
const PAGE: u64 = 500;

/// Runs one of the tenant commands.
pub(super) async fn run(installation: &Installation, command: Tenant) -> anyhow::Result<ExitCode> {
    match command {
        Tenant::Create { slug, profile, profile_file, name, activate, compatibility } => {
            let compatibility = match compatibility {
                Compatibility::Lenient => "lenient",
                Compatibility::Strict => "strict",
            };
            let text = profile_file.as_deref().map(profile::read).transpose()?;
            let source = text.as_deref().map_or(ProfileSource::Builtin(&profile), ProfileSource::Text);
            let tenant = installation
                .tenants
                .create(&slug, name.as_deref(), source, compatibility, activate, &cli_context())
                .await?;
            output::line(format_args!("{} {}", tenant.row.slug, status(&tenant.row)));
            hand_over(installation, &tenant);
        }
        Tenant::List { deleted: false, json } => list(installation, json).await?,
        Tenant::List { deleted: true, json } => list_deleted(installation, json).await?,
        Tenant::Delete { slug } => {
            let tenant = installation.tenant(&slug).await?;
            installation.tenants.delete(&tenant, &slug, &cli_context()).await?;
            output::line(format_args!(
                "{slug} deleted; `rollcall tenant restore {slug}` brings it back within {}",
                output::counted(installation.tenants.retention_days() as usize, "day")
            ));
        }
        Tenant::Restore { slug } => {
            let found = installation.store.platform().deleted_tenant(&slug).await?;
            let found = found.with_context(|| {
                format!("there is no deleted tenant {slug:?}; `rollcall tenant list --deleted` shows all")
            })?;
            if installation.tenants.restore(found.id, &cli_context()).await?.is_none() {
                bail!("the purge of {slug} has begun, so it cannot be restored any more");
            }
            output::line(format_args!("{slug} inactive"));
        }
        Tenant::Activate { slug } => {
            let tenant = installation.tenant(&slug).await?;
            installation.tenants.activate(&tenant, &cli_context()).await.map_err(|error| match error {
                ConfigurationError::Unfit(text) => {
                    anyhow::anyhow!("{text}: `rollcall tenant set {slug} --organization NAME`")
                }
                other => other.into(),
            })?;
            output::line(format_args!("{slug} active"));
        }
        Tenant::Deactivate { slug } => {
            let tenant = installation.tenant(&slug).await?;
            installation.tenants.deactivate(&tenant, &cli_context()).await?;
            output::line(format_args!("{slug} inactive"));
        }
        Tenant::Set { slug, name, organization, properties, max_token_lifetime, rate_limit } => {
            let properties = properties.into_iter().map(|(name, value)| (name, Some(value))).collect();
            let organization = organization.map(Some);
            let credential_days = max_token_lifetime.map(|Limit(limit)| limit.map(Lifetime::days));
            let rate_limit = rate_limit
                .map(|per_second| (per_second > 0).then(|| i32::try_from(per_second).unwrap_or(i32::MAX)));
            let settings = TenantSettings {
                name,
                organization,
                properties,
                credential_days,
                rate_limit,
                ..TenantSettings::default()
            };
            let tenant = installation.tenant(&slug).await?;
            installation.tenants.configure(&tenant, &settings, &cli_context()).await?;
            show(installation, &*installation.tenant(&slug).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Name, organization, properties (those without a value too), its own limit of requests if it has one, and the limit that
/// holds for new credentials.
fn show(installation: &Installation, tenant: &provisioning::Tenant) {
    let row = &tenant.row;
    output::line(format_args!("name: {}", row.name));
    if tenant.profile.organization.is_some() || row.organization.is_some() {
        output::line(format_args!("organization: {}", row.organization.as_deref().unwrap_or("–")));
    }
    for gate in &tenant.profile.gates {
        let value = row.properties.get(&gate.name).map_or("–", String::as_str);
        output::line(format_args!("{}: {value}", gate.name));
    }
    if let Some(per_second) = row.rate_limit {
        output::line(format_args!("rate-limit: {per_second}"));
    }
    let longest = installation.tokens.longest(row.credential_days);
    let by = match longest.set_by {
        SetBy::Tenant => "",
        SetBy::Platform | SetBy::Nobody => " (this installation's)",
    };
    output::line(format_args!("max-token-lifetime: {}{by}", longest.lifetime));
}

async fn list_deleted(installation: &Installation, json: bool) -> anyhow::Result<()> {
    let platform = installation.store.platform();
    let mut rows = Vec::new();
    loop {
        let page = platform.deleted_tenants(rows.len() as u64, PAGE).await?;
        rows.extend(page.items);
        if !page.more {
            break;
        }
    }
    let until = |row: &DeletedTenant| row.deleted_at + i64::from(installation.tenants.retention_days()) * DAY;
    if json {
        let time = scim_core::timestamp::to_rfc3339;
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "slug": row.slug, "name": row.name, "id": row.id, "deleted": time(row.deleted_at),
                    "deleted_by": row.deleted_by, "restorable": !row.purging, "purged_from": time(until(row)),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table = output::table(&["tenant", "name", "deleted", "by", "purged from"]);
    for row in &rows {
        let purged = if row.purging { "being purged".to_owned() } else { output::time(Some(until(row))) };
        table.add_row([
            row.slug.clone(),
            row.name.clone(),
            output::time(Some(row.deleted_at)),
            row.deleted_by.clone(),
            purged,
        ]);
    }
    table.show();
    Ok(())
}

async fn list(installation: &Installation, json: bool) -> anyhow::Result<()> {
    let platform = installation.store.platform();
    let mut rows = Vec::new();
    loop {
        let page = platform.tenants("", rows.len() as u64, PAGE).await?;
        let done = page.items.is_empty();
        rows.extend(page.items);
        if done || rows.len() as u64 >= page.total {
            break;
        }
    }
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "slug": row.slug, "name": row.name, "profile": row.profile_name, "status": status(row),
                    "compatibility": row.compatibility, "id": row.id,
                    "organization": row.organization, "properties": row.properties,
                    "max_token_lifetime": row.credential_days.map(|days| Lifetime::from_days(days).to_string()),
                    "rate_limit": row.rate_limit,
                    "created": scim_core::timestamp::to_rfc3339(row.created_at),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table = output::table(&["tenant", "name", "profile", "status", "created"]);
    for row in &rows {
        table.add_row([
            &row.slug,
            &row.name,
            &row.profile_name,
            status(row),
            &output::time(Some(row.created_at)),
        ]);
    }
    table.show();
    Ok(())
}

fn status(row: &TenantRow) -> &'static str {
    match row.status {
        TenantStatus::Active => "active",
        TenantStatus::Inactive => "inactive",
    }
}
