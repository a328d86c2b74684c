//! `rollcall audit`: what happened to the installation or to a tenant, and whether the trail is whole.

mod checkpoint;
mod receipt;
mod verify;

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use store::{ActorKind, Store, audit::Record, trail::Trail};

use super::output::{self, Cell, cells};
use crate::{
    cli::{Audit, AuditCommand},
    installation::{self, Migrations},
    settings::Settings,
};

/// Prints the newest entries, or checks. The master key is not needed for it but for checkpoints, so it can be read when that
/// is lost.
pub(super) async fn run(settings: &Settings, options: &Audit) -> anyhow::Result<ExitCode> {
    let store = installation::open_store(settings, Migrations::IfThere).await?;
    if let Some(command) = &options.command {
        let outcome = match command {
            AuditCommand::Verify(options) => verify::run(settings, &store, options).await,
            AuditCommand::Checkpoint(options) => checkpoint::run(settings, &store, options).await,
            AuditCommand::Receipt(options) => receipt::run(settings, &store, options).await,
        };
        store.close().await;
        return outcome;
    }
    let of = options.object.as_deref();
    let trail = match &options.tenant {
        None => store.platform().audit(of, options.limit).await?,
        Some(slug) => scope(&store, slug).await?.audit(of, options.limit).await?,
    };
    store.close().await;
    if options.json {
        output::json(&trail.iter().map(row).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = output::table(&["when", "event", "of", "by"]);
    for record in &trail {
        table.add_row(cells![output::time(Some(record.at)), &record.event, object(record), actor(record)]);
    }
    table.show();
    Ok(ExitCode::SUCCESS)
}

/// The rows of a tenant; of one that was deleted, too, since its trail stays.
async fn scope(store: &Store, slug: &str) -> anyhow::Result<store::TenantScope> {
    let id = store.platform().owner_of_slug(slug).await?;
    let id = id.with_context(|| format!("there is no tenant {slug:?}; `rollcall tenant list` shows all"))?;
    Ok(store.tenant(id))
}

/// The trail of a tenant.
async fn tenant(store: &Store, slug: &str) -> anyhow::Result<Trail> {
    Ok(Trail::Tenant(scope(store, slug).await?))
}

/// A trail that was verified.
pub(super) struct Verified {
    /// Slug, or that it is the installation's.
    pub(super) name: String,
    /// How many entries are what was written.
    pub(super) entries: i64,
    /// What is wrong behind them.
    pub(super) fault: Option<String>,
}

/// Verifies the trail of a tenant.
pub(super) async fn verified(store: &Store, slug: &str) -> anyhow::Result<Verified> {
    verify::quietly(slug, &tenant(store, slug).await?).await
}

/// Verifies all trails.
pub(super) async fn all_verified(store: &Store) -> anyhow::Result<Vec<Verified>> {
    let mut verified = Vec::new();
    let mut trails = verify::Trails::default();
    while let Some((name, trail)) = trails.next(store).await? {
        verified.push(verify::quietly(&name, &trail).await?);
    }
    Ok(verified)
}

fn row(record: &Record) -> serde_json::Value {
    json!({
        "id": record.id, "event": record.event, "object_type": record.object_type, "object_id": record.object_id,
        "object_version": record.object_version, "actor": record.actor, "cause": record.cause,
        "at": scim_core::timestamp::to_rfc3339(record.at), "payload": record.payload,
    })
}

/// Its name for people, if it has one, and its id.
fn object(record: &Record) -> Cell {
    let state = record.payload.as_ref().map(|payload| &payload["state"]);
    let named = |field: &str| state?[field].as_str();
    match ["name", "email", "userName", "displayName"].iter().find_map(|field| named(field)) {
        Some(name) => Cell::lines([name, &record.object_id]),
        None => Cell::from(&record.object_id),
    }
}

fn actor(record: &Record) -> String {
    let name = &record.actor.name;
    match record.actor.kind {
        ActorKind::PlatformToken => format!("platform token {name}"),
        ActorKind::Credential => format!("token {name}"),
        ActorKind::Admin
        | ActorKind::Cli
        | ActorKind::System
        | ActorKind::SetupLink
        | ActorKind::Stranger => name.clone(),
    }
}
