//! How many users and groups a tenant has, and where in a list by id a place lies: kept by blocks of ids, never counted.
//!
//! A block counts the live rows of a range of ids as far as the entries of the trail that made and ended them have their
//! numbers; what still waits is added by whoever reads. So in every snapshot blocks and waiting entries together are what a
//! count would find, and no change waits for a counter.
//!
//! There are two levels: blocks of a few hundred rows, each of which ends where the next one begins, and blocks over some
//! dozens of those, which begin where one of them does. A total adds up the upper ones; a place is found among the upper
//! ones, then among the lower ones of one of them, then over the rows of one of those.

mod blocks;

use scim_core::ResourceKind;
use uuid::Uuid;

use crate::{
    StoreError, error::unreadable, rows::Table, statement::Sql, store::Backend, trail::Owner, tx::TenantTx,
};

pub(crate) use blocks::Blocks;

/// The lowest id there is: with it the first block of each kind begins.
const LOWEST: Uuid = Uuid::nil();

/// Blocks of rows.
const LOWER: i16 = 0;

/// Blocks of blocks.
const UPPER: i16 = 1;

/// Where a place of a list lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The place is reached from this id on …
    pub(crate) first: Uuid,
    /// … over so many live rows.
    pub(crate) skipped: u64,
    /// Live rows in all.
    pub(crate) total: u64,
}

/// Appends an expression: the live rows of a kind.
pub(crate) fn write_total(sql: &mut Sql, kind: ResourceKind) {
    if sql.backend() == Backend::Postgres {
        sql.push("live_total(").tenant().push(", ").bind(kind.name()).push(")");
        return;
    }
    write_total_of(sql, kind, |sql| {
        sql.push("= ").tenant();
    });
}

/// The same on SQLite, of the tenants that a condition names; what it says follows `tenant_id`.
pub(crate) fn write_total_of(sql: &mut Sql, kind: ResourceKind, tenants: impl Fn(&mut Sql)) {
    sql.push("(SELECT COALESCE(SUM(b.live), 0) FROM live_blocks b WHERE b.tenant_id ");
    tenants(sql);
    sql.push(" AND b.kind = ").bind(kind.name()).push(" AND b.level = ").bind(UPPER);
    sql.push(
        ") + (SELECT COALESCE(SUM(a.live_delta), 0) FROM audit a INDEXED BY audit_unnumbered WHERE a.tenant_id ",
    );
    tenants(sql);
    sql.push(" AND a.seq IS NULL AND a.object_type = ").bind(kind.name()).push(")");
}

/// Appends an expression: the live rows of a table after one of them. Counted are those of its own block alone.
pub(crate) fn write_rest(sql: &mut Sql, table: Table, after: Uuid) {
    let kind = table.kind;
    if sql.backend() == Backend::Postgres {
        sql.push("(SELECT p.total FROM live_place(").tenant().push(", ").bind(kind.name());
        sql.push(", 0, ").bind(after).push(", FALSE) p)");
        return;
    }
    let next_block = |sql: &mut Sql, level: i16| {
        sql.push("COALESCE((SELECT b.first_id");
        from_blocks(sql, kind, level);
        sql.add(" AND b.first_id > ? ORDER BY b.first_id LIMIT 1), ?)", [after.into(), Uuid::max().into()]);
    };
    sql.push("(SELECT COALESCE(SUM(b.live), 0)");
    from_blocks(sql, kind, UPPER);
    sql.push(" AND b.first_id > ").bind(after);
    sql.push(") + (SELECT COALESCE(SUM(b.live), 0)");
    from_blocks(sql, kind, LOWER);
    sql.push(" AND b.first_id > ").bind(after).push(" AND b.first_id < ");
    next_block(sql, UPPER);
    sql.push(") + (SELECT COALESCE(SUM(a.live_delta), 0)");
    from_waiting(sql, kind);
    sql.push(" AND ");
    object_id(sql);
    sql.push(" >= ");
    next_block(sql, LOWER);
    sql.push(") + (SELECT COUNT(*) FROM ").push(table.from).push(" WHERE r.tenant_id = ").tenant();
    sql.push(" AND ").push(table.rows).push(" AND r.id > ").bind(after).push(" AND r.id < ");
    next_block(sql, LOWER);
    sql.push(")");
}

impl TenantTx {
    /// Where the place lies that has `offset` live rows before it.
    pub(crate) async fn spot(&self, kind: ResourceKind, offset: u64) -> Result<Spot, StoreError> {
        let place = i64::try_from(offset).unwrap_or(i64::MAX);
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        if self.backend == Backend::Postgres {
            let mut sql = self.sql();
            sql.push("SELECT p.first, p.skipped, p.total FROM live_place(").tenant();
            sql.push(", ").bind(kind.name()).add(", ?, NULL, TRUE) p", [place.into()]);
            let row = self.one(sql).await?.ok_or_else(no_block)?;
            return Ok(Spot {
                first: row.try_get_by_index(0)?,
                skipped: whole(row.try_get_by_index(1)?),
                total: whole(row.try_get_by_index(2)?),
            });
        }
        let upper = self.block_at(kind, UPPER, (LOWEST, Uuid::max()), place).await?;
        let lower = self.block_at(kind, LOWER, (upper.first, upper.end), place - upper.before).await?;
        let skipped = place - upper.before - lower.before;
        Ok(Spot { first: lower.first, skipped: whole(skipped), total: whole(upper.total) })
    }

    /// The last block of a level, within a range of ids, that has not more than so many rows before it there. SQLite alone.
    async fn block_at(
        &self,
        kind: ResourceKind,
        level: i16,
        range: (Uuid, Uuid),
        place: i64,
    ) -> Result<At, StoreError> {
        let mut sql = self.sql();
        let (first, end) = (sql.slot(range.0), sql.slot(range.1));
        // What is before a block are the blocks before it and what waits of lower ids.
        sql.push(
            "SELECT x.id, x.before, x.live, x.following FROM (SELECT p.id, p.block, SUM(p.live) OVER () AS live, \
             SUM(p.live) OVER (ORDER BY p.id, p.block DESC ROWS UNBOUNDED PRECEDING) - p.live AS before, \
             LEAD(p.id) OVER (PARTITION BY p.block ORDER BY p.id) AS following FROM (SELECT ",
        );
        // A block begins here in any case, be there a row of it or not yet.
        sql.put(first).push(" AS id, TRUE AS block, COALESCE((SELECT b.live");
        from_blocks(&mut sql, kind, level);
        sql.push(" AND b.first_id = ")
            .put(first)
            .push("), 0) AS live UNION ALL SELECT b.first_id, TRUE, b.live");
        from_blocks(&mut sql, kind, level);
        sql.push(" AND b.first_id > ").put(first).push(" AND b.first_id < ").put(end);
        sql.push(" UNION ALL SELECT ");
        object_id(&mut sql);
        sql.push(", FALSE, a.live_delta");
        from_waiting(&mut sql, kind);
        sql.push(" AND ");
        object_id(&mut sql);
        sql.push(" >= ").put(first).push(" AND ");
        object_id(&mut sql);
        sql.push(" < ").put(end).push(") p) x WHERE x.block AND x.before <= ").bind(place);
        sql.push(" ORDER BY x.id DESC LIMIT 1");
        let row = self.one(sql).await?.ok_or_else(no_block)?;
        Ok(At {
            first: row.try_get_by_index(0)?,
            before: row.try_get_by_index(1)?,
            total: row.try_get_by_index(2)?,
            end: row.try_get_by_index::<Option<Uuid>>(3)?.unwrap_or(range.1),
        })
    }
}

/// A block, and what is around it in a range of ids.
struct At {
    first: Uuid,
    end: Uuid,
    before: i64,
    /// Of the range.
    total: i64,
}

fn no_block() -> StoreError {
    unreadable("live_blocks", "no block holds the place")
}

/// Appends `FROM … WHERE …`: the blocks of a kind and level, called `b`.
fn from_blocks(sql: &mut Sql, kind: ResourceKind, level: i16) {
    sql.push(" FROM live_blocks b WHERE b.tenant_id = ").tenant();
    sql.push(" AND b.kind = ").bind(kind.name()).push(" AND b.level = ").bind(level);
}

/// Appends `FROM … WHERE …`: the entries, called `a`, that wait for their number and whose changes no block counts yet.
fn from_waiting(sql: &mut Sql, kind: ResourceKind) {
    Owner::Tenant(sql.tenant_id()).unnumbered(sql);
    sql.push(" AND a.live_delta IS NOT NULL AND a.object_type = ").bind(kind.name());
}

/// Appends the id that an entry is about, as ids are kept.
fn object_id(sql: &mut Sql) {
    sql.dialect("CAST(a.object_id AS uuid)", "unhex(replace(a.object_id, '-', ''))");
}
