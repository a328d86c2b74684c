//! `rollcall destination …`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use delivery::{DestinationChange, NewDestination, NewWay, webhook::NewWebhook};
use scim_core::timestamp::to_rfc3339;
use serde::Serialize;
use serde_json::json;
use store::{
    DestinationId, TenantId,
    destinations::{Delivery, DeliveryQuery, Destination, Fate, REVIVED},
};

use super::output::{self, Cell, cells};
use crate::{
    cli::{Destination as Command, Fate as Wanted},
    installation::{Installation, cli_context},
};

/// Runs one of the commands for destinations.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    let destinations = &installation.destinations;
    match command {
        Command::List { slug, json } => {
            let tenant = tenant_of(installation, slug.as_deref()).await?;
            list(installation, tenant, json).await?;
        }
        Command::Create { slug, url, name, events, after } => {
            let tenant = tenant_of(installation, slug.as_deref()).await?;
            let way = NewWay::Webhook(NewWebhook { url, ..NewWebhook::default() });
            let new = NewDestination { tenant, name, events, after, target: None, way };
            let (_, secret) = destinations.create(new, &cli_context()).await?;
            // A webhook always has one.
            output::line(secret.unwrap_or_default());
        }
        Command::Pause { id } => set_active(installation, &id, false).await?,
        Command::Resume { id } => set_active(installation, &id, true).await?,
        Command::Delete { id } => {
            let found = one(installation, &id).await?;
            destinations.delete(found.id, None, &cli_context()).await?;
            output::line(format_args!("{} deleted", found.name));
        }
        Command::Test { id } => return test(installation, &id).await,
        Command::Replay { id, dead, after, last } => {
            let found = one(installation, &id).await?;
            replay(installation, &found, dead, after.unwrap_or(0), last).await?;
        }
        Command::Deliveries { id, state, limit, json } => {
            let found = one(installation, &id).await?;
            let query = DeliveryQuery { fate: state.map(Fate::from), before: None, limit: limit as usize };
            deliveries(&installation.store.platform().deliveries(found.id, &query).await?, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn tenant_of(installation: &Installation, slug: Option<&str>) -> anyhow::Result<Option<TenantId>> {
    match slug {
        Some(slug) => Ok(Some(installation.tenant(slug).await?.id())),
        None => Ok(None),
    }
}

async fn one(installation: &Installation, id: &str) -> anyhow::Result<Destination> {
    let none = || {
        format!(
            "there is no destination {id:?}; `rollcall destination list [SLUG]` shows them with their ids"
        )
    };
    let id: DestinationId = id.parse().map_err(|()| anyhow::anyhow!(none()))?;
    installation.store.platform().destination(id).await?.with_context(none)
}

async fn set_active(installation: &Installation, id: &str, active: bool) -> anyhow::Result<()> {
    let found = one(installation, id).await?;
    let change = DestinationChange { active: Some(active), ..DestinationChange::default() };
    let changed = installation.destinations.change(found.id, change, &cli_context()).await?;
    output::line(format_args!("{} {}", changed.name, word(changed.state)));
    Ok(())
}

async fn test(installation: &Installation, id: &str) -> anyhow::Result<ExitCode> {
    let found = one(installation, id).await?;
    let answered = |status: Option<u16>| status.map(|status| format!(": {status}")).unwrap_or_default();
    match installation.destinations.test(found.id).await? {
        Ok(status) => {
            output::line(format_args!("{} took it{}", found.name, answered(status)));
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            output::line(format_args!("{} did not take it{}", found.name, answered(refusal.status)));
            output::fault(refusal.problem);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Step by step, as the store does at most so much in one transaction.
async fn replay(
    installation: &Installation,
    destination: &Destination,
    dead: bool,
    after: i64,
    last: Option<i64>,
) -> anyhow::Result<()> {
    let platform = installation.store.platform();
    let last = last.unwrap_or(destination.position);
    if last < after {
        bail!(
            "--last: it has to be after --after; {} was sent events up to place {}",
            destination.name,
            last
        );
    }
    if dead {
        let mut count = 0;
        loop {
            let revived = platform.revive(destination.id, after, last).await?;
            count += revived;
            if revived < REVIVED.unsigned_abs() {
                break;
            }
        }
        let count = usize::try_from(count)?;
        output::line(format_args!("{} sent again", output::counted(count, "event")));
        return Ok(());
    }
    let mut at = after;
    while at < last {
        let done = platform.replay(destination.id, at, last).await?.context("it was deleted meanwhile")?;
        if done <= at {
            break;
        }
        at = done;
    }
    output::line(format_args!("sent again: places {after} to {at}"));
    Ok(())
}

async fn list(installation: &Installation, tenant: Option<TenantId>, json: bool) -> anyhow::Result<()> {
    let platform = installation.store.platform();
    let (mut rows, mut table) = (
        Vec::new(),
        output::table(&[
            "id", "name", "kind", "where to", "events", "state", "waiting", "given up", "problem",
        ]),
    );
    for one in platform.destinations(tenant).await? {
        let waiting = platform.waiting(one.id).await?;
        let events = one.events.as_ref().map_or_else(|| Cell::from("all"), Cell::lines);
        table.add_row(cells![
            one.id.to_string(),
            one.name.clone(),
            word(one.kind),
            one.settings["url"].as_str().unwrap_or_default().to_owned(),
            events,
            word(one.state),
            waiting.open.to_string(),
            waiting.dead.to_string(),
            one.problem.clone().unwrap_or_default(),
        ]);
        rows.push(json!({
            "id": one.id, "kind": one.kind, "name": one.name, "settings": one.settings, "events": one.events,
            "state": one.state, "position": one.position, "missed": one.missed, "waiting": waiting.open,
            "dead": waiting.dead, "waiting_since": waiting.oldest_at.map(to_rfc3339),
            "failing_since": one.failing_since.map(to_rfc3339), "problem": one.problem,
            "created": to_rfc3339(one.created_at), "created_by": one.created_by,
        }));
    }
    if json {
        return output::json(&rows);
    }
    table.show();
    Ok(())
}

fn deliveries(found: &[Delivery], json: bool) -> anyhow::Result<()> {
    if json {
        let row = |one: &Delivery| {
            json!({
                "position": one.position, "tenant": one.tenant, "sequence": one.number, "type": one.event,
                "object": one.object_id, "state": one.fate, "attempts": one.attempts,
                "committed": to_rfc3339(one.numbered_at), "last_attempt": one.tried.map(|(_, last)| to_rfc3339(last)),
                "next_attempt": (one.fate == Fate::Due).then(|| to_rfc3339(one.next_at)),
                "delivered": one.delivered_at.map(to_rfc3339), "status": one.status, "problem": one.problem,
            })
        };
        return output::json(&found.iter().map(row).collect::<Vec<_>>());
    }
    let headers = ["place", "event", "object", "state", "attempts", "last attempt", "status", "problem"];
    let mut table = output::table(&headers);
    for one in found {
        table.add_row([
            one.position.to_string(),
            one.event.clone(),
            one.object_id.clone(),
            word(one.fate),
            one.attempts.to_string(),
            output::time(one.tried.map(|(_, last)| last)),
            one.status.map(|status| status.to_string()).unwrap_or_default(),
            one.problem.clone().unwrap_or_default(),
        ]);
    }
    table.show();
    Ok(())
}

/// As JSON calls it.
fn word(value: impl Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

impl From<Wanted> for Fate {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Behind => Self::Behind,
            Wanted::Due => Self::Due,
            Wanted::Done => Self::Done,
            Wanted::Dead => Self::Dead,
        }
    }
}
