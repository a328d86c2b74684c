//! `rollcall audit receipt`: what a purge took away, signed.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::Value;
use store::{
    ActorKind, Store, UserId,
    tenants::PurgedRows,
    trail::{Entry, Trail, TrailQuery},
};

use super::{
    checkpoint::{self, Checkpoint, KIND},
    verify::{INSTALLATION, hex, quietly},
};
use crate::{cli::AuditReceipt, commands::output, settings::Settings};

/// What is signed: where the trail tells of the purge, and what it tells. The first part is a checkpoint.
#[derive(Serialize)]
struct Receipt {
    #[serde(flatten)]
    checkpoint: Checkpoint,
    purge: Purge,
}

#[derive(Serialize)]
struct Purge {
    event: String,
    /// `User` or `Tenant`, and its id.
    object_type: String,
    object_id: String,
    /// RFC 3339.
    at: String,
    /// Who did it, and by which request.
    by: By,
    cause: String,
    /// So many rows of each table held something, and do no more.
    rows: Value,
    /// SHA-256 (of a tenant's entry with a salt) of the entry's content, hexadecimal.
    digest: String,
    /// Rows that are left in the tables that a purge empties: none.
    left: u64,
}

#[derive(Serialize)]
struct By {
    kind: ActorKind,
    name: String,
}

/// Looks the purge up, looks whether it has left anything, and signs.
pub(super) async fn run(
    settings: &Settings,
    store: &Store,
    options: &AuditReceipt,
) -> anyhow::Result<ExitCode> {
    let scope = super::scope(store, &options.tenant).await?;
    let user = options
        .user
        .as_deref()
        .map(|id| id.parse::<UserId>().map_err(|()| anyhow::anyhow!("{id:?} is no id")));
    let user = user.transpose()?;
    let (name, trail, entry, left) = match user {
        Some(user) => {
            let trail = Trail::Tenant(scope.clone());
            let entry = told(&trail, "user.purged", &user.to_string()).await?;
            (
                options.tenant.as_str(),
                trail,
                entry.with_context(|| no_user(user))?,
                scope.left_of_user(user).await?,
            )
        }
        None => {
            let trail = Trail::Installation(store.platform());
            let entry = told(&trail, "tenant.purged", &scope.id().to_string()).await?;
            let entry = entry.with_context(|| {
                format!("the trail tells of no purge of {}: it is deleted first, and purged when its retention is over", options.tenant)
            })?;
            (INSTALLATION, trail, entry, scope.left().await?)
        }
    };
    if !left.is_empty() {
        bail!("rows are left: {}. There is no receipt for that", tables(&left));
    }
    let verified = quietly(name, &trail).await?;
    if let Some(fault) = verified.fault {
        bail!("the trail that tells of it is not whole, so nothing was signed. {fault}");
    }
    let iss = store.platform().installation_id().await?.to_string();
    let sub = if user.is_some() { scope.id().to_string() } else { iss.clone() };
    let checkpoint = Checkpoint {
        iss,
        sub,
        trail: name.to_owned(),
        entries: entry.number,
        head: hex(&entry.chain),
        iat: store.now().div_euclid(1000),
    };
    let receipt = Receipt { checkpoint, purge: purge(entry, &left) };
    if options.json {
        output::json(&receipt)?;
        return Ok(ExitCode::SUCCESS);
    }
    let signed = checkpoint::vault(settings, store).await?.sign_statement(KIND, &receipt)?;
    checkpoint::put(&(signed + "\n"), options.output.as_deref(), "receipt")?;
    Ok(ExitCode::SUCCESS)
}

fn no_user(user: UserId) -> String {
    format!(
        "the trail tells of no purge of a user {user}; what was done a moment ago has its number within a second"
    )
}

/// The newest entry of an event about an object.
async fn told(trail: &Trail, event: &str, id: &str) -> anyhow::Result<Option<Entry>> {
    let mut query = TrailQuery {
        event: Some(event.to_owned()),
        object_id: Some(id.to_owned()),
        limit: 1,
        ..TrailQuery::default()
    };
    loop {
        let page = trail.page(&query).await?;
        if let Some(entry) = page.items.into_iter().next() {
            return Ok(Some(entry));
        }
        query.before = page.next;
        if query.before.is_none() {
            return Ok(None);
        }
    }
}

fn purge(entry: Entry, left: &PurgedRows) -> Purge {
    let record = entry.record;
    let payload = record.payload.unwrap_or_default();
    let rows = [&payload["rows"], &payload["state"]["tables"]].into_iter().find(|rows| rows.is_object());
    Purge {
        event: record.event,
        object_type: record.object_type,
        object_id: record.object_id,
        at: scim_core::timestamp::to_rfc3339(record.at),
        by: By { kind: record.actor.kind, name: record.actor.name },
        cause: record.cause,
        rows: rows.cloned().unwrap_or_default(),
        digest: hex(&entry.digest),
        left: left.values().sum(),
    }
}

fn tables(rows: &PurgedRows) -> String {
    let told: Vec<String> = rows.iter().map(|(table, rows)| format!("{rows} in {table}")).collect();
    told.join(", ")
}
