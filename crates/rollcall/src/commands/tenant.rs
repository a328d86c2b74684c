//! `rollcall tenant …`.

use std::process::ExitCode;

use serde_json::json;
use store::tenants::{TenantRow, TenantStatus};

use super::output;
use crate::{
    cli::{Compatibility, Tenant},
    installation::{Installation, cli_context},
};

/// Rows read at a time.
const PAGE: u64 = 500;

/// Runs one of the tenant commands.
pub(super) async fn run(installation: &Installation, command: Tenant) -> anyhow::Result<ExitCode> {
    match command {
        Tenant::Create { slug, profile, name, activate, compatibility } => {
            let compatibility = match compatibility {
                Compatibility::Lenient => "lenient",
                Compatibility::Strict => "strict",
            };
            let tenant = installation
                .tenants
                .create(&slug, name.as_deref(), &profile, compatibility, activate, &cli_context())
                .await?;
            output::line(format_args!("{} {}", tenant.row.slug, status(&tenant.row)));
        }
        Tenant::List { json } => list(installation, json).await?,
        Tenant::Activate { slug } => set_status(installation, &slug, TenantStatus::Active).await?,
        Tenant::Deactivate { slug } => set_status(installation, &slug, TenantStatus::Inactive).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn set_status(installation: &Installation, slug: &str, new: TenantStatus) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    installation.store.platform().set_tenant_status(tenant.id(), new, &cli_context()).await?;
    output::line(format_args!("{slug} {}", status(&TenantRow { status: new, ..tenant.row.clone() })));
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
    output::line(table);
    Ok(())
}

fn status(row: &TenantRow) -> &'static str {
    match row.status {
        TenantStatus::Active => "active",
        TenantStatus::Inactive => "inactive",
    }
}
