//! Events get their places in the feed, in the transaction that gives them their numbers. One node at a time does that, so the
//! places grow with each commit and a reader never meets one that is lower than what it has read.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction};
use uuid::Uuid;

use crate::{StoreError, error::unreadable, statement::Sql, store::Backend};

/// Events of a tenant that have just got their numbers.
pub(crate) struct Numbered {
    pub(crate) tenant: Uuid,
    /// The first one's number.
    pub(crate) first: i64,
    pub(crate) count: i64,
}

/// Adds them to the feed at a time (milliseconds).
pub(crate) async fn add(
    db: &DatabaseTransaction,
    backend: Backend,
    numbered: Numbered,
    now: i64,
) -> Result<(), StoreError> {
    let Numbered { tenant, first, count } = numbered;
    if count == 0 {
        return Ok(());
    }
    let mut sql = Sql::new(backend, tenant);
    sql.push("UPDATE feed_ends SET position = position + ").bind(count);
    sql.push(" WHERE name = 'last' RETURNING position");
    let row =
        db.query_one_raw(sql.into_statement()).await?.ok_or_else(|| unreadable("feed_ends", "no row"))?;
    let last: i64 = row.try_get_by_index(0)?;
    // A number and its place grow together.
    let distance = last - (first + count - 1);
    let mut sql = Sql::new(backend, tenant);
    sql.push("INSERT INTO feed (position, tenant, seq, event, object_id, numbered_at) SELECT o.seq + ").bind(distance);
    sql.push(", o.tenant_id, o.seq, o.event, o.object_id, ").bind(now);
    sql.push(" FROM outbox o WHERE o.tenant_id = ").tenant();
    sql.push(" AND o.seq IS NOT NULL AND o.seq >= ")
        .bind(first)
        .push(" AND o.seq <= ")
        .bind(first + count - 1);
    let added = db.execute_raw(sql.into_statement()).await?.rows_affected();
    if i64::try_from(added) == Ok(count) {
        return Ok(());
    }
    Err(unreadable("feed", format_args!("{added} of {count} events took their place")))
}
