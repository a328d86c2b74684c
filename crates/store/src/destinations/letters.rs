//! What became of each delivery: to look at, and to send it again.

use sea_orm::{ConnectionTrait as _, FromQueryResult as _, QueryResult};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Destination;
use crate::{
    DestinationId, Platform, StoreError, TenantId, TenantScope, entity::destinations, error::unreadable,
    outgoing::Transaction, tx::PlatformTx, words,
};

/// Places of the feed that are sent again in one transaction.
const AT_ONCE: i64 = 500;

/// Dead letters that are sent again at once.
pub const REVIVED: i64 = 1_000;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It waits for one before it, of the same object.
    Behind,
    /// It is attempted when its time has come.
    Due,
    /// It was taken.
    Done,
    /// It was attempted for the last time.
    Dead,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub destination: DestinationId,
    /// The event's place in the feed.
    pub position: i64,
    /// Whose event.
    pub tenant: TenantId,
    /// The event's number in its tenant.
    pub number: i64,
    /// What it is called.
    pub event: String,
    /// Id of what it is about.
    pub object_id: String,
    /// When it got its number, in milliseconds.
    pub numbered_at: i64,
    /// Where it stands.
    pub fate: Fate,
    /// Attempts until now.
    pub attempts: i32,
    /// Not attempted before this time, in milliseconds.
    pub next_at: i64,
    /// The first and the last attempt, in milliseconds.
    pub tried: Option<(i64, i64)>,
    /// Status of the last answer.
    pub status: Option<i32>,
    /// Why the last attempt failed.
    pub problem: Option<String>,
    /// When it was first delivered, in milliseconds.
    pub delivered_at: Option<i64>,
    /// When the receiver said that it is done, in milliseconds.
    pub applied_at: Option<i64>,
}

/// Which deliveries of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Standing so; `None`: all.
    pub fate: Option<Fate>,
    /// Those before this place; `None`: from the last one on.
    pub before: Option<i64>,
    /// At most.
    pub limit: usize,
}

/// What is not ended of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Deliveries to be attempted, or behind such: so many, or more than are counted.
    pub open: u64,
    /// Attempted for the last time.
    pub dead: u64,
    /// When the oldest open one got its number, in milliseconds.
    pub oldest_at: Option<i64>,
}

/// Deliveries that are counted at most.
pub const COUNTED: i64 = 10_000;

const COLUMNS: &str = "SELECT d.destination, d.position, d.tenant, d.seq, d.event, d.object_id, d.numbered_at, d.state, d.attempts, \
     d.next_at, d.first_at, d.last_at, d.status, d.problem, d.delivered_at, d.applied_at FROM deliveries d WHERE ";

impl TenantScope {
    /// What became of the events about an object at a destination, the last event first, as far as it is kept.
    pub async fn deliveries_of(
        &self,
        destination: DestinationId,
        object_id: &str,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push(COLUMNS).push("d.tenant = ").tenant().push(" AND d.object_id = ").bind(object_id);
        sql.push(" AND d.destination = ").bind(destination.0);
        sql.push(" ORDER BY d.position DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(delivery).collect()
    }
}

impl Platform {
    /// Deliveries of a destination, the last event first.
    pub async fn deliveries(
        &self,
        id: DestinationId,
        query: &DeliveryQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut sql = self.sql();
        sql.push(COLUMNS).push("d.destination = ").bind(id.0);
        if let Some(fate) = query.fate {
            sql.push(" AND d.state = ").push(fate.word());
        }
        if let Some(before) = query.before {
            sql.push(" AND d.position < ").bind(before);
        }
        sql.push(" ORDER BY d.position DESC LIMIT ").bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
        self.all(sql).await?.iter().map(delivery).collect()
    }

    /// What is not ended; up to [`COUNTED`] are counted.
    pub async fn waiting(&self, id: DestinationId) -> Result<Waiting, StoreError> {
        let mut sql = self.sql();
        let (id, most) = (sql.slot(id.0), sql.slot(COUNTED));
        sql.push("SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.destination = ").put(id);
        sql.push(" AND d.state IN ('behind', 'due') LIMIT ").put(most);
        sql.push(") o), (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.destination = ").put(id);
        sql.push(" AND d.state = 'dead' LIMIT ").put(most);
        sql.push(") o), (SELECT MIN(d.numbered_at) FROM deliveries d WHERE d.destination = ").put(id);
        // The first of each object is due.
        sql.push(" AND d.state = 'due')");
        let row = self.one(sql).await?.ok_or_else(|| unreadable("deliveries", "no row"))?;
        let count = |at| -> Result<u64, StoreError> {
            Ok(u64::try_from(row.try_get_by_index::<i64>(at)?).unwrap_or_default())
        };
        Ok(Waiting { open: count(0)?, dead: count(1)?, oldest_at: row.try_get_by_index(2)? })
    }

    /// Sends dead letters again, the first ones of those after one place up to another, each from its first attempt on; gives
    /// how many: fewer than [`REVIVED`] if there are no more.
    pub async fn revive(&self, id: DestinationId, after: i64, last: i64) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        if self.begin_anew(&tx, id).await?.is_none() {
            return Ok(0);
        }
        let mut sql = self.sql();
        sql.push("SELECT d.position FROM deliveries d WHERE d.destination = ").bind(id.0);
        sql.push(" AND d.state = 'dead' AND d.position > ")
            .bind(after)
            .push(" AND d.position <= ")
            .bind(last);
        sql.push(" ORDER BY d.position LIMIT ").bind(REVIVED);
        let rows = tx.db.query_all_raw(sql.into_statement()).await?;
        let places: Result<Vec<i64>, StoreError> =
            rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect();
        let places = places?;
        let (Some(first), Some(end)) = (places.first(), places.last()) else { return Ok(0) };
        self.count_as_open(&tx.db, id, (first - 1, *end)).await?;
        let mut sql = self.sql();
        sql.push("UPDATE deliveries SET state = 'behind', attempts = 0, next_at = ").bind(tx.now);
        sql.push(" WHERE destination = ").bind(id.0).push(" AND position IN ").numbers(&places);
        tx.db.execute_raw(sql.into_statement()).await?;
        self.line_up(&tx.db, id, (first - 1, *end)).await?;
        tx.commit_configuration().await?;
        Ok(places.len() as u64)
    }

    /// Sends the events after one place up to another once more, whatever became of them, and those that the destination was
    /// never sent; so many places at most. Gives up to which place it did: go on after it. `None`: there is no such
    /// destination.
    pub async fn replay(&self, id: DestinationId, after: i64, last: i64) -> Result<Option<i64>, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some(destination) = self.begin_anew(&tx, id).await? else { return Ok(None) };
        // What comes after its own place it is sent anyway.
        let last = last.min(destination.position).min(after.saturating_add(AT_ONCE));
        if last <= after {
            return Ok(Some(last.max(after)));
        }
        self.count_as_open(&tx.db, id, (after, last)).await?;
        let mut sql = self.sql();
        sql.push("UPDATE deliveries SET state = 'behind', attempts = 0, next_at = ").bind(tx.now);
        sql.push(" WHERE destination = ").bind(id.0).push(" AND position > ").bind(after);
        sql.push(" AND position <= ").bind(last);
        tx.db.execute_raw(sql.into_statement()).await?;
        self.make_out(&tx.db, &destination, (after, last), tx.now).await?;
        self.line_up(&tx.db, id, (after, last)).await?;
        tx.commit_configuration().await?;
        Ok(Some(last))
    }

    /// Locks a destination and begins its next term: what is under way was begun in another order, and whatever comes of it is
    /// not taken.
    async fn begin_anew(
        &self,
        tx: &PlatformTx,
        id: DestinationId,
    ) -> Result<Option<Destination>, StoreError> {
        let mut sql = self.sql();
        sql.push("UPDATE destinations SET term = term + 1 WHERE id = ").bind(id.0).push(" RETURNING *");
        let row = tx.db.query_one_raw(sql.into_statement()).await?;
        row.map(|row| destinations::Model::from_query_result(&row, "")?.try_into()).transpose()
    }

    /// Removes ended deliveries of events that the feed has forgotten, and all of destinations that are no more: so many of
    /// each destination at most. Gives whether there are more. What is not ended is delivered all the same: the event itself is
    /// kept.
    pub async fn forget_deliveries(&self, limit: u64) -> Result<bool, StoreError> {
        let forgotten = self.feed_ends().await?.forgotten;
        let (mut last, mut more) = (Uuid::nil(), false);
        loop {
            let mut sql = self.sql();
            sql.push("SELECT d.destination, EXISTS (SELECT 1 FROM destinations x WHERE x.id = d.destination) FROM deliveries d ");
            sql.push("WHERE d.destination > ").bind(last).push(" ORDER BY d.destination LIMIT 1");
            let Some(row) = self.one(sql).await? else { return Ok(more) };
            let (id, is_there): (Uuid, bool) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            last = id;
            let tx = self.inner.begin_write().await?;
            let mut sql = self.sql();
            let slot = sql.slot(id);
            sql.push("DELETE FROM deliveries WHERE destination = ").put(slot);
            sql.push(" AND position IN (SELECT d.position FROM deliveries d WHERE d.destination = ")
                .put(slot);
            if is_there {
                sql.push(" AND d.state IN ('done', 'dead') AND d.position <= ").bind(forgotten);
            }
            sql.push(" ORDER BY d.position LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX)).push(")");
            if is_there {
                // One may have been sent again meanwhile.
                sql.push(" AND state IN ('done', 'dead')");
            }
            more |= tx.db.execute_raw(sql.into_statement()).await?.rows_affected() >= limit;
            tx.commit().await?;
        }
    }

    /// Sets of the objects of a stretch which delivery is due: the first that is not ended.
    async fn line_up(
        &self,
        db: &Transaction,
        id: DestinationId,
        (after, last): (i64, i64),
    ) -> Result<(), StoreError> {
        let mut sql = self.sql();
        let (id, after, last) = (sql.slot(id.0), sql.slot(after), sql.slot(last));
        sql.push(
            "UPDATE deliveries AS d SET state = CASE WHEN EXISTS (SELECT 1 FROM deliveries o WHERE o.destination = d.destination \
             AND o.tenant = d.tenant AND o.object_id = d.object_id AND o.state IN ('behind', 'due') AND o.position < d.position) \
             THEN 'behind' ELSE 'due' END WHERE d.destination = ",
        )
        .put(id);
        sql.push(
            " AND d.state IN ('behind', 'due') AND EXISTS (SELECT 1 FROM deliveries e WHERE e.destination = d.destination \
             AND e.tenant = d.tenant AND e.object_id = d.object_id AND e.state IN ('behind', 'due') AND e.position > ",
        )
        .put(after)
        .push(" AND e.position <= ")
        .put(last)
        .push(")");
        db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Behind => "'behind'",
            Self::Due => "'due'",
            Self::Done => "'done'",
            Self::Dead => "'dead'",
        }
    }
}

fn delivery(row: &QueryResult) -> Result<Delivery, StoreError> {
    let (first, last): (Option<i64>, Option<i64>) = (row.try_get_by_index(10)?, row.try_get_by_index(11)?);
    Ok(Delivery {
        destination: DestinationId(row.try_get_by_index(0)?),
        position: row.try_get_by_index(1)?,
        tenant: TenantId(row.try_get_by_index(2)?),
        number: row.try_get_by_index(3)?,
        event: row.try_get_by_index(4)?,
        object_id: row.try_get_by_index(5)?,
        numbered_at: row.try_get_by_index(6)?,
        fate: words::value("deliveries.state", row.try_get_by_index(7)?)?,
        attempts: row.try_get_by_index(8)?,
        next_at: row.try_get_by_index(9)?,
        tried: first.zip(last),
        status: row.try_get_by_index(12)?,
        problem: row.try_get_by_index(13)?,
        delivered_at: row.try_get_by_index(14)?,
        applied_at: row.try_get_by_index(15)?,
    })
}
