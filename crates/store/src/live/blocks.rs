//! Keeping the blocks: by whoever gives numbers, in the transaction that gives them. Nobody else does, so what the numbered
//! entries did does not change between two of its statements.

use scim_core::ResourceKind;
use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

use super::{LOWER, LOWEST, UPPER, from_blocks, from_waiting, object_id};
use crate::{StoreError, error::unreadable, outgoing::Transaction, statement::Sql, store::Backend};

/// Blocks that one batch of numbers cuts off at most; what is still too large is cut with the next one that touches it.
const CUTS: i64 = 64;

/// Blocks that an upper block reaches over, at most; for small blocks of rows fewer.
const REACH: u32 = 64;

/// The blocks of a tenant.
pub(crate) struct Blocks<'a> {
    pub(crate) db: &'a Transaction,
    pub(crate) tenant: Uuid,
    pub(crate) backend: Backend,
    /// Rows of a block before it is cut.
    pub(crate) rows: u32,
    /// Is there much more to be numbered? Then a block may grow to as many as one batch can cut: for each cut all that waits
    /// is looked through.
    pub(crate) behind: bool,
}

/// One of them.
#[derive(Clone, Copy)]
struct Block {
    kind: ResourceKind,
    level: i16,
    first: Uuid,
    live: i64,
}

impl Blocks<'_> {
    /// Counts what the entries of these numbers did, from one that has just been given up to another.
    pub(crate) async fn follow(&self, first: i64, last: i64) -> Result<(), StoreError> {
        let (lower, upper): (Vec<Block>, Vec<Block>) =
            self.add(first, last).await?.into_iter().partition(|block| block.level == LOWER);
        let mut cuts = 0;
        let most = i64::from(self.rows) * if self.behind { CUTS } else { 1 };
        for block in lower {
            if block.live == 0 && block.first != LOWEST {
                self.remove(&block).await?;
            }
            if block.live > most && cuts < CUTS {
                cuts += self.cut(&block, CUTS - cuts).await?;
            }
        }
        if cuts > 0 {
            for mut block in upper {
                while let [rest] = self.cut_upper(&block).await?[..] {
                    block = rest;
                }
            }
        }
        Ok(())
    }

    fn sql(&self) -> Sql {
        Sql::new(self.backend, self.tenant)
    }

    async fn all(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.db.query_all_raw(sql.into_statement()).await?)
    }

    /// Adds them to the blocks that hold their objects; gives those blocks as they are then.
    async fn add(&self, first: i64, last: i64) -> Result<Vec<Block>, StoreError> {
        let mut sql = self.sql();
        sql.push("INSERT INTO live_blocks (tenant_id, kind, level, first_id, live) SELECT ").tenant();
        sql.push(
            ", x.kind, x.level, x.first_id, CAST(SUM(x.delta) AS integer) FROM (SELECT a.object_type AS kind, l.level, \
             a.live_delta AS delta, COALESCE((SELECT b.first_id FROM live_blocks b WHERE b.tenant_id = ",
        );
        sql.tenant().push(" AND b.kind = a.object_type AND b.level = l.level AND b.first_id <= ");
        object_id(&mut sql);
        sql.push(" ORDER BY b.first_id DESC LIMIT 1), ").bind(LOWEST);
        sql.push(") AS first_id FROM audit a CROSS JOIN (SELECT ").bind(LOWER);
        sql.push(" AS level UNION ALL SELECT ").bind(UPPER).push(") l WHERE a.tenant_id = ").tenant();
        sql.add(
            " AND a.seq >= ? AND a.seq <= ? AND a.live_delta IS NOT NULL) x GROUP BY x.kind, x.level, x.first_id \
             HAVING SUM(x.delta) <> 0 ON CONFLICT (tenant_id, kind, level, first_id) DO UPDATE SET \
             live = live_blocks.live + excluded.live RETURNING kind, level, first_id, live",
            [first.into(), last.into()],
        );
        self.all(sql).await?.iter().map(block).collect()
    }

    /// Removes an empty block: its ids belong to the block before it from here on, and so does what waits of them. It stays
    /// where an upper one begins.
    async fn remove(&self, block: &Block) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.push("DELETE FROM live_blocks WHERE tenant_id = ").tenant();
        sql.add(
            " AND kind = ? AND level = ? AND first_id = ? AND NOT EXISTS (SELECT 1",
            [block.kind.name().into(), block.level.into(), block.first.into()],
        );
        from_blocks(&mut sql, block.kind, UPPER);
        sql.push(" AND b.first_id = ").bind(block.first).push(" LIMIT 1)");
        self.all(sql).await?;
        Ok(())
    }

    /// Cuts a block of rows into parts of as many as one should have, of which the last may have fewer, with so many cuts at
    /// most; gives how many there were. Fewer: it has not the rows that it counts, as the end of some waits for its number.
    ///
    /// What a part counts is its rows without what waits of them, in the one snapshot of the one statement that finds all
    /// cuts; the rest is the last part's. So what waits, which may be very much, is looked through once.
    async fn cut(&self, block: &Block, most: i64) -> Result<i64, StoreError> {
        let (kind, rows) = (block.kind, i64::from(self.rows));
        let mut sql = self.sql();
        let (size, first) = (sql.slot(rows), sql.slot(block.first));
        sql.push("WITH cuts AS MATERIALIZED (SELECT p.id, p.place / ").put(size);
        sql.push(" AS number FROM (SELECT l.id, ROW_NUMBER() OVER (ORDER BY l.id) - 1 AS place FROM (SELECT r.id FROM ");
        sql.push(match kind {
            ResourceKind::User => "users r",
            ResourceKind::Group => "groups r",
        });
        sql.push(" WHERE r.tenant_id = ").tenant();
        sql.push(" AND r.deleted_at IS NULL AND r.id >= ")
            .put(first)
            .push(" AND r.id < (SELECT COALESCE((SELECT b.first_id");
        from_blocks(&mut sql, kind, LOWER);
        sql.push(" AND b.first_id > ").put(first).push(" ORDER BY b.first_id LIMIT 1), ").bind(Uuid::max());
        // A bound in a SELECT of its own reaches the index, under row-level security too.
        sql.push(")) ORDER BY r.id LIMIT ").bind(rows * most + 1);
        sql.push(") l) p WHERE p.place > 0 AND p.place % ").put(size);
        sql.push(" = 0), waiting AS MATERIALIZED (SELECT ");
        object_id(&mut sql);
        sql.push(" AS id, a.live_delta");
        from_waiting(&mut sql, kind);
        sql.push(" AND ");
        object_id(&mut sql);
        sql.push(" >= ").put(first).push(" AND ");
        object_id(&mut sql);
        // What the block counts from each cut on, and from the one before.
        sql.push(
            " < (SELECT c.id FROM cuts c ORDER BY c.id DESC LIMIT 1)), rests AS (SELECT c.id, c.number, ",
        )
        .bind(block.live);
        sql.push(" - c.number * ").put(size);
        sql.push(
            " + (SELECT COALESCE(SUM(w.live_delta), 0) FROM waiting w WHERE w.id < c.id) AS rest FROM cuts c), \
             made AS (SELECT s.id, s.number, s.rest FROM (SELECT r.*, LAG(r.rest, 1, ",
        );
        sql.bind(block.live)
            .push(") OVER (ORDER BY r.number) AS before FROM rests r) s WHERE s.before > ")
            .put(size);
        sql.push(") INSERT INTO live_blocks (tenant_id, kind, level, first_id, live) SELECT ").tenant();
        sql.add(
            ", ?, ?, m.id, CAST(m.rest - LEAD(m.rest, 1, CAST(0 AS bigint)) OVER (ORDER BY m.number) AS integer) FROM made m",
            [kind.name().into(), LOWER.into()],
        );
        Ok(self.cut_off(block, sql).await?.len() as i64)
    }

    /// Cuts a block of blocks, if it reaches over too many.
    async fn cut_upper(&self, block: &Block) -> Result<Vec<Block>, StoreError> {
        let kind = block.kind;
        let mut sql = self.sql();
        // Where the next one begins.
        sql.push("WITH ends AS (SELECT COALESCE((SELECT b.first_id");
        from_blocks(&mut sql, kind, UPPER);
        sql.push(" AND b.first_id > ").bind(block.first).push(" ORDER BY b.first_id LIMIT 1), ");
        sql.bind(Uuid::max()).push(") AS id), cut AS (SELECT b.first_id AS id");
        from_blocks(&mut sql, kind, LOWER);
        sql.push(" AND b.first_id >= ").bind(block.first).push(" AND b.first_id < (SELECT e.id FROM ends e)");
        let reach = (self.rows / 4).clamp(3, REACH);
        sql.add(" ORDER BY b.first_id LIMIT 1 OFFSET ?)", [i64::from(reach).into()]);
        sql.push(" INSERT INTO live_blocks (tenant_id, kind, level, first_id, live) SELECT ").tenant();
        sql.add(", ?, ?, c.id, CAST((SELECT COALESCE(SUM(b.live), 0)", [kind.name().into(), UPPER.into()]);
        from_blocks(&mut sql, kind, LOWER);
        sql.push(
            " AND b.first_id >= c.id AND b.first_id < (SELECT e.id FROM ends e)) AS integer) FROM cut c",
        );
        self.cut_off(block, sql).await
    }

    /// Runs a statement that makes the further parts of a block, and takes what those count from the first part; gives them.
    async fn cut_off(&self, block: &Block, mut sql: Sql) -> Result<Vec<Block>, StoreError> {
        sql.push(" RETURNING kind, level, first_id, live");
        let parts: Result<Vec<Block>, StoreError> = self.all(sql).await?.iter().map(self::block).collect();
        let parts = parts?;
        if parts.is_empty() {
            return Ok(parts);
        }
        let live: i64 = parts.iter().map(|part| part.live).sum();
        let mut sql = self.sql();
        sql.push("UPDATE live_blocks SET live = live - ").bind(live).push(" WHERE tenant_id = ").tenant();
        sql.add(
            " AND kind = ? AND level = ? AND first_id = ?",
            [block.kind.name().into(), block.level.into(), block.first.into()],
        );
        self.all(sql).await?;
        Ok(parts)
    }
}

/// A row of kind, level, first id and count.
fn block(row: &QueryResult) -> Result<Block, StoreError> {
    let kind: String = row.try_get_by_index(0)?;
    let kind = [ResourceKind::User, ResourceKind::Group].into_iter().find(|known| known.name() == kind);
    Ok(Block {
        kind: kind.ok_or_else(|| unreadable("live_blocks.kind", "neither User nor Group"))?,
        level: row.try_get_by_index(1)?,
        first: row.try_get_by_index(2)?,
        live: i64::from(row.try_get_by_index::<i32>(3)?),
    })
}
