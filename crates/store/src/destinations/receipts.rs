//! How soon events were with their destinations, and which of them the receivers say are done: counted by the hour, and told
//! of each event of an object.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, QueryResult};
use serde_json::json;
use uuid::Uuid;

use super::{Attempt, Destination, End, Fate};
use crate::{
    DestinationId, Platform, StoreError, TenantId, TenantScope,
    activity::{HOUR, hour_of},
    outgoing::Transaction,
    statement::Sql,
    words,
};

/// Events that are noted as done at once, at most.
pub const NOTED: usize = 500;

/// Deliveries, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Taken.
    pub delivered: i64,
    /// Of these, later than the destination's target.
    pub late: i64,
    /// Given up.
    pub dead: i64,
    /// Said by the receiver to be done.
    pub applied: i64,
    /// Of these, later than the target.
    pub applied_late: i64,
}

impl Delivered {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.late += other.late;
        self.dead += other.dead;
        self.applied += other.applied;
        self.applied_late += other.applied_late;
    }

    /// All whose delivery has ended.
    #[must_use]
    pub fn ended(&self) -> i64 {
        self.delivered + self.dead
    }

    /// Those that were not there in time.
    #[must_use]
    pub fn missed(&self) -> i64 {
        self.late + self.dead
    }
}

/// One hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourOfDelivery {
    /// Its beginning, in milliseconds. An event is counted in the hour in which it got its number.
    pub hour: i64,
    /// What was counted.
    pub counts: Delivered,
}

/// What became of an event at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The event's id.
    pub event: Uuid,
    /// To whom.
    pub destination: DestinationId,
    /// What people call it; empty where it is no more.
    pub name: String,
    /// Where it stands.
    pub fate: Fate,
    /// Why the last attempt failed.
    pub problem: Option<String>,
    /// When it was first delivered, in milliseconds.
    pub delivered_at: Option<i64>,
    /// When the receiver said that it is done, in milliseconds.
    pub applied_at: Option<i64>,
}

const HOURS: &str = "SELECT h.hour, CAST(SUM(h.delivered) AS bigint), CAST(SUM(h.late) AS bigint), CAST(SUM(h.dead) AS bigint), \
     CAST(SUM(h.applied) AS bigint), CAST(SUM(h.applied_late) AS bigint) FROM delivery_hours h WHERE ";

const INTO_HOURS: &str =
    "INSERT INTO delivery_hours (tenant, hour, destination, delivered, late, dead, applied, applied_late) ";

const ADDED: &str = " ON CONFLICT (tenant, hour, destination) DO UPDATE SET delivered = delivery_hours.delivered + excluded.delivered, \
     late = delivery_hours.late + excluded.late, dead = delivery_hours.dead + excluded.dead, \
     applied = delivery_hours.applied + excluded.applied, \
     applied_late = delivery_hours.applied_late + excluded.applied_late";

impl TenantScope {
    /// How soon the tenant's events were with all who are sent them, from one time to before another (milliseconds), oldest
    /// hour first. Hours without any are missing.
    pub async fn delivery_hours(&self, from: i64, until: i64) -> Result<Vec<HourOfDelivery>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, self.tenant);
        sql.push(HOURS).push("h.tenant = ").tenant();
        sql.add(
            " AND h.hour >= ? AND h.hour < ? GROUP BY h.hour ORDER BY h.hour",
            [from.into(), until.into()],
        );
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(hour).collect()
    }

    /// What became of these events (by their ids) about an object, the last event first.
    pub async fn receipts(&self, object_id: &str, events: &[Uuid]) -> Result<Vec<Receipt>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push(
            "SELECT o.id, d.destination, x.name, d.state, d.problem, d.delivered_at, d.applied_at FROM deliveries d \
             JOIN outbox o ON o.tenant_id = d.tenant AND o.seq = d.seq LEFT JOIN destinations x ON x.id = d.destination \
             WHERE d.tenant = ",
        );
        sql.tenant().push(" AND d.object_id = ").bind(object_id);
        sql.push(" AND o.id IN ").ids(events).push(" ORDER BY d.position DESC, d.destination");
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(receipt).collect()
    }
}

impl Platform {
    /// How soon a destination had its events, as [`TenantScope::delivery_hours`] tells of a tenant.
    pub async fn delivery_hours_of(
        &self,
        id: DestinationId,
        from: i64,
        until: i64,
    ) -> Result<Vec<HourOfDelivery>, StoreError> {
        let mut sql = self.sql();
        sql.push(HOURS).push("h.destination = ").bind(id.0);
        sql.add(
            " AND h.hour >= ? AND h.hour < ? GROUP BY h.hour ORDER BY h.hour",
            [from.into(), until.into()],
        );
        self.all(sql).await?.iter().map(hour).collect()
    }

    /// Notes that the receiver has done what events said, now; gives how many of them were new. Those that it cannot have been
    /// sent stay as they are, and with a tenant so do those of others. At most [`NOTED`].
    pub async fn note_applied(
        &self,
        destination: &Destination,
        tenant: Option<TenantId>,
        positions: &[i64],
    ) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        // Whoever settles locks it first, too: nobody waits for each other.
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM destinations WHERE id = ").bind(destination.id.0);
        sql.dialect(" FOR NO KEY UPDATE", "");
        if tx.db.query_one_raw(sql.into_statement()).await?.is_none() {
            return Ok(0);
        }
        let mut sql = self.sql();
        sql.push("UPDATE deliveries SET applied_at = ").bind(tx.now);
        sql.push(" WHERE destination = ").bind(destination.id.0);
        if let Some(tenant) = tenant {
            sql.push(" AND tenant = ").bind(tenant.0);
        }
        sql.push(
            " AND applied_at IS NULL AND (state <> 'behind' OR delivered_at IS NOT NULL) AND position IN ",
        )
        .numbers(positions);
        sql.push(" RETURNING tenant, numbered_at");
        let rows = tx.db.query_all_raw(sql.into_statement()).await?;
        let mut counts: BTreeMap<(Uuid, i64), Delivered> = BTreeMap::new();
        for row in &rows {
            let (tenant, numbered_at): (Uuid, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let is_late = tx.now - numbered_at > destination.target;
            let one = Delivered { applied: 1, applied_late: i64::from(is_late), ..Delivered::default() };
            counts.entry((tenant, hour_of(numbered_at))).or_default().add(&one);
        }
        for ((tenant, hour), counts) in counts {
            let mut sql = self.sql();
            sql.push(INTO_HOURS).push("VALUES (").bind(tenant);
            sql.add(
                ", ?, ?, 0, 0, 0, ?, ?)",
                [hour.into(), destination.id.0.into(), counts.applied.into(), counts.applied_late.into()],
            );
            sql.push(ADDED);
            tx.db.execute_raw(sql.into_statement()).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Counts attempts that end a delivery for the first time; before they are noted.
    pub(super) async fn count(
        &self,
        db: &Transaction,
        destination: &Destination,
        attempts: &[Attempt],
    ) -> Result<(), StoreError> {
        let ended = attempts.iter().filter_map(|attempt| match attempt.end {
            End::Done => Some(json!([attempt.position, attempt.at + attempt.took, 1])),
            End::Dead(_) => Some(json!([attempt.position, attempt.at + attempt.took, 0])),
            End::Again(..) => None,
        });
        let ended: Vec<serde_json::Value> = ended.collect();
        if ended.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.push(INTO_HOURS).push("SELECT d.tenant, d.numbered_at - d.numbered_at % ").bind(HOUR);
        sql.push(", d.destination, SUM(x.done), SUM(CASE WHEN x.done = 1 AND x.at - d.numbered_at > ");
        sql.bind(destination.target).push(
            " THEN 1 ELSE 0 END), SUM(1 - x.done), 0, 0 FROM (SELECT CAST(value ->> 0 AS bigint) AS position, \
             CAST(value ->> 1 AS bigint) AS at, CAST(value ->> 2 AS integer) AS done FROM ",
        );
        sql.dialect("jsonb_array_elements(", "json_each(")
            .bind(serde_json::Value::Array(ended).to_string())
            .dialect("::jsonb)", ")");
        sql.push(") x JOIN deliveries d ON d.destination = ").bind(destination.id.0);
        sql.push(
            " AND d.position = x.position WHERE d.state = 'due' AND d.delivered_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        );
        sql.push(ADDED);
        db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    /// Takes letters of a stretch of the feed that were given up out of the counts: they are sent again.
    pub(super) async fn count_as_open(
        &self,
        db: &Transaction,
        id: DestinationId,
        (after, last): (i64, i64),
    ) -> Result<(), StoreError> {
        let mut sql = self.sql();
        let id = sql.slot(id.0);
        sql.push("UPDATE delivery_hours SET dead = delivery_hours.dead - x.many FROM (SELECT d.tenant, d.numbered_at - d.numbered_at % ");
        sql.bind(HOUR).push(" AS hour, COUNT(*) AS many FROM deliveries d WHERE d.destination = ").put(id);
        sql.push(" AND d.state = 'dead' AND d.delivered_at IS NULL AND d.position > ").bind(after);
        sql.push(" AND d.position <= ")
            .bind(last)
            .push(" GROUP BY 1, 2) x WHERE delivery_hours.destination = ");
        sql.put(id).push(" AND delivery_hours.tenant = x.tenant AND delivery_hours.hour = x.hour");
        db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    /// Removes the hours that began before a time (milliseconds); gives their number.
    pub async fn forget_delivery_hours(&self, before: i64) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let mut sql = self.sql();
        sql.push("DELETE FROM delivery_hours WHERE hour < ").bind(before);
        let gone = tx.db.execute_raw(sql.into_statement()).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}

fn hour(row: &QueryResult) -> Result<HourOfDelivery, StoreError> {
    Ok(HourOfDelivery {
        hour: row.try_get_by_index(0)?,
        counts: Delivered {
            delivered: row.try_get_by_index(1)?,
            late: row.try_get_by_index(2)?,
            dead: row.try_get_by_index(3)?,
            applied: row.try_get_by_index(4)?,
            applied_late: row.try_get_by_index(5)?,
        },
    })
}

fn receipt(row: &QueryResult) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        event: row.try_get_by_index(0)?,
        destination: DestinationId(row.try_get_by_index(1)?),
        name: row.try_get_by_index::<Option<String>>(2)?.unwrap_or_default(),
        fate: words::value("deliveries.state", row.try_get_by_index(3)?)?,
        problem: row.try_get_by_index(4)?,
        delivered_at: row.try_get_by_index(5)?,
        applied_at: row.try_get_by_index(6)?,
    })
}
