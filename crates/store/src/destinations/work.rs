//! How a destination gets its events. A node holds it for a while; makes a delivery of each event of the feed that it is sent;
//! attempts those that are due; settles what came of them. Of an object's deliveries that are not ended only the first is due,
//! so they end in the order of the feed, whatever fails meanwhile.

use sea_orm::{ConnectionTrait as _, FromQueryResult as _};
use serde_json::json;
use uuid::Uuid;

use super::{Destination, DestinationState, event, finish};
use crate::{
    ChangeContext, DestinationId, Platform, StoreError,
    entity::destinations,
    feed::{FeedEvent, Place},
    outgoing::Transaction,
    statement::Sql,
    store::Backend,
    tx::PlatformTx,
    words::word,
};

/// Places of the feed that are made deliveries in one transaction.
const AT_ONCE: i64 = 500;

/// So many failures in a row say that it is the destination that fails, and not an event that it cannot take: an event that is
/// refused alone has no more attempts.
pub const MANY: i32 = 8;

/// A destination that has taken nothing since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Milliseconds.
    pub since: i64,
    /// Attempts that have failed since then.
    pub failures: i32,
}

/// A destination that a node sends to. It does so until somebody else has the next term.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// What it holds.
    pub destination: Destination,
    /// Which node.
    pub node: Uuid,
    /// How often it was another node until now.
    pub term: i64,
}

/// A delivery to be attempted.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// What is to be told.
    pub event: FeedEvent,
    /// Attempts until now.
    pub attempts: u32,
}

/// A destination's row, locked.
struct Held {
    position: i64,
    version: i64,
    failing: Option<Failing>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The place of the event.
    pub position: i64,
    /// When it began, in milliseconds.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub took: i64,
    /// Status that came back, if any.
    pub status: Option<u16>,
    /// It was not taken for what this one event says, by a destination that takes others.
    pub of_event: bool,
    /// Where that leaves the delivery.
    pub end: End,
}

/// Where an attempt leaves a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was taken.
    Done,
    /// It was not; the next attempt comes at this time (milliseconds).
    Again(i64, String),
    /// It was not, and was the last one.
    Dead(String),
}

impl Platform {
    /// Makes a node the one that sends, for so many milliseconds from now on, to what it sends to already and to what nobody
    /// does; gives all of that. Paused destinations are not among them.
    pub async fn hold_destinations(&self, node: Uuid, span: i64) -> Result<Vec<Hold>, StoreError> {
        let active = word("state", DestinationState::Active)?;
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM destinations d WHERE d.state = ").bind(active.as_str()).push(" LIMIT 1");
        // Mostly there are none, and SQLite's one writer is asked for nothing.
        if self.one(sql).await?.is_none() {
            return Ok(Vec::new());
        }
        let tx = self.inner.begin_write().await?;
        let mut sql = self.sql();
        let now = sql.backend().now();
        sql.push("UPDATE destinations SET held_until = ").push(now).push(" + ").bind(span);
        sql.push(", term = CASE WHEN holder = ").bind(node).push(" THEN term ELSE term + 1 END, holder = ");
        sql.bind(node).push(" WHERE state = ").bind(active).push(" AND (holder IS NULL OR holder = ");
        sql.bind(node).push(" OR held_until < ").push(now).push(") RETURNING *");
        let rows = tx.db.query_all_raw(sql.into_statement()).await?;
        tx.commit().await?;
        let hold = |row| {
            let row = destinations::Model::from_query_result(row, "")?;
            let term = row.term;
            Ok(Hold { destination: row.try_into()?, node, term })
        };
        rows.iter().map(hold).collect()
    }

    /// Lets go of all that a node holds, so that others need not wait for the end of its time.
    pub async fn let_go_of_destinations(&self, node: Uuid) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let mut sql = self.sql();
        sql.push("UPDATE destinations SET holder = NULL, held_until = NULL WHERE holder = ").bind(node);
        tx.db.execute_raw(sql.into_statement()).await?;
        tx.commit().await
    }

    /// Makes deliveries of the next events of the feed. `None`: another node sends to it by
    /// now, or it is on other terms. Else: is there more?
    pub async fn make_deliveries(&self, hold: &Hold) -> Result<Option<bool>, StoreError> {
        let id = hold.destination.id;
        let ends = self.feed_ends().await?;
        let mut sql = self.sql();
        sql.push("SELECT d.position, d.version FROM destinations d WHERE d.id = ").bind(id.0);
        let Some(row) = self.one(sql).await? else { return Ok(None) };
        let (position, version): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if version != hold.destination.version {
            return Ok(None);
        }
        if position >= ends.last {
            return Ok(Some(false));
        }
        // Of a short stretch without anything for it the place is not written down each time.
        if ends.last - position < AT_ONCE && position >= ends.forgotten {
            let mut sql = self.sql();
            sql.push("SELECT 1 FROM feed f WHERE ");
            wanted(&mut sql, &hold.destination, (position, ends.last));
            sql.push(" LIMIT 1");
            if self.one(sql).await?.is_none() {
                return Ok(Some(false));
            }
        }
        let tx = self.inner.begin_write().await?;
        // With other terms it is sent other events.
        let Some(Held { position, version, .. }) = self.held(&tx, hold).await? else { return Ok(None) };
        if version != hold.destination.version {
            return Ok(None);
        }
        let after = position.max(ends.forgotten);
        let last = ends.last.min(after + AT_ONCE);
        self.make_out(&tx.db, &hold.destination, (after, last), tx.now).await?;
        let mut sql = self.sql();
        sql.push("UPDATE destinations SET position = ").bind(last).push(", missed = missed + ");
        sql.bind(after - position).push(" WHERE id = ").bind(id.0);
        tx.db.execute_raw(sql.into_statement()).await?;
        tx.commit().await?;
        Ok(Some(last < ends.last))
    }

    /// What is due at a time (milliseconds), what has waited longest first, at most so many; but for those of some places, that
    /// are under way.
    pub async fn due(
        &self,
        id: DestinationId,
        now: i64,
        under_way: &[i64],
        limit: usize,
    ) -> Result<Vec<Letter>, StoreError> {
        let mut sql = self.sql();
        sql.push(
            "SELECT d.position, d.tenant, d.seq, t.slug, d.attempts FROM deliveries d \
             JOIN tenants t ON t.id = d.tenant WHERE d.destination = ",
        );
        sql.bind(id.0).push(" AND d.state = 'due' AND d.next_at <= ").bind(now);
        sql.push(" AND d.position NOT IN ").numbers(under_way);
        sql.push(" ORDER BY d.next_at, d.position LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let (mut places, mut counts) = (Vec::new(), Vec::new());
        for row in self.all(sql).await? {
            places.push(Place {
                position: row.try_get_by_index(0)?,
                tenant: row.try_get_by_index(1)?,
                number: row.try_get_by_index(2)?,
                slug: row.try_get_by_index(3)?,
            });
            counts.push(row.try_get_by_index::<i32>(4)?);
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut events = Vec::with_capacity(places.len());
        self.tell(&places, &mut events).await?;
        let letter =
            |(event, attempts)| Letter { event, attempts: u32::try_from(attempts).unwrap_or_default() };
        Ok(events.into_iter().zip(counts).map(letter).collect())
    }

    /// Notes what came of attempts; what follows an ended delivery of its object is due then. Where the destination takes
    /// something again after [`MANY`] failures, or refuses one event for itself, all that waits for its time is due at once. `None`: another node sends to it by
    /// now, and nothing was noted. Else: does it fail?
    pub async fn settle(
        &self,
        hold: &Hold,
        attempts: &[Attempt],
    ) -> Result<Option<Option<Failing>>, StoreError> {
        let id = hold.destination.id;
        let tx = self.inner.begin_write().await?;
        let Some(held) = self.held(&tx, hold).await? else { return Ok(None) };
        // What has failed on other terms is tried on those of now.
        let again = (held.version != hold.destination.version).then_some(tx.now);
        self.count(&tx.db, &hold.destination, attempts).await?;
        self.note(&tx.db, id, attempts, again).await?;
        let ended: Vec<i64> = attempts
            .iter()
            .filter(|attempt| !matches!(attempt.end, End::Again(..)))
            .map(|attempt| attempt.position)
            .collect();
        self.promote(&tx.db, id, &ended, tx.now).await?;
        let failing = self.judge(&tx, id, held.failing, attempts).await?;
        tx.commit().await?;
        Ok(Some(failing))
    }

    /// Ends a destination that has failed for too long, until somebody makes it active again; its events wait. Event
    /// `destination.disabled`. `false`: it is not this node that sends to it, or on other
    /// terms.
    pub async fn disable_destination(
        &self,
        hold: &Hold,
        problem: &str,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        // It may have been mended meanwhile.
        if self.held(&tx, hold).await?.is_none_or(|held| held.version != hold.destination.version) {
            return Ok(false);
        }
        let mut sql = self.sql();
        sql.push("UPDATE destinations SET state = 'disabled', version = version + 1, holder = NULL, held_until = NULL, problem = ")
            .bind(problem)
            .push(" WHERE id = ")
            .bind(hold.destination.id.0)
            .push(" AND state = 'active' RETURNING *");
        let Some(row) = tx.db.query_one_raw(sql.into_statement()).await? else { return Ok(false) };
        let after = Destination::try_from(destinations::Model::from_query_result(&row, "")?)?;
        let told = event("destination.disabled", &after, Some(&hold.destination), false);
        finish(tx, told, &after, context).await?;
        Ok(true)
    }

    /// The destination as it is now, locked; `None` when another node sends to it.
    async fn held(&self, tx: &PlatformTx, hold: &Hold) -> Result<Option<Held>, StoreError> {
        let mut sql = self.sql();
        sql.push(
            "SELECT d.position, d.version, d.failing_since, d.failures FROM destinations d WHERE d.id = ",
        )
        .bind(hold.destination.id.0);
        sql.push(" AND d.holder = ").bind(hold.node).push(" AND d.term = ").bind(hold.term);
        sql.dialect(" FOR NO KEY UPDATE", "");
        let row = tx.db.query_one_raw(sql.into_statement()).await?;
        row.map(|row| {
            let (since, failures): (Option<i64>, i32) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            Ok(Held {
                position: row.try_get_by_index(0)?,
                version: row.try_get_by_index(1)?,
                failing: since.map(|since| Failing { since, failures }),
            })
        })
        .transpose()
    }

    /// Writes deliveries of the events after one place up to another that the destination is sent. Those that are there stay
    /// as they are.
    pub(super) async fn make_out(
        &self,
        db: &Transaction,
        destination: &Destination,
        (after, last): (i64, i64),
        now: i64,
    ) -> Result<(), StoreError> {
        let mut sql = self.sql();
        let id = sql.slot(destination.id.0);
        sql.push(
            "INSERT INTO deliveries (destination, position, tenant, seq, event, object_id, numbered_at, state, next_at) SELECT ",
        )
        .put(id)
        .push(
            ", x.position, x.tenant, x.seq, x.event, x.object_id, x.numbered_at, CASE WHEN x.place = 1 AND NOT EXISTS (\
             SELECT 1 FROM deliveries o WHERE o.destination = ",
        )
        .put(id)
        .push(" AND o.tenant = x.tenant AND o.object_id = x.object_id AND o.state IN ('behind', 'due')) THEN 'due' ELSE 'behind' END, ");
        sql.bind(now);
        sql.push(
            " FROM (SELECT f.*, ROW_NUMBER() OVER (PARTITION BY f.tenant, f.object_id ORDER BY f.position) AS place FROM feed f \
             WHERE ",
        );
        wanted(&mut sql, destination, (after, last));
        sql.push(") x WHERE TRUE ON CONFLICT DO NOTHING");
        db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    async fn note(
        &self,
        db: &Transaction,
        id: DestinationId,
        attempts: &[Attempt],
        again: Option<i64>,
    ) -> Result<(), StoreError> {
        let list = attempts.iter().map(|attempt| {
            let (state, next_at, problem) = match &attempt.end {
                End::Done => ("done", attempt.at, None),
                End::Again(next_at, problem) => ("due", again.unwrap_or(*next_at), Some(problem)),
                End::Dead(problem) => ("dead", attempt.at, Some(problem)),
            };
            json!([attempt.position, state, next_at, attempt.at, attempt.took, attempt.status, problem])
        });
        let list = serde_json::Value::Array(list.collect()).to_string();
        let mut sql = self.sql();
        sql.push(
            "UPDATE deliveries AS d SET state = x.state, attempts = d.attempts + 1, next_at = x.next_at, \
             first_at = COALESCE(d.first_at, x.at), last_at = x.at, took = x.took, status = x.status, problem = x.problem, \
             delivered_at = COALESCE(d.delivered_at, CASE WHEN x.state = 'done' THEN x.at + x.took END) FROM (SELECT CAST(value ->> 0 AS bigint) AS position, \
             value ->> 1 AS state, CAST(value ->> 2 AS bigint) AS next_at, CAST(value ->> 3 AS bigint) AS at, \
             CAST(value ->> 4 AS bigint) AS took, CAST(value ->> 5 AS integer) AS status, value ->> 6 AS problem FROM ",
        )
        .dialect("jsonb_array_elements(", "json_each(")
        .bind(list)
        .dialect("::jsonb)", ")");
        sql.push(") x WHERE d.destination = ").bind(id.0);
        // What was replayed meanwhile waits for its turn.
        sql.push(" AND d.position = x.position AND d.state = 'due'");
        db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    /// Makes due what follows ended deliveries of the same object.
    async fn promote(
        &self,
        db: &Transaction,
        id: DestinationId,
        ended: &[i64],
        now: i64,
    ) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        let id = sql.slot(id.0);
        sql.push("UPDATE deliveries SET state = 'due', next_at = ").bind(now).push(" WHERE destination = ");
        sql.put(id).push(
            " AND state = 'behind' AND position IN (SELECT (SELECT o.position FROM deliveries o WHERE o.destination = ",
        );
        sql.put(id).push(
            " AND o.tenant = e.tenant AND o.object_id = e.object_id AND o.state IN ('behind', 'due') ORDER BY o.position LIMIT 1) \
             FROM deliveries e WHERE e.destination = ",
        );
        sql.put(id).push(" AND e.position IN ").numbers(ended).push(")");
        db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    /// What the attempts say of the destination itself.
    async fn judge(
        &self,
        tx: &PlatformTx,
        id: DestinationId,
        before: Option<Failing>,
        attempts: &[Attempt],
    ) -> Result<Option<Failing>, StoreError> {
        let problem = attempts.iter().rev().find_map(|attempt| match &attempt.end {
            End::Done => None,
            End::Again(_, problem) | End::Dead(problem) => Some(problem.as_str()),
        });
        let answers = attempts.iter().any(|attempt| attempt.of_event || attempt.end == End::Done);
        let after = if answers {
            None
        } else {
            let first = attempts.iter().map(|attempt| attempt.at).min();
            let more = i32::try_from(attempts.len()).unwrap_or(i32::MAX);
            let failures = before.map_or(0, |before| before.failures).saturating_add(more);
            before.map(|before| before.since).or(first).map(|since| Failing { since, failures })
        };
        if after != before || problem.is_some() {
            let mut sql = self.sql();
            sql.push("UPDATE destinations SET failing_since = ").bind(after.map(|failing| failing.since));
            sql.push(", failures = ").bind(after.map_or(0, |failing| failing.failures));
            sql.push(", problem = ").bind(problem.map(str::to_owned)).push(" WHERE id = ").bind(id.0);
            tx.db.execute_raw(sql.into_statement()).await?;
        }
        if after.is_none() && before.is_some_and(|before| before.failures >= MANY) {
            try_all_now(&tx.db, self.inner.backend, id, tx.now).await?;
        }
        Ok(after)
    }
}

/// Appends the condition that an event of the feed lies in a stretch and is wanted.
fn wanted(sql: &mut Sql, destination: &Destination, (after, last): (i64, i64)) {
    sql.push("f.position > ").bind(after).push(" AND f.position <= ").bind(last);
    if let Some(tenant) = destination.tenant {
        sql.push(" AND f.tenant = ").bind(tenant.0);
    }
    if let Some(events) = &destination.events {
        sql.push(" AND f.event IN ").texts(events.iter().map(String::as_str));
    }
}

/// All that is due later is due now.
pub(super) async fn try_all_now(
    db: &Transaction,
    backend: Backend,
    id: DestinationId,
    now: i64,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(backend, Uuid::nil());
    sql.push("UPDATE deliveries SET next_at = ").bind(now).push(" WHERE destination = ").bind(id.0);
    sql.push(" AND state = 'due' AND next_at > ").bind(now);
    db.execute_raw(sql.into_statement()).await?;
    Ok(())
}
