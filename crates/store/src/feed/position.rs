//! Events get their places in the feed, in the transaction that gives them their numbers. One node at a time does that, so the
//! places grow with each commit and a reader never meets one that is lower than what it has read.

use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use crate::{StoreError, error::unreadable, outgoing::Transaction, statement::Sql, store::Backend};

/// Events of a tenant that have numbers and no place.
pub(crate) struct Numbered {
    pub(crate) tenant: Uuid,
    /// The number before the first one's.
    pub(crate) after: i64,
    /// The last one's.
    pub(crate) last: i64,
}

/// Adds them to the feed at a time (milliseconds). What the feed says of the time neither falls nor lies before what
/// happened, however the nodes' clocks differ.
pub(crate) async fn add(
    db: &Transaction,
    backend: Backend,
    numbered: &Numbered,
    now: i64,
) -> Result<(), StoreError> {
    let Numbered { tenant, after, last } = *numbered;
    let count = last - after;
    if count <= 0 {
        return Ok(());
    }
    let mut sql = Sql::new(backend, tenant);
    sql.push("UPDATE feed_ends SET position = position + ").bind(count);
    sql.push(" WHERE name = 'last' RETURNING position");
    let row =
        db.query_one_raw(sql.into_statement()).await?.ok_or_else(|| unreadable("feed_ends", "no row"))?;
    let end: i64 = row.try_get_by_index(0)?;
    let mut sql = Sql::new(backend, tenant);
    let (after, last) = (sql.slot(after), sql.slot(last));
    let of_batch = |sql: &mut Sql| {
        sql.push(" FROM outbox o WHERE o.tenant_id = ").tenant().push(" AND o.seq IS NOT NULL AND o.seq > ");
        sql.put(after).push(" AND o.seq <= ").put(last);
    };
    // A number and its place grow together.
    sql.push("INSERT INTO feed (position, tenant, seq, event, object_id, numbered_at) SELECT o.seq - ")
        .put(last);
    sql.push(" + ")
        .bind(end)
        .push(", o.tenant_id, o.seq, o.event, o.object_id, ")
        .dialect("GREATEST(", "MAX(");
    sql.bind(now).push(", COALESCE((SELECT f.numbered_at FROM feed f ORDER BY f.position DESC LIMIT 1), 0), (SELECT MAX(o.at)");
    of_batch(&mut sql);
    sql.push("))");
    of_batch(&mut sql);
    let added = db.execute_raw(sql.into_statement()).await?.rows_affected();
    if i64::try_from(added) == Ok(count) {
        return Ok(());
    }
    Err(unreadable("feed", format_args!("{added} of {count} events took their place")))
}
