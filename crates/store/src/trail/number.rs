//! The sequencer: gives committed entries and events their numbers, tenant by tenant, without gaps, and extends the chain.
//!
//! A change only appends its rows; nobody waits for a counter. Afterwards this numbers what no older transaction can
//! precede any more, in bounded batches. Any node may do it; one does at a time.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{Owner, Row, chain};
use crate::{
    Store, StoreError, TenantId,
    error::unreadable,
    feed::{self, Numbered},
    live::Blocks,
    outgoing::Transaction,
    statement::Sql,
    store::Backend,
    tx::{PlatformTx, set_tenant},
};

/// Entries that one transaction numbers. SQLite's one writer should not be kept for long.
const fn batch(backend: Backend) -> i64 {
    match backend {
        Backend::Postgres => 2_000,
        Backend::Sqlite => 500,
    }
}

/// Tenants asked for at once.
const TENANTS: i64 = 200;

/// Key of the advisory lock that makes one node number at a time: the bytes `rcnumber`.
const LOCK: i64 = i64::from_be_bytes(*b"rcnumber");

/// The transaction of a row is over, and every one that began before it. Rows of a restored database have transactions that
/// are still to come.
const SETTLED: &str = "(a.xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())) \
     OR a.xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot())))";

/// What one round of numbering did.
#[derive(Debug, Default)]
pub struct Round {
    /// Entries that got a number; events got theirs with them.
    pub numbered: u64,
    /// A batch was full, so there is probably more.
    pub more: bool,
    /// What could not be numbered, the last of them: of this tenant, or of the installation.
    pub failed: Option<(Option<TenantId>, StoreError)>,
}

impl Store {
    /// Waits until entries were committed through this store. Those of other nodes are not told: look once a second.
    pub async fn recorded(&self) {
        self.inner.recorded.notified().await;
    }

    /// Waits until this node has given events their numbers: they stand in the feed. Those that other nodes number are not
    /// told.
    pub fn numbered(&self) -> impl Future<Output = ()> + Send + 'static {
        // Counts from here on, not from when it is first looked at.
        let mut told = Box::pin(self.inner.numbered.clone().notified_owned());
        told.as_mut().enable();
        told
    }

    /// Numbers a batch of each trail and outbox that has something to number. Call it again as long as it finds some.
    pub async fn number(&self) -> Result<Round, StoreError> {
        let mut round = Round::default();
        let full = batch(self.inner.backend);
        let installation = self.platform().owner().await?;
        round.note(full, None, self.number_batch(installation).await);
        let mut past = Uuid::nil();
        loop {
            let tenants = self.tenants_to_number(past).await?;
            for tenant in &tenants {
                round.note(full, Some(TenantId(*tenant)), self.number_batch(Owner::Tenant(*tenant)).await);
            }
            match tenants.last() {
                Some(last) if tenants.len() as i64 >= TENANTS => past = *last,
                _ => break,
            }
        }
        if round.numbered > 0 {
            self.inner.numbered.notify_waiters();
        }
        Ok(round)
    }

    /// Those above `past` that have rows to number, in order.
    pub(crate) async fn tenants_to_number(&self, past: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, past);
        match self.inner.backend {
            Backend::Postgres => {
                sql.add("SELECT t.* FROM tenants_to_number(?, ?) t", [past.into(), TENANTS.into()]);
            }
            Backend::Sqlite => {
                sql.push("WITH RECURSIVE found (tenant) AS (SELECT ").bind(past);
                sql.push(
                    " UNION ALL SELECT (SELECT a.tenant_id FROM audit a INDEXED BY audit_unnumbered \
                     WHERE a.seq IS NULL AND a.tenant_id > f.tenant ORDER BY a.tenant_id LIMIT 1) FROM found f WHERE f.tenant IS NOT NULL) \
                     SELECT f.tenant FROM found f WHERE f.tenant > ",
                );
                sql.bind(past).push(" LIMIT ").bind(TENANTS);
            }
        }
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Gives places in the feed to events that a node of an older version has numbered meanwhile; gives of how many tenants.
    pub async fn place_left_out(&self) -> Result<u64, StoreError> {
        let mut sql = Sql::new(self.inner.backend, Uuid::nil());
        sql.push("SELECT t.owner FROM trails t WHERE t.feed_seq < t.outbox_seq LIMIT ").bind(TENANTS);
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        for row in &rows {
            let owner = Owner::Tenant(row.try_get_by_index(0)?);
            if let Some(tx) = self.numbering(owner).await? {
                self.batch(&tx, owner).place_left_out().await?;
                tx.commit().await?;
            }
        }
        Ok(rows.len() as u64)
    }

    /// One batch of a trail and its outbox, in one transaction.
    async fn number_batch(&self, owner: Owner) -> Result<u64, StoreError> {
        if let Owner::Installation(_) = owner {
            // Mostly there is nothing, and SQLite's one writer is asked for nothing.
            let mut sql = owner.sql(self.inner.backend);
            sql.push("SELECT 1");
            owner.unnumbered(&mut sql).push(" LIMIT 1");
            if self.inner.db.query_one_raw(sql.into_statement()).await?.is_none() {
                return Ok(0);
            }
        }
        let Some(tx) = self.numbering(owner).await? else { return Ok(0) };
        let numbered = self.batch(&tx, owner).number().await?;
        tx.commit().await?;
        Ok(numbered)
    }

    /// Begins a transaction that gives numbers. `None`: another one does.
    async fn numbering(&self, owner: Owner) -> Result<Option<PlatformTx>, StoreError> {
        let tx = self.inner.begin_write().await?;
        if let Owner::Tenant(tenant) = owner {
            set_tenant(&tx.db, self.inner.backend, tenant).await?;
        }
        Ok(is_mine(&tx.db, owner, self.inner.backend).await?.then_some(tx))
    }

    fn batch<'a>(&self, tx: &'a PlatformTx, owner: Owner) -> Batch<'a> {
        Batch {
            db: &tx.db,
            owner,
            backend: self.inner.backend,
            block_rows: self.inner.block_rows,
            now: tx.now,
        }
    }
}

impl Round {
    fn note(&mut self, full: i64, tenant: Option<TenantId>, outcome: Result<u64, StoreError>) {
        match outcome {
            Ok(numbered) => {
                self.numbered += numbered;
                self.more |= numbered >= full as u64;
            }
            Err(error) => self.failed = Some((tenant, error)),
        }
    }
}

/// Is it this transaction that numbers now? On SQLite it is: there is one writer.
async fn is_mine(db: &Transaction, owner: Owner, backend: Backend) -> Result<bool, StoreError> {
    if backend == Backend::Sqlite {
        return Ok(true);
    }
    let mut sql = owner.sql(backend);
    sql.add("SELECT pg_try_advisory_xact_lock(?)", [LOCK.into()]);
    let row = db.query_one_raw(sql.into_statement()).await?;
    row.map_or(Ok(false), |row| Ok(row.try_get_by_index(0)?))
}

struct Batch<'a> {
    db: &'a Transaction,
    owner: Owner,
    backend: Backend,
    block_rows: u32,
    /// Milliseconds.
    now: i64,
}

/// Entries that may be numbered now.
struct Ready {
    rows: Vec<Row>,
    /// Does any of them change the number of live users or groups?
    moves_totals: bool,
    /// Is there more than one batch?
    behind: bool,
}

/// The end of a trail.
struct Head {
    seq: i64,
    chain: Vec<u8>,
    outbox: i64,
    /// Up to here events have their place in the feed.
    feed: i64,
}

impl Batch<'_> {
    fn sql(&self) -> Sql {
        self.owner.sql(self.backend)
    }

    async fn number(&self) -> Result<u64, StoreError> {
        let mut head = self.head().await?;
        let (mut entries, mut events) = (Vec::new(), Vec::new());
        let first = head.seq + 1;
        let Ready { rows, moves_totals, behind } = self.entries().await?;
        for row in &rows {
            head.seq += 1;
            head.chain = row.hash(self.owner, head.seq, &head.chain).to_vec();
            entries.push(Given { id: row.id, seq: head.seq, chain: head.chain.clone() });
        }
        for id in self.events(&rows).await? {
            head.outbox += 1;
            events.push(Given { id, seq: head.outbox, chain: Vec::new() });
        }
        if entries.is_empty() {
            return Ok(0);
        }
        self.give(&entries, true).await?;
        self.give(&events, false).await?;
        self.place(&head).await?;
        self.keep(&head).await?;
        if let (true, Owner::Tenant(tenant)) = (moves_totals, self.owner) {
            let blocks = Blocks { db: self.db, tenant, backend: self.backend, rows: self.block_rows, behind };
            blocks.follow(first, head.seq).await?;
        }
        Ok(entries.len() as u64)
    }

    /// Gives the tenant's events that have none a place in the feed.
    async fn place(&self, head: &Head) -> Result<(), StoreError> {
        let Owner::Tenant(tenant) = self.owner else { return Ok(()) };
        let numbered = Numbered { tenant, after: head.feed, last: head.outbox };
        feed::add(self.db, self.backend, &numbered, self.now).await
    }

    /// The same of those that a node of an older version has numbered.
    async fn place_left_out(&self) -> Result<(), StoreError> {
        let head = self.head().await?;
        self.place(&head).await?;
        self.keep(&head).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let mut sql = self.sql();
        sql.push(
            "SELECT t.audit_seq, t.audit_chain, t.outbox_seq, t.feed_seq FROM trails t WHERE t.owner = ",
        )
        .tenant();
        sql.dialect(" FOR UPDATE", "");
        let row = self.db.query_one_raw(sql.into_statement()).await?;
        let Some(row) = row else {
            return Ok(Head { seq: 0, chain: chain::START.to_vec(), outbox: 0, feed: 0 });
        };
        Ok(Head {
            seq: row.try_get_by_index(0)?,
            chain: row.try_get_by_index(1)?,
            outbox: row.try_get_by_index(2)?,
            feed: row.try_get_by_index(3)?,
        })
    }

    async fn keep(&self, head: &Head) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.push("INSERT INTO trails (owner, audit_seq, audit_chain, outbox_seq, feed_seq) VALUES (")
            .tenant();
        let outbox = head.outbox.into();
        sql.add(", ?, ?, ?, ?)", [head.seq.into(), head.chain.clone().into(), head.outbox.into(), outbox]);
        sql.push(
            " ON CONFLICT (owner) DO UPDATE SET audit_seq = excluded.audit_seq, audit_chain = excluded.audit_chain, \
             outbox_seq = excluded.outbox_seq, feed_seq = excluded.feed_seq",
        );
        self.db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    /// Entries that may be numbered now, in order: that of the ids. Clocks differ from node to node, so an entry waits for
    /// those of its object with a lower version that would come after it, or that have to wait themselves. The one with an
    /// object's lowest version never waits, so each round goes on.
    async fn entries(&self) -> Result<Ready, StoreError> {
        let mut sql = self.sql();
        self.owner.columns(&mut sql).push(match self.owner {
            Owner::Tenant(_) => ", a.live_delta",
            Owner::Installation(_) => ", NULL AS live_delta",
        });
        self.owner.unnumbered(&mut sql);
        if self.backend == Backend::Postgres {
            sql.push(" AND ").push(SETTLED);
        }
        let full = batch(self.backend);
        // One more, to see whether there is one.
        sql.push(" ORDER BY a.id LIMIT ").bind(full + 1);
        let mut rows = self.db.query_all_raw(sql.into_statement()).await?;
        let behind = rows.len() as i64 > full;
        if behind {
            rows.pop();
        }
        let mut moves_totals = false;
        for row in &rows {
            moves_totals |= row.try_get::<Option<i16>>("", "live_delta")?.is_some();
        }
        let rows: Result<Vec<Row>, StoreError> =
            rows.iter().map(|row| Row::read(self.owner, false, row)).collect();
        let mut rows = rows?;
        let earlier = self.earlier(&rows).await?;
        rows.retain(|row| {
            let of_object = earlier.get(&row.object_id).into_iter().flatten();
            !of_object.into_iter().any(|other| {
                // Of some objects that are gone no version is known: 0.
                (1..row.object_version).contains(&other.version) && (!other.settled || other.id > row.id)
            })
        });
        Ok(Ready { rows, moves_totals, behind })
    }

    /// What waits for its number of the objects of these rows, as far as their versions say that there may be something
    /// before them.
    async fn earlier(&self, rows: &[Row]) -> Result<HashMap<String, Vec<Waiting>>, StoreError> {
        let objects: HashSet<&str> =
            rows.iter().filter(|row| row.object_version > 1).map(|row| row.object_id.as_str()).collect();
        if objects.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = self.sql();
        sql.push("SELECT a.object_id, a.id, a.object_version, ");
        match self.backend {
            Backend::Postgres => {
                sql.push("CASE WHEN ").push(SETTLED).push(" THEN 1::bigint ELSE 0::bigint END")
            }
            // There is one writer, so what is seen is settled.
            Backend::Sqlite => sql.push("1"),
        };
        // All that wait are gone through, and the objects are hashed: PostgreSQL knows nothing of a tenant that has just been
        // filled, and would compare each of its rows with each of the list.
        self.owner.unnumbered(&mut sql).push(" AND (a.object_id IN ").texts(objects).push(") IS TRUE");
        let mut found: HashMap<String, Vec<Waiting>> = HashMap::new();
        for row in self.db.query_all_raw(sql.into_statement()).await? {
            found.entry(row.try_get_by_index(0)?).or_default().push(Waiting {
                id: row.try_get_by_index(1)?,
                version: row.try_get_by_index(2)?,
                settled: row.try_get_by_index::<i64>(3)? == 1,
            });
        }
        Ok(found)
    }

    /// The events that came with these entries, in the same order. The installation has none.
    async fn events(&self, entries: &[Row]) -> Result<Vec<Uuid>, StoreError> {
        if matches!(self.owner, Owner::Installation(_)) || entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = self.sql();
        sql.push("SELECT o.id FROM outbox o WHERE o.tenant_id = ")
            .tenant()
            .push(" AND COALESCE(o.seq, 0) = 0 AND ");
        among(&mut sql, "o.id", entries.iter().map(|row| &row.id));
        let rows = self.db.query_all_raw(sql.into_statement()).await?;
        let there: Result<HashSet<Uuid>, StoreError> =
            rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect();
        let there = there?;
        Ok(entries.iter().map(|row| row.id).filter(|id| there.contains(id)).collect())
    }

    async fn give(&self, given: &[Given], entries: bool) -> Result<(), StoreError> {
        if given.is_empty() {
            return Ok(());
        }
        let update = match self.backend {
            Backend::Postgres => self.update_arrays(given, entries),
            Backend::Sqlite => self.update_list(given, entries),
        };
        let changed = self.db.execute_raw(update.into_statement()).await?.rows_affected();
        if changed == given.len() as u64 {
            return Ok(());
        }
        Err(unreadable("seq", format_args!("{changed} of {} rows took their number", given.len())))
    }

    fn table(&self, entries: bool) -> &'static str {
        match (self.owner, entries) {
            (Owner::Tenant(_), true) => "UPDATE audit AS a SET ",
            (Owner::Tenant(_), false) => "UPDATE outbox AS a SET ",
            (Owner::Installation(_), _) => "UPDATE platform_audit AS a SET ",
        }
    }

    /// Those rows of the owner that may be among the given ones.
    fn finish(&self, mut sql: Sql) -> Sql {
        if let Owner::Tenant(_) = self.owner {
            sql.push(" AND a.tenant_id = ").tenant();
        }
        sql
    }

    /// SQLite. The list is written down first, so that it has an index whichever of both is gone through: the rows are those
    /// between two ids, and never all that wait for each of the list.
    fn update_list(&self, given: &[Given], entries: bool) -> Sql {
        let list = given.iter().map(|one| serde_json::json!([one.id.simple(), hex(&one.chain)]));
        let list = serde_json::Value::Array(list.collect()).to_string();
        let mut sql = self.sql();
        sql.push("WITH x AS MATERIALIZED (SELECT key, unhex(value ->> 0) AS id, unhex(value ->> 1) AS chain FROM json_each(")
            .bind(list)
            .push(")) ")
            .push(self.table(entries));
        // As on PostgreSQL the place in the list gives the number.
        sql.push("seq = x.key + ").bind(given.first().map_or(0, |one| one.seq));
        if entries {
            sql.push(", chain = x.chain");
        }
        sql.push(" FROM x WHERE a.seq IS NULL AND a.id = x.id AND ");
        between(&mut sql, "a.id", given.iter().map(|one| &one.id));
        sql.push("TRUE");
        self.finish(sql)
    }

    /// PostgreSQL.
    fn update_arrays(&self, given: &[Given], entries: bool) -> Sql {
        // A batch is in the order of its ids and its numbers have no gaps, so a row's place among the ids gives its number.
        // Nothing is joined: a join might go through the whole tenant for each row of the batch.
        let list = |texts: Vec<String>| format!("{{{}}}", texts.join(","));
        let ids = list(given.iter().map(|one| one.id.to_string()).collect());
        let place = "width_bucket(a.id, (SELECT ";
        let mut sql = self.sql();
        let ids = sql.slot(ids);
        sql.push(self.table(entries))
            .push("seq = ")
            .bind(given.first().map_or(0, |one| one.seq) - 1)
            .push(" + ")
            .push(place)
            .put(ids);
        sql.push("::uuid[]))");
        if entries {
            let chains = list(given.iter().map(|one| format!(r#""\\x{}""#, hex(&one.chain))).collect());
            sql.push(", chain = (SELECT ")
                .bind(chains)
                .push("::bytea[])[")
                .push(place)
                .put(ids)
                .push("::uuid[]))]");
        }
        sql.push(" WHERE a.seq IS NULL AND ");
        among(&mut sql, "a.id", given.iter().map(|one| &one.id));
        self.finish(sql)
    }
}

/// The column holds one of these ids. They were committed one after the other, so this is a short piece of an index.
fn among<'a>(sql: &mut Sql, column: &'static str, ids: impl Iterator<Item = &'a Uuid> + Clone) {
    between(sql, column, ids.clone());
    sql.is_looked_up(column, ids);
}

/// It lies between the first and the last of these ids; ends with `AND`.
fn between<'a>(sql: &mut Sql, column: &'static str, ids: impl Iterator<Item = &'a Uuid> + Clone) {
    for (compare, end) in [(" >= ", ids.clone().min()), (" <= ", ids.clone().max())] {
        sql.push(column).push(compare).bind(end.copied().unwrap_or_default()).push(" AND ");
    }
}

/// An entry that waits for its number.
struct Waiting {
    id: Uuid,
    version: i64,
    /// Need it wait no longer?
    settled: bool,
}

/// A row and its number.
struct Given {
    id: Uuid,
    seq: i64,
    /// Of an entry.
    chain: Vec<u8>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
