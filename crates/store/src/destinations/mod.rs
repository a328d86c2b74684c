//! To whom events are sent: what a destination is, and what people do with it. How it gets its events: [`work`]; what became
//! of each: [`letters`]; how soon that was: [`receipts`].
//!
//! A destination may be of the installation, whose events are those of all tenants, so the table is of the installation, too.

mod backlog;
mod letters;
mod receipts;
mod work;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait as _, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    ChangeContext, DestinationId, Platform, StoreError, TenantId,
    entity::destinations,
    error::unreadable,
    record::Event,
    store::Backend,
    tx::PlatformTx,
    words::{self, word},
};

pub use backlog::Backlog;
pub use letters::{COUNTED, Delivery, DeliveryQuery, Fate, REVIVED, Waiting};
pub use receipts::{Delivered, HourOfDelivery, NOTED, Receipt};
pub use work::{Attempt, End, Failing, Hold, Letter, MANY};

/// Destinations of a tenant, or of the installation, at most.
pub const MOST: usize = 20;

/// Key of the advisory lock of whoever makes one that has to be the only one of its name: the bytes `rcdestin`.
const NAMING: i64 = i64::from_be_bytes(*b"rcdestin");

/// In which way events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DestinationKind {
    /// A signed POST for each (Standard Webhooks).
    Webhook,
    /// An entry of a stream of Redis for each.
    RedisStream,
    /// A change of the user's entry in a directory; of a tenant's users alone.
    Ldap,
}

impl DestinationKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::RedisStream, Self::Ldap];

    /// As it is written: `redis-stream`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::RedisStream => "redis-stream",
            Self::Ldap => "ldap",
        }
    }
}

/// Is it sent anything?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DestinationState {
    /// Yes.
    Active,
    /// Not until somebody says so; its events wait.
    Paused,
    /// Likewise, since it has failed for too long.
    Disabled,
}

/// A destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// Id.
    pub id: DestinationId,
    /// Whose events it is sent; `None`: those of all tenants.
    pub tenant: Option<TenantId>,
    /// In which way.
    pub kind: DestinationKind,
    /// For people.
    pub name: String,
    /// What its kind needs to know and may show.
    pub settings: Value,
    /// What it must not show, sealed.
    pub sealed: Vec<u8>,
    /// Names of the events that it is sent; `None`: all.
    pub events: Option<Vec<String>>,
    /// Is it sent anything?
    pub state: DestinationState,
    /// Its events shall be there within so many milliseconds; what comes later is counted.
    pub target: i64,
    /// Counts the changes that somebody made, from 1.
    pub version: i64,
    /// Milliseconds.
    pub created_at: i64,
    /// Who made it: the actor's name.
    pub created_by: String,
    /// Up to this place of the feed it has its deliveries.
    pub position: i64,
    /// Places that the feed had forgotten before it came to them: it waited for too long.
    pub missed: i64,
    /// Since when every attempt has failed, in milliseconds.
    pub failing_since: Option<i64>,
    /// How many have failed since then.
    pub failures: i32,
    /// Why the last attempt failed, or why it was disabled.
    pub problem: Option<String>,
}

/// A new one.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDestination {
    /// See [`Destination`].
    pub id: DestinationId,
    /// See [`Destination`].
    pub tenant: Option<TenantId>,
    /// See [`Destination`].
    pub kind: DestinationKind,
    /// See [`Destination`].
    pub name: String,
    /// See [`Destination`].
    pub settings: Value,
    /// See [`Destination`].
    pub sealed: Vec<u8>,
    /// See [`Destination`].
    pub events: Option<Vec<String>>,
    /// See [`Destination`].
    pub state: DestinationState,
    /// See [`Destination`].
    pub target: i64,
    /// It is sent what comes after this place of the feed; `None`: what happens from now on.
    pub after: Option<i64>,
    /// Only where its tenant, or the installation, has none of this name: [`StoreError::Conflict`] on `name`.
    pub is_unique: bool,
}

/// What changes of one; `None`: it stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationChange {
    /// Of this version alone; of another one it is [`StoreError::Stale`].
    pub version: Option<i64>,
    /// Name.
    pub name: Option<String>,
    /// Settings.
    pub settings: Option<Value>,
    /// What is sealed; its event says that it is new, and not what it is.
    pub sealed: Option<Vec<u8>>,
    /// Events.
    pub events: Option<Option<Vec<String>>>,
    /// Paused, or active.
    pub state: Option<DestinationState>,
    /// Target.
    pub target: Option<i64>,
}

impl Platform {
    /// Makes a destination and moves the epoch; `None` when there are [`MOST`] already. [`StoreError::Conflict`] on `name` where
    /// it has to be the only one of its name. Event `destination.created`, in the trail of its tenant, or of the installation.
    pub async fn create_destination(
        &self,
        new: NewDestination,
        context: &ChangeContext,
    ) -> Result<Option<Destination>, StoreError> {
        let position = match new.after {
            Some(after) => after,
            None => self.feed_ends().await?.last,
        };
        let tx = self.inner.begin_write().await?;
        if new.is_unique {
            // Names may be there twice, so no index refuses one: two who look for one at the same time wait for each other.
            if self.inner.backend == Backend::Postgres {
                let mut sql = self.sql();
                sql.push("SELECT pg_advisory_xact_lock(").bind(NAMING).push(")");
                tx.db.query_one_raw(sql.into_statement()).await?;
            }
            let same = of_tenant(new.tenant).filter(destinations::COLUMN.name.eq(&new.name));
            if same.one(&tx.db).await?.is_some() {
                return Err(StoreError::Conflict { attribute: "name" });
            }
        }
        if of_tenant(new.tenant).limit(MOST as u64).all(&tx.db).await?.len() >= MOST {
            return Ok(None);
        }
        let row = destinations::Model {
            id: new.id.0,
            tenant: new.tenant.map(|tenant| tenant.0),
            kind: word("kind", new.kind)?,
            name: new.name,
            settings: new.settings.to_string(),
            sealed: new.sealed,
            events: names_text(new.events.as_deref()),
            state: word("state", new.state)?,
            version: 1,
            created_at: tx.now,
            created_by: context.actor.name.clone(),
            position,
            missed: 0,
            failing_since: None,
            failures: 0,
            problem: None,
            holder: None,
            held_until: None,
            term: 0,
            target: new.target,
        };
        destinations::Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(&tx.db)
            .await?;
        let made = Destination::try_from(row)?;
        finish(tx, event("destination.created", &made, None, false), &made, context).await?;
        Ok(Some(made))
    }

    /// Those of a tenant, or with `None` of the installation, oldest first.
    pub async fn destinations(&self, tenant: Option<TenantId>) -> Result<Vec<Destination>, StoreError> {
        let rows = of_tenant(tenant).order_by_asc(destinations::Column::Id).all(&self.inner.db).await?;
        rows.into_iter().map(Destination::try_from).collect()
    }

    /// One.
    pub async fn destination(&self, id: DestinationId) -> Result<Option<Destination>, StoreError> {
        let row = destinations::Entity::find_by_id(id.0).one(&self.inner.db).await?;
        row.map(Destination::try_from).transpose()
    }

    /// Changes one and moves the epoch; whoever sends to it goes on with the new terms. One that is active again is tried at
    /// once. Gives it as it is then; `None` when there is none. Event `destination.updated`; none when nothing changes.
    pub async fn change_destination(
        &self,
        id: DestinationId,
        change: DestinationChange,
        context: &ChangeContext,
    ) -> Result<Option<Destination>, StoreError> {
        let tx = self.inner.begin_write().await?;
        let row = destinations::Entity::find_by_id(id.0).lock_exclusive().one(&tx.db).await?;
        let Some(row) = row else { return Ok(None) };
        let before = Destination::try_from(row)?;
        if change.version.is_some_and(|version| version != before.version) {
            return Err(StoreError::Stale);
        }
        let is_resealed = change.sealed.is_some();
        let mut after = before.clone();
        let is_asked_for = change.state == Some(DestinationState::Active);
        let DestinationChange { version: _, name, settings, sealed, events, state, target } = change;
        after.name = name.unwrap_or(after.name);
        after.settings = settings.unwrap_or(after.settings);
        after.sealed = sealed.unwrap_or(after.sealed);
        after.events = events.unwrap_or(after.events);
        after.state = state.unwrap_or(after.state);
        after.target = target.unwrap_or(after.target);
        let is_woken = after.state == DestinationState::Active
            && (is_asked_for || after != before)
            && (before.state != DestinationState::Active || before.failing_since.is_some());
        if after == before && !is_woken {
            return Ok(Some(before));
        }
        after.version += 1;
        if is_woken {
            // Its patience begins anew.
            (after.failing_since, after.failures, after.problem) = (None, 0, None);
        }
        let values = destinations::ActiveModel {
            name: sea_orm::Set(after.name.clone()),
            settings: sea_orm::Set(after.settings.to_string()),
            sealed: sea_orm::Set(after.sealed.clone()),
            events: sea_orm::Set(names_text(after.events.as_deref())),
            state: sea_orm::Set(word("state", after.state)?),
            target: sea_orm::Set(after.target),
            version: sea_orm::Set(after.version),
            failing_since: sea_orm::Set(after.failing_since),
            failures: sea_orm::Set(after.failures),
            problem: sea_orm::Set(after.problem.clone()),
            ..Default::default()
        };
        destinations::Entity::update_many()
            .set(values)
            .filter(destinations::COLUMN.id.eq(id.0))
            .exec(&tx.db)
            .await?;
        if is_woken {
            work::try_all_now(&tx.db, self.inner.backend, id, tx.now).await?;
        }
        let told = event("destination.updated", &after, Some(&before), is_resealed);
        finish(tx, told, &after, context).await?;
        Ok(Some(after))
    }

    /// Removes one and moves the epoch: what it was not sent yet it never is. `false` when there is none. Where a version is
    /// named, of that one alone: [`StoreError::Stale`]. Event `destination.deleted`.
    pub async fn delete_destination(
        &self,
        id: DestinationId,
        version: Option<i64>,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let row = destinations::Entity::find_by_id(id.0).lock_exclusive().one(&tx.db).await?;
        let Some(row) = row else { return Ok(false) };
        let mut before = Destination::try_from(row)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(StoreError::Stale);
        }
        // Its deliveries go with those that have had their time: there may be very many.
        destinations::Entity::delete_by_id(id.0).exec(&tx.db).await?;
        before.version += 1;
        let told = event("destination.deleted", &before, Some(&before), false);
        finish(tx, told, &before, context).await?;
        Ok(true)
    }
}

fn of_tenant(tenant: Option<TenantId>) -> sea_orm::Select<destinations::Entity> {
    let column = destinations::Column::Tenant;
    destinations::Entity::find().filter(match tenant {
        Some(tenant) => column.eq(tenant.0),
        None => column.is_null(),
    })
}

/// Records the event where it belongs, and commits.
async fn finish(
    tx: PlatformTx,
    event: Event,
    destination: &Destination,
    context: &ChangeContext,
) -> Result<(), StoreError> {
    let Some(tenant) = destination.tenant else {
        tx.record(event, context).await?;
        return tx.commit_configuration().await;
    };
    let tx = tx.enter(tenant.0).await?;
    tx.record(vec![event], context).await?;
    tx.commit_configuration().await
}

/// What is told of it goes to the trail and to all who follow the tenant's events: of the settings the server alone, and which
/// of them changed; no problem, in which there may be names of people.
fn event(
    name: &'static str,
    destination: &Destination,
    before: Option<&Destination>,
    is_resealed: bool,
) -> Event {
    let state = |destination: &Destination| {
        json!({
            "id": destination.id,
            "kind": destination.kind,
            "name": destination.name,
            "server": server(&destination.settings),
            "events": destination.events,
            "state": destination.state,
            "target": destination.target,
        })
    };
    let after = (name != "destination.deleted").then(|| state(destination));
    let mut payload = json!({ "state": after, "before": before.map(state) });
    if let Some(before) = before {
        let mut changed = Vec::new();
        push_changed(&before.settings, &destination.settings, "", &mut changed);
        changed.sort();
        if !changed.is_empty() {
            payload["settingsChanged"] = changed.into();
        }
    }
    if is_resealed {
        payload["secretsChanged"] = true.into();
    }
    Event {
        event: name,
        object_type: "Destination",
        object_id: destination.id.to_string(),
        object_version: destination.version,
        live_delta: None,
        payload: payload.into(),
    }
}

/// Of the address what is before its path: the rest holds secrets as often as not.
fn server(settings: &Value) -> Option<&str> {
    let url = settings.get("url")?.as_str()?;
    let host = url.find("://")? + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    Some(&url[..end])
}

/// The names of settings that differ, `ldap.attributes`; of what is further below the name above it.
fn push_changed(before: &Value, after: &Value, above: &str, changed: &mut Vec<String>) {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return };
    for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
        let (old, new) = (&old.get(name), &new.get(name));
        match (old, new) {
            (Some(old), Some(new)) if above.is_empty() && old.is_object() && new.is_object() => {
                push_changed(old, new, &format!("{name}."), changed);
            }
            _ if old != new => changed.push(format!("{above}{name}")),
            _ => {}
        }
    }
}

fn names_text(names: Option<&[String]>) -> Option<String> {
    names.map(|names| json!(names).to_string())
}

impl TryFrom<destinations::Model> for Destination {
    type Error = StoreError;

    fn try_from(row: destinations::Model) -> Result<Self, StoreError> {
        let events = row.events.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Self {
            id: DestinationId(row.id),
            tenant: row.tenant.map(TenantId),
            kind: words::value("destinations.kind", row.kind)?,
            name: row.name,
            settings: serde_json::from_str(&row.settings)
                .map_err(|error| unreadable("destinations.settings", error))?,
            sealed: row.sealed,
            events: events.map_err(|error| unreadable("destinations.events", error))?,
            state: words::value("destinations.state", row.state)?,
            target: row.target,
            version: row.version,
            created_at: row.created_at,
            created_by: row.created_by,
            position: row.position,
            missed: row.missed,
            failing_since: row.failing_since,
            failures: row.failures,
            problem: row.problem,
        })
    }
}
