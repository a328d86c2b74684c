//! Walks through lists, page by page: where each goes on, so that a client that follows one sees no row twice and misses
//! none that stayed, whatever others write meanwhile.
//!
//! A list in the order of ids goes on after the last id that was sent. The order of a sorted list can change under a
//! walk, so it is written down when the walk begins: a *snapshot* of ids. Both kinds of rows live for minutes only.

mod page;

use scim_core::ResourceKind;
use uuid::Uuid;

use crate::{
    ListQuery, RootQuery, StoreError, TenantScope,
    groups::GROUPS,
    rows::{Select, Table, Window},
    tx::TenantTx,
    users::USERS,
};

/// How long a walk may pause between two pages, in milliseconds.
pub const WALK_TIME: i64 = 10 * 60 * 1000;

/// How long, in milliseconds, a mark that says the same is not written again, so that those who read the same pages at once
/// do not wait for each other.
pub(crate) const RECENT: i64 = 1_000;

/// How often the use of a snapshot is noted, in milliseconds: the row is large, and on SQLite written anew.
const REFRESH: i64 = WALK_TIME / 5;

/// Most snapshots that are kept for one walker; the oldest gives way.
const SNAPSHOTS: i64 = 16;

/// Bytes of an id.
const WIDTH: usize = 16;

/// Who walks through what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The credential, as text.
    pub walker: String,
    /// A digest of the query.
    pub query: Vec<u8>,
}

/// Where a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// After this row, in the order of ids.
    After(Uuid),
    /// At this place of a snapshot, counted from 0.
    Listed {
        /// The snapshot.
        snapshot: Uuid,
        /// Ids before it.
        position: u64,
    },
}

/// Consecutive ids of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The ids asked for, as far as there are any.
    pub ids: Vec<Uuid>,
    /// Ids in the whole snapshot.
    pub length: u64,
}

impl TenantScope {
    /// The mark that a walk left for this startIndex at most [`WALK_TIME`] ago.
    pub async fn mark(&self, walk: &Walk, start_index: u64) -> Result<Option<Mark>, StoreError> {
        let tx = self.read().await?;
        let mark = tx.mark(walk, start_index).await?;
        tx.commit().await?;
        Ok(mark)
    }

    /// Leaves a mark for this startIndex. `begins`: the walk has just begun, so it also clears away what is left of
    /// walks of this tenant that nobody can follow any more.
    pub async fn leave_mark(
        &self,
        walk: &Walk,
        start_index: u64,
        mark: Mark,
        begins: bool,
    ) -> Result<(), StoreError> {
        let tx = self.write().await?;
        tx.leave(walk, start_index, mark, begins).await?;
        tx.commit().await
    }

    /// Keeps the order of a list; gives its id. Of one walker's snapshots the newest few stay.
    pub async fn keep_snapshot(&self, walker: &str, ids: &[Uuid]) -> Result<Uuid, StoreError> {
        let id = Uuid::now_v7();
        let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        let tx = self.write().await?;
        tx.clear_walks().await?;
        let mut sql = tx.sql();
        sql.add(
            "DELETE FROM walk_snapshots WHERE tenant_id = ? AND walker = ? AND id NOT IN \
             (SELECT s.id FROM walk_snapshots s WHERE s.tenant_id = ? AND s.walker = ? ORDER BY s.id DESC LIMIT ?)",
            [
                tx.tenant_value(),
                walker.into(),
                tx.tenant_value(),
                walker.into(),
                (SNAPSHOTS - 1).into(),
            ],
        );
        tx.run(sql).await?;
        let mut sql = tx.sql();
        sql.add(
            "INSERT INTO walk_snapshots (tenant_id, id, walker, ids, at) VALUES (?, ?, ?, ?, ?)",
            [tx.tenant_value(), id.into(), walker.into(), bytes.into(), tx.now.into()],
        );
        tx.run(sql).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Up to `count` ids of a walker's snapshot from a place on; `None` when there is no such snapshot (any more).
    /// Looking at it keeps it for another [`WALK_TIME`].
    pub async fn stretch(
        &self,
        walker: &str,
        snapshot: Uuid,
        position: u64,
        count: u64,
    ) -> Result<Option<Stretch>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        let width = WIDTH as u64;
        sql.add(
            "SELECT length(ids), substr(ids, ?, ?), at FROM walk_snapshots \
             WHERE tenant_id = ? AND id = ? AND walker = ? AND at >= ?",
            [
                // Both databases count bytes from 1; PostgreSQL takes 32 bits.
                i32::try_from(position.saturating_mul(width).saturating_add(1)).unwrap_or(i32::MAX).into(),
                i32::try_from(count.saturating_mul(width)).unwrap_or(i32::MAX).into(),
                tx.tenant_value(),
                snapshot.into(),
                walker.into(),
                (tx.now - WALK_TIME).into(),
            ],
        );
        let (row, now) = (tx.one(sql).await?, tx.now);
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let length: i32 = row.try_get_by_index(0)?;
        let bytes: Vec<u8> = row.try_get_by_index(1)?;
        if now - row.try_get_by_index::<i64>(2)? > REFRESH {
            self.refresh(snapshot).await?;
        }
        let ids = bytes.chunks_exact(WIDTH).filter_map(|id| Uuid::from_slice(id).ok()).collect();
        Ok(Some(Stretch { ids, length: u64::try_from(length).unwrap_or_default() / width }))
    }

    /// A snapshot is in use still.
    async fn refresh(&self, snapshot: Uuid) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let mut sql = tx.sql();
        sql.add(
            "UPDATE walk_snapshots SET at = ? WHERE tenant_id = ? AND id = ?",
            [tx.now.into(), tx.tenant_value(), snapshot.into()],
        );
        tx.run(sql).await?;
        tx.commit().await
    }

    /// The ids of all users that match, in order; at most `max` of them.
    pub async fn user_ids(&self, query: &ListQuery, max: u64) -> Result<Vec<Uuid>, StoreError> {
        self.ids(USERS, query, max).await
    }

    /// The ids of all groups that match, in order; at most `max` of them.
    pub async fn group_ids(&self, query: &ListQuery, max: u64) -> Result<Vec<Uuid>, StoreError> {
        self.ids(GROUPS, query, max).await
    }

    /// The ids of all resources that match, in order; at most `max` of them.
    pub async fn resource_ids(&self, query: &RootQuery, max: u64) -> Result<Vec<Uuid>, StoreError> {
        let tx = self.read_for(query.parts.iter().map(|part| part.filter.as_ref())).await?;
        let selects: Vec<Select<'_>> = query.selects().collect();
        let ids = tx.ids_in_order(&selects, max).await?;
        tx.commit().await?;
        Ok(ids)
    }

    async fn ids(&self, table: Table, query: &ListQuery, max: u64) -> Result<Vec<Uuid>, StoreError> {
        let tx = self.read_for([query.filter.as_ref()]).await?;
        let ids = tx.ids_in_order(&[query.select(table)], max).await?;
        tx.commit().await?;
        Ok(ids)
    }
}

impl ListQuery {
    /// The rows of a table that it is about.
    pub(crate) fn select(&self, table: Table) -> Select<'_> {
        Select { table, filter: self.filter.as_ref(), sort: self.sort.as_ref() }
    }

    /// The part of them.
    pub(crate) fn window(&self) -> Window<'_> {
        Window { start: &self.start, limit: self.limit, total: self.total }
    }
}

impl RootQuery {
    /// The rows of each table that it is about.
    pub(crate) fn selects(&self) -> impl Iterator<Item = Select<'_>> {
        self.parts.iter().map(|part| Select {
            table: match part.kind {
                ResourceKind::User => USERS,
                ResourceKind::Group => GROUPS,
            },
            filter: part.filter.as_ref(),
            sort: part.sort.as_ref(),
        })
    }

    /// The part of them.
    pub(crate) fn window(&self) -> Window<'_> {
        Window { start: &self.start, limit: self.limit, total: self.total }
    }
}

impl TenantTx {
    /// See [`TenantScope::mark`].
    async fn mark(&self, walk: &Walk, start_index: u64) -> Result<Option<Mark>, StoreError> {
        self.mark_since(walk, start_index, self.now - WALK_TIME).await
    }

    /// Was this mark left a moment ago?
    async fn has_mark(&self, walk: &Walk, start_index: u64, mark: Mark) -> Result<bool, StoreError> {
        Ok(self.mark_since(walk, start_index, self.now - RECENT).await? == Some(mark))
    }

    async fn mark_since(
        &self,
        walk: &Walk,
        start_index: u64,
        oldest: i64,
    ) -> Result<Option<Mark>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT after_id, snapshot_id, snapshot_position FROM walk_marks \
             WHERE tenant_id = ? AND walker = ? AND query = ? AND start_index = ? AND at >= ?",
            [
                self.tenant_value(),
                walk.walker.as_str().into(),
                walk.query.clone().into(),
                index(start_index).into(),
                oldest.into(),
            ],
        );
        let Some(row) = self.one(sql).await? else { return Ok(None) };
        if let Some(after) = row.try_get_by_index(0)? {
            return Ok(Some(Mark::After(after)));
        }
        let position: i64 = row.try_get_by_index(2)?;
        Ok(Some(Mark::Listed {
            snapshot: row.try_get_by_index(1)?,
            position: u64::try_from(position).unwrap_or_default(),
        }))
    }

    /// See [`TenantScope::leave_mark`].
    async fn leave(&self, walk: &Walk, start_index: u64, mark: Mark, begins: bool) -> Result<(), StoreError> {
        let (after, snapshot, position) = match mark {
            Mark::After(id) => (Some(id), None, None),
            Mark::Listed { snapshot, position } => (None, Some(snapshot), Some(index(position))),
        };
        if begins {
            self.clear_walks().await?;
        }
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO walk_marks (tenant_id, walker, query, start_index, after_id, snapshot_id, \
             snapshot_position, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (tenant_id, walker, query, start_index) DO UPDATE SET after_id = excluded.after_id, \
             snapshot_id = excluded.snapshot_id, snapshot_position = excluded.snapshot_position, at = excluded.at",
            [
                self.tenant_value(),
                walk.walker.as_str().into(),
                walk.query.clone().into(),
                index(start_index).into(),
                after.into(),
                snapshot.into(),
                position.into(),
                self.now.into(),
            ],
        );
        self.run(sql).await?;
        Ok(())
    }

    /// Removes what is left of walks that nobody can follow any more.
    async fn clear_walks(&self) -> Result<(), StoreError> {
        let oldest = self.now - WALK_TIME;
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM walk_marks WHERE tenant_id = ? AND at < ?",
            [self.tenant_value(), oldest.into()],
        );
        self.run(sql).await?;
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM walk_snapshots WHERE tenant_id = ? AND at < ?",
            [self.tenant_value(), oldest.into()],
        );
        self.run(sql).await?;
        Ok(())
    }
}

/// A place as the databases take it.
fn index(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
