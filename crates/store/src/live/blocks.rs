//! Keeping the blocks: by whoever gives numbers, in the transaction that gives them. Nobody else does, so what the numbered
//! entries did does not change between two of its statements.

use scim_core::ResourceKind;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};
use uuid::Uuid;

use super::{LOWER, LOWEST, UPPER, from_blocks, from_waiting, object_id};
use crate::{StoreError, error::unreadable, statement::Sql, store::Backend};

/// Blocks that one batch of numbers cuts off at most; what is still too large is cut with the next one that touches it.
const CUTS: usize = 16;

/// Blocks that an upper block reaches over, at most; for small blocks of rows fewer.
const REACH: u32 = 64;

/// The blocks of a tenant.
pub(crate) struct Blocks<'a> {
    pub(crate) db: &'a DatabaseTransaction,
    pub(crate) tenant: Uuid,
    pub(crate) backend: Backend,
    /// Rows of a block before it is cut.
    pub(crate) rows: u32,
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
        for mut block in lower {
            if block.live == 0 && block.first != LOWEST {
                self.remove(&block).await?;
            }
            while block.live > i64::from(self.rows) && cuts < CUTS {
                let Some(rest) = self.cut(&block).await? else { break };
                block = rest;
                cuts += 1;
            }
        }
        if cuts > 0 {
            for mut block in upper {
                while let Some(rest) = self.cut_upper(&block).await? {
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

    /// Cuts a block of rows after as many as one should have; gives its upper part. `None`: it has fewer rows than it counts,
    /// as the end of some waits for its number.
    ///
    /// What the lower part counts is its rows without what waits of them, in the one snapshot of the statement that finds the
    /// cut; the rest is the upper part's.
    async fn cut(&self, block: &Block) -> Result<Option<Block>, StoreError> {
        let (kind, rows) = (block.kind, i64::from(self.rows));
        let mut sql = self.sql();
        sql.push("WITH cut AS (SELECT r.id FROM ").push(match kind {
            ResourceKind::User => "users r",
            ResourceKind::Group => "groups r",
        });
        sql.push(" WHERE r.tenant_id = ").tenant();
        sql.push(" AND r.deleted_at IS NULL AND r.id >= ").bind(block.first);
        sql.add(" ORDER BY r.id LIMIT 1 OFFSET ?)", [rows.into()]);
        sql.push(" INSERT INTO live_blocks (tenant_id, kind, level, first_id, live) SELECT ").tenant();
        sql.add(
            ", ?, ?, c.id, CAST(? + (SELECT COALESCE(SUM(a.live_delta), 0)",
            [kind.name().into(), LOWER.into(), (block.live - rows).into()],
        );
        from_waiting(&mut sql, kind);
        sql.push(" AND ");
        object_id(&mut sql);
        sql.push(" >= ").bind(block.first).push(" AND ");
        object_id(&mut sql);
        sql.push(" < c.id) AS integer) FROM cut c WHERE NOT EXISTS (SELECT 1");
        from_blocks(&mut sql, kind, LOWER);
        sql.push(" AND b.first_id > ").bind(block.first).push(" AND b.first_id <= c.id LIMIT 1)");
        self.cut_off(block, sql).await
    }

    /// Cuts a block of blocks, if it reaches over too many.
    async fn cut_upper(&self, block: &Block) -> Result<Option<Block>, StoreError> {
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

    /// Runs a statement that makes the upper part of a block, and takes what that counts from the lower part.
    async fn cut_off(&self, block: &Block, mut sql: Sql) -> Result<Option<Block>, StoreError> {
        sql.push(" RETURNING kind, level, first_id, live");
        let Some(rest) = self.all(sql).await?.first().map(self::block).transpose()? else { return Ok(None) };
        let mut sql = self.sql();
        sql.push("UPDATE live_blocks SET live = live - ")
            .bind(rest.live)
            .push(" WHERE tenant_id = ")
            .tenant();
        sql.add(
            " AND kind = ? AND level = ? AND first_id = ?",
            [block.kind.name().into(), block.level.into(), block.first.into()],
        );
        self.all(sql).await?;
        Ok(Some(rest))
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
