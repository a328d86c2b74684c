//! `rollcall audit`: what happened to the installation.

use std::process::ExitCode;

use serde_json::json;
use store::{ActorKind, audit::Record};

use super::output;
use crate::{
    cli::Audit,
    installation::{self, Migrations},
    settings::Settings,
};

/// Prints the newest entries. The master key is not needed for it, so it can be read when that is lost.
pub(super) async fn run(settings: &Settings, options: &Audit) -> anyhow::Result<ExitCode> {
    let store = installation::open_store(settings, Migrations::IfEmbedded).await?;
    let trail = store.platform().audit(options.object.as_deref(), options.limit).await?;
    store.close().await;
    if options.json {
        output::json(&trail.iter().map(row).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = output::table(&["when", "event", "of", "by"]);
    for record in &trail {
        table.add_row([output::time(Some(record.at)), record.event.clone(), object(record), actor(record)]);
    }
    output::line(table);
    Ok(ExitCode::SUCCESS)
}

fn row(record: &Record) -> serde_json::Value {
    json!({
        "id": record.id, "event": record.event, "object_type": record.object_type, "object_id": record.object_id,
        "object_version": record.object_version, "actor": record.actor, "cause": record.cause,
        "at": scim_core::timestamp::to_rfc3339(record.at), "payload": record.payload,
    })
}

/// Its name for people, if it has one, and its id.
fn object(record: &Record) -> String {
    let state = record.payload.as_ref().map(|payload| &payload["state"]);
    let named = |field: &str| state?[field].as_str();
    match named("name").or_else(|| named("email")) {
        Some(name) => format!("{name}\n{}", record.object_id),
        None => record.object_id.clone(),
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
