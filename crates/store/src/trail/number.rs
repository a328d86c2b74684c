//! The sequencer: gives committed entries and events their numbers, tenant by tenant, without gaps, and extends the chain.
//!
//! A change only appends its rows; nobody waits for a counter. Afterwards this numbers what no older transaction can
//! precede any more, in bounded batches. Any node may do it; one does at a time.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use uuid::Uuid;

use super::{Owner, Row, chain};
use crate::{Store, StoreError, TenantId, error::unreadable, statement::Sql, store::Backend, tx::set_tenant};

/// Rows of a table that one transaction numbers.
pub const BATCH: i64 = 500;

/// Tenants asked for at once.
const TENANTS: i64 = 200;

/// Key of the advisory lock that makes one node number at a time: the bytes `rcnumber`.
const LOCK: i64 = i64::from_be_bytes(*b"rcnumber");

/// The transaction of a row is over, and every one that began before it. Rows of a restored database have transactions that
/// are still to come.
const SETTLED: &str = " AND (a.xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())) \
     OR a.xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot())))";
const EARLIER_WAITS: &str = " OR (e.xid >= (SELECT pg_snapshot_xmin(pg_current_snapshot())) \
     AND e.xid < (SELECT pg_snapshot_xmax(pg_current_snapshot())))";

/// What one round of numbering did.
#[derive(Debug, Default)]
pub struct Round {
    /// Rows that got a number.
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

    /// Numbers a batch of each trail and outbox that has something to number. Call it again as long as it finds some.
    pub async fn number(&self) -> Result<Round, StoreError> {
        let mut round = Round::default();
        let installation = self.platform().owner().await?;
        round.note(None, self.number_batch(installation).await);
        let mut past = Uuid::nil();
        loop {
            let tenants = self.tenants_to_number(past).await?;
            for tenant in &tenants {
                round.note(Some(TenantId(*tenant)), self.number_batch(Owner::Tenant(*tenant)).await);
            }
            match tenants.last() {
                Some(last) if tenants.len() as i64 >= TENANTS => past = *last,
                _ => return Ok(round),
            }
        }
    }

    /// Those above `past` that have rows to number, in order.
    async fn tenants_to_number(&self, past: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, past);
        match self.inner.backend {
            Backend::Postgres => {
                sql.add("SELECT t.* FROM tenants_to_number(?, ?) t", [past.into(), TENANTS.into()]);
            }
            Backend::Sqlite => {
                let past = sql.slot(past);
                let next = |sql: &mut Sql, table: &'static str, above: Option<crate::statement::Slot>| {
                    sql.push("SELECT (SELECT a.tenant_id FROM ").push(table);
                    sql.push(" a WHERE a.seq IS NULL AND a.tenant_id > ");
                    match above {
                        Some(slot) => sql.put(slot),
                        None => sql.push("t.tenant"),
                    };
                    sql.push(" ORDER BY a.tenant_id LIMIT 1)");
                };
                sql.push("WITH RECURSIVE trail (tenant) AS (");
                next(&mut sql, "audit", Some(past));
                sql.push(" UNION ALL ");
                next(&mut sql, "audit", None);
                sql.push(" FROM trail t WHERE t.tenant IS NOT NULL), events (tenant) AS (");
                next(&mut sql, "outbox", Some(past));
                sql.push(" UNION ALL ");
                next(&mut sql, "outbox", None);
                sql.push(" FROM events t WHERE t.tenant IS NOT NULL) ");
                sql.push("SELECT tenant FROM (SELECT tenant FROM trail UNION SELECT tenant FROM events) ");
                sql.add("WHERE tenant IS NOT NULL ORDER BY tenant LIMIT ?", [TENANTS.into()]);
            }
        }
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// One batch of a trail and its outbox, in one transaction.
    async fn number_batch(&self, owner: Owner) -> Result<u64, StoreError> {
        let backend = self.inner.backend;
        if let Owner::Installation(_) = owner {
            // Mostly there is nothing, and SQLite's one writer is asked for nothing.
            let mut sql = owner.sql(backend);
            sql.push("SELECT 1");
            owner.rows(&mut sql).push("a.seq IS NULL LIMIT 1");
            if self.inner.db.query_one_raw(sql.into_statement()).await?.is_none() {
                return Ok(0);
            }
        }
        let tx = self.inner.begin_write().await?;
        if let Owner::Tenant(tenant) = owner {
            set_tenant(&tx.db, backend, tenant).await?;
        }
        if !is_mine(&tx.db, owner, backend).await? {
            return Ok(0);
        }
        let batch = Batch { db: &tx.db, owner, backend };
        let numbered = batch.number().await?;
        tx.commit().await?;
        Ok(numbered)
    }
}

impl Round {
    fn note(&mut self, tenant: Option<TenantId>, outcome: Result<u64, StoreError>) {
        match outcome {
            Ok(numbered) => {
                self.numbered += numbered;
                self.more |= numbered >= BATCH as u64;
            }
            Err(error) => self.failed = Some((tenant, error)),
        }
    }
}

/// Is it this transaction that numbers now? On SQLite it is: there is one writer.
async fn is_mine(db: &DatabaseTransaction, owner: Owner, backend: Backend) -> Result<bool, StoreError> {
    if backend == Backend::Sqlite {
        return Ok(true);
    }
    let mut sql = owner.sql(backend);
    sql.add("SELECT pg_try_advisory_xact_lock(?)", [LOCK.into()]);
    let row = db.query_one_raw(sql.into_statement()).await?;
    row.map_or(Ok(false), |row| Ok(row.try_get_by_index(0)?))
}

struct Batch<'a> {
    db: &'a DatabaseTransaction,
    owner: Owner,
    backend: Backend,
}

/// The end of a trail.
struct Head {
    seq: i64,
    chain: Vec<u8>,
    outbox: i64,
}

impl Batch<'_> {
    fn sql(&self) -> Sql {
        self.owner.sql(self.backend)
    }

    async fn number(&self) -> Result<u64, StoreError> {
        let mut head = self.head().await?;
        let (mut entries, mut events) = (Vec::new(), Vec::new());
        for row in self.entries().await? {
            head.seq += 1;
            head.chain = row.hash(self.owner, head.seq, &head.chain).to_vec();
            entries.push(Given { id: row.id, seq: head.seq, chain: hex(&head.chain) });
        }
        for id in self.events().await? {
            head.outbox += 1;
            events.push(Given { id, seq: head.outbox, chain: String::new() });
        }
        if entries.is_empty() && events.is_empty() {
            return Ok(0);
        }
        self.give(&entries, true).await?;
        self.give(&events, false).await?;
        self.keep(&head).await?;
        Ok((entries.len() + events.len()) as u64)
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT t.audit_seq, t.audit_chain, t.outbox_seq FROM trails t WHERE t.owner = ").tenant();
        sql.dialect(" FOR UPDATE", "");
        let row = self.db.query_one_raw(sql.into_statement()).await?;
        let Some(row) = row else {
            return Ok(Head { seq: 0, chain: chain::START.to_vec(), outbox: 0 });
        };
        Ok(Head {
            seq: row.try_get_by_index(0)?,
            chain: row.try_get_by_index(1)?,
            outbox: row.try_get_by_index(2)?,
        })
    }

    async fn keep(&self, head: &Head) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.push("INSERT INTO trails (owner, audit_seq, audit_chain, outbox_seq) VALUES (").tenant();
        sql.add(", ?, ?, ?)", [head.seq.into(), head.chain.clone().into(), head.outbox.into()]);
        sql.push(
            " ON CONFLICT (owner) DO UPDATE SET audit_seq = excluded.audit_seq, audit_chain = excluded.audit_chain, \
             outbox_seq = excluded.outbox_seq",
        );
        self.db.execute_raw(sql.into_statement()).await?;
        Ok(())
    }

    /// Entries that may be numbered now, in order.
    async fn entries(&self) -> Result<Vec<Row>, StoreError> {
        let mut sql = self.sql();
        self.owner.select(&mut sql, false);
        let table = match self.owner {
            Owner::Tenant(_) => Table::Audit,
            Owner::Installation(_) => Table::Platform,
        };
        self.unnumbered(&mut sql, table);
        let rows = self.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Row::read(self.owner, false, row)).collect()
    }

    /// The same of the outbox; the installation has none.
    async fn events(&self) -> Result<Vec<Uuid>, StoreError> {
        if let Owner::Installation(_) = self.owner {
            return Ok(Vec::new());
        }
        let mut sql = self.sql();
        sql.push("SELECT a.id FROM outbox a WHERE a.tenant_id = ").tenant().push(" AND ");
        self.unnumbered(&mut sql, Table::Outbox);
        let rows = self.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// The condition and the order: that of the ids. Clocks differ from node to node, so a row waits for those of its object
    /// with a lower version that would come after it, or that have to wait themselves. The row with an object's lowest
    /// version never waits, so each round goes on. On SQLite there is one writer, so what is seen is settled.
    fn unnumbered(&self, sql: &mut Sql, table: Table) {
        sql.push("a.seq IS NULL").dialect(SETTLED, "").push(match table {
            Table::Audit => " AND NOT EXISTS (SELECT 1 FROM audit e WHERE e.tenant_id = a.tenant_id AND",
            Table::Outbox => " AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.tenant_id = a.tenant_id AND",
            Table::Platform => " AND NOT EXISTS (SELECT 1 FROM platform_audit e WHERE",
        });
        // Of some objects that are gone no version is known: 0.
        sql.push(
            " e.object_id = a.object_id AND e.seq IS NULL AND e.object_version > 0 \
             AND e.object_version < a.object_version AND (e.id > a.id",
        );
        sql.dialect(EARLIER_WAITS, "").push(") LIMIT 1) ORDER BY a.id LIMIT ").bind(BATCH);
    }

    async fn give(&self, given: &[Given], entries: bool) -> Result<(), StoreError> {
        if given.is_empty() {
            return Ok(());
        }
        let list = given
            .iter()
            .map(|one| serde_json::json!([one.id.simple().to_string(), one.seq.to_string(), one.chain]));
        let list = serde_json::Value::Array(list.collect()).to_string();
        let mut sql = self.sql();
        sql.push(match (self.owner, entries) {
            (Owner::Tenant(_), true) => "UPDATE audit AS a SET seq = w.seq, chain = w.chain FROM ",
            (Owner::Tenant(_), false) => "UPDATE outbox AS a SET seq = w.seq FROM ",
            (Owner::Installation(_), _) => {
                "UPDATE platform_audit AS a SET seq = w.seq, chain = w.chain FROM "
            }
        });
        sql.dialect(
            "(SELECT (value ->> 0)::uuid AS id, (value ->> 1)::bigint AS seq, decode(value ->> 2, 'hex') AS chain \
             FROM jsonb_array_elements(",
            "(SELECT unhex(value ->> 0) AS id, CAST(value ->> 1 AS integer) AS seq, unhex(value ->> 2) AS chain \
             FROM json_each(",
        );
        sql.bind(list).dialect("::jsonb)) AS w", ")) AS w").push(" WHERE a.id = w.id AND a.seq IS NULL");
        if let Owner::Tenant(_) = self.owner {
            sql.push(" AND a.tenant_id = ").tenant();
        }
        let changed = self.db.execute_raw(sql.into_statement()).await?.rows_affected();
        if changed == given.len() as u64 {
            return Ok(());
        }
        Err(unreadable("seq", format_args!("{changed} of {} rows took their number", given.len())))
    }
}

#[derive(Clone, Copy)]
enum Table {
    Audit,
    Outbox,
    Platform,
}

/// A row and its number.
struct Given {
    id: Uuid,
    seq: i64,
    /// Hexadecimal.
    chain: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
