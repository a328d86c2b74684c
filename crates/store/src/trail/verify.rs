//! Whether a trail is what was written: every number there once, every entry with its hash, every payload with its digest
//! unless it was purged, and the end where the sequencer left it.

mod erased;

use std::fmt;

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::{Owner, Row, chain};
use crate::{
    Platform, Store, StoreError, TenantScope,
    error::unreadable,
    outgoing::Transaction,
    statement::Sql,
    store::Backend,
    tx::{PlatformTx, set_tenant},
};

/// Entries that one step of a check reads.
pub const STEP: i64 = 500;

/// Entries that wait for a number are counted up to here.
pub const MOST_WAITING: i64 = 1_000;

/// The first entry of a trail that is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its number.
    pub number: i64,
    /// What is wrong.
    pub what: Wrong,
}

/// What can be wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It was removed.
    Missing,
    /// It is not what was written here: changed, moved from another place, or put in.
    Changed,
    /// Its content (`payload`) was changed, or taken away although nobody was purged.
    Payload,
    /// It stands behind the end of the trail, or the end was changed.
    End,
}

/// A sentence, with a full stop.
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        match self.what {
            Wrong::Missing => write!(out, "Entry {number} is missing: it was removed from the database."),
            Wrong::Changed => write!(
                out,
                "Entry {number} is not what was written: it was changed, moved or inserted in the database."
            ),
            Wrong::Payload => {
                write!(out, "The content of entry {number} was changed or removed in the database.")
            }
            Wrong::End => write!(
                out,
                "The end of the trail does not fit: from entry {number} on, entries or the noted end were changed in the \
                 database."
            ),
        }
    }
}

/// What a finished check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// All entries up to this number are what was written.
    pub through: i64,
    /// Of so many of them the payload was purged; they are proven all the same.
    pub purged: i64,
    /// What is wrong behind that, if something is.
    pub fault: Option<Fault>,
    /// When, in milliseconds.
    pub at: i64,
}

/// How far a check is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// All entries up to this number are what was written.
    pub through: i64,
    /// See [`Check::purged`].
    pub purged: i64,
    chain: Vec<u8>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { through: 0, purged: 0, chain: chain::START.to_vec() }
    }
}

/// What a step of a check leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to look at.
    More(Walk),
    /// It came to the end, or to a fault.
    Done(Check),
}

/// A trail as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailState {
    /// Number of the newest entry; 0 when there is none.
    pub head: i64,
    /// Its hash. Who keeps it elsewhere can prove later that nothing up to it was written anew.
    pub chain: Vec<u8>,
    /// Entries that have no number yet, counted up to [`MOST_WAITING`].
    pub waiting: i64,
    /// The last check that came to its end.
    pub check: Option<Check>,
    /// Up to which number the check that is under way has come, and when it began (milliseconds).
    pub running: Option<(i64, i64)>,
}

impl TenantScope {
    /// How long the trail is, and what is known of its chain.
    pub async fn trail_state(&self) -> Result<TrailState, StoreError> {
        let tx = self.read().await?;
        Reading { db: &tx.db, owner: Owner::Tenant(tx.tenant), backend: tx.backend }.state().await
    }

    /// Goes on with a check that the caller carries out, [`STEP`] entries further.
    pub async fn verify_trail(&self, walk: Walk) -> Result<Step, StoreError> {
        let tx = self.read().await?;
        Reading { db: &tx.db, owner: Owner::Tenant(tx.tenant), backend: tx.backend }.step(walk, tx.now).await
    }

    /// Asks for a check, which the servers of the installation carry out; one that is under way goes on.
    pub async fn request_check(&self) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        request(tx, Owner::Tenant(self.tenant), self.inner.backend).await
    }

    /// Keeps what a check that the caller carried out came to.
    pub async fn keep_check(&self, check: &Check) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        keep(tx, Owner::Tenant(self.tenant), self.inner.backend, check).await
    }
}

impl Platform {
    /// As [`TenantScope::trail_state`].
    pub async fn trail_state(&self) -> Result<TrailState, StoreError> {
        let owner = self.owner().await?;
        let tx = self.inner.begin_read().await?;
        Reading { db: &tx.db, owner, backend: self.inner.backend }.state().await
    }

    /// As [`TenantScope::verify_trail`].
    pub async fn verify_trail(&self, walk: Walk) -> Result<Step, StoreError> {
        let owner = self.owner().await?;
        let tx = self.inner.begin_read().await?;
        Reading { db: &tx.db, owner, backend: self.inner.backend }.step(walk, tx.now).await
    }

    /// As [`TenantScope::request_check`].
    pub async fn request_check(&self) -> Result<(), StoreError> {
        let owner = self.owner().await?;
        request(self.inner.begin_write().await?, owner, self.inner.backend).await
    }

    /// As [`TenantScope::keep_check`].
    pub async fn keep_check(&self, check: &Check) -> Result<(), StoreError> {
        let owner = self.owner().await?;
        keep(self.inner.begin_write().await?, owner, self.inner.backend, check).await
    }
}

impl Store {
    /// Goes one step further with the oldest check that was asked for; `false` when there is none. Several nodes may do it
    /// at once: a step that another one was faster with is worth nothing.
    pub async fn check_step(&self) -> Result<bool, StoreError> {
        let backend = self.inner.backend;
        let mut sql = Sql::new(backend, uuid::Uuid::nil());
        sql.push(
            "SELECT t.owner, t.run_started_at, t.run_seq, t.run_chain, t.run_purged FROM trails t \
             WHERE t.run_started_at IS NOT NULL ORDER BY t.run_started_at LIMIT 1",
        );
        let Some(row) = self.inner.db.query_one_raw(sql.into_statement()).await? else { return Ok(false) };
        let installation = self.platform().owner().await?;
        let id: uuid::Uuid = row.try_get_by_index(0)?;
        let owner = if id == installation.id() { installation } else { Owner::Tenant(id) };
        let started: i64 = row.try_get_by_index(1)?;
        let walk = Walk {
            through: row.try_get_by_index(2)?,
            chain: row.try_get_by_index(3)?,
            purged: row.try_get_by_index(4)?,
        };
        let before = walk.through;

        let tx = self.inner.begin_read().await?;
        if let Owner::Tenant(tenant) = owner {
            set_tenant(&tx.db, backend, tenant).await?;
        }
        let step = Reading { db: &tx.db, owner, backend }.step(walk, tx.now).await?;
        drop(tx);

        let tx = self.inner.begin_write().await?;
        let mut sql = owner.sql(backend);
        match &step {
            Step::More(walk) => sql.add(
                "UPDATE trails SET run_seq = ?, run_chain = ?, run_purged = ?",
                [walk.through.into(), walk.chain.clone().into(), walk.purged.into()],
            ),
            Step::Done(check) => {
                sql.push("UPDATE trails SET run_started_at = NULL");
                finished(&mut sql, check)?
            }
        };
        sql.push(" WHERE owner = ").tenant();
        sql.add(" AND run_started_at = ? AND run_seq = ?", [started.into(), before.into()]);
        tx.db.execute_raw(sql.into_statement()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// `, check_at = …`.
fn finished<'s>(sql: &'s mut Sql, check: &Check) -> Result<&'s mut Sql, StoreError> {
    let fault = check.fault.map(|fault| serde_json::to_string(&fault)).transpose();
    let fault = fault.map_err(|error| unreadable("trails.check_fault", error))?;
    Ok(sql.add(
        ", check_at = ?, check_seq = ?, check_purged = ?, check_fault = ?",
        [check.at.into(), check.through.into(), check.purged.into(), fault.into()],
    ))
}

/// Makes the row of a trail that has none yet.
async fn ensure(db: &Transaction, owner: Owner, backend: Backend) -> Result<(), StoreError> {
    let mut sql = owner.sql(backend);
    sql.push("INSERT INTO trails (owner, audit_seq, audit_chain, outbox_seq) VALUES (").tenant();
    sql.add(", 0, ?, 0) ON CONFLICT (owner) DO NOTHING", [chain::START.to_vec().into()]);
    db.execute_raw(sql.into_statement()).await?;
    Ok(())
}

async fn request(tx: PlatformTx, owner: Owner, backend: Backend) -> Result<(), StoreError> {
    ensure(&tx.db, owner, backend).await?;
    let mut sql = owner.sql(backend);
    sql.add(
        "UPDATE trails SET run_started_at = ?, run_seq = 0, run_chain = ?, run_purged = 0",
        [tx.now.into(), chain::START.to_vec().into()],
    );
    sql.push(" WHERE run_started_at IS NULL AND owner = ").tenant();
    tx.db.execute_raw(sql.into_statement()).await?;
    // Wakes whoever carries it out.
    tx.note_recorded();
    tx.commit().await
}

async fn keep(tx: PlatformTx, owner: Owner, backend: Backend, check: &Check) -> Result<(), StoreError> {
    ensure(&tx.db, owner, backend).await?;
    let mut sql = owner.sql(backend);
    sql.push("UPDATE trails SET owner = owner");
    finished(&mut sql, check)?.push(" WHERE owner = ").tenant();
    tx.db.execute_raw(sql.into_statement()).await?;
    tx.commit().await
}

struct Reading<'a> {
    db: &'a Transaction,
    owner: Owner,
    backend: Backend,
}

impl Reading<'_> {
    fn sql(&self) -> Sql {
        self.owner.sql(self.backend)
    }

    async fn state(&self) -> Result<TrailState, StoreError> {
        let mut sql = self.sql();
        sql.push(
            "SELECT t.audit_seq, t.audit_chain, t.run_seq, t.run_started_at, t.check_at, t.check_seq, t.check_purged, \
             t.check_fault FROM trails t WHERE t.owner = ",
        )
        .tenant();
        let mut state = TrailState::default();
        if let Some(row) = self.db.query_one_raw(sql.into_statement()).await? {
            state.head = row.try_get_by_index(0)?;
            state.chain = row.try_get_by_index(1)?;
            let running: (Option<i64>, Option<i64>) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            state.running = running.0.zip(running.1);
            if let Some(at) = row.try_get_by_index(4)? {
                let fault: Option<String> = row.try_get_by_index(7)?;
                let fault = fault.map(|fault| serde_json::from_str(&fault)).transpose();
                state.check = Some(Check {
                    at,
                    through: row.try_get_by_index::<Option<i64>>(5)?.unwrap_or_default(),
                    purged: row.try_get_by_index::<Option<i64>>(6)?.unwrap_or_default(),
                    fault: fault.map_err(|error| unreadable("trails.check_fault", error))?,
                });
            }
        }
        let mut sql = self.sql();
        sql.push("SELECT COUNT(*) FROM (SELECT 1 AS one");
        self.owner.unnumbered(&mut sql).push(" LIMIT ").bind(MOST_WAITING).push(") w");
        if let Some(row) = self.db.query_one_raw(sql.into_statement()).await? {
            state.waiting = row.try_get_by_index(0)?;
        }
        Ok(state)
    }

    async fn step(&self, walk: Walk, now: i64) -> Result<Step, StoreError> {
        // In this order: what is numbered meanwhile must not look as if it stood behind the end.
        let mut sql = self.sql();
        sql.push("SELECT a.seq");
        self.owner.rows(&mut sql).push("a.seq IS NOT NULL ORDER BY a.seq DESC LIMIT 1");
        let newest = self.db.query_one_raw(sql.into_statement()).await?;
        let newest: i64 = newest.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let mut sql = self.sql();
        sql.push("SELECT t.audit_seq, t.audit_chain FROM trails t WHERE t.owner = ").tenant();
        let head = self.db.query_one_raw(sql.into_statement()).await?;
        let head: Option<(i64, Vec<u8>)> = head
            .map(|row| Ok::<_, StoreError>((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
            .transpose()?;
        let (head, head_chain) = head.unwrap_or((0, chain::START.to_vec()));

        if walk.through == 0
            && let Some(number) = self.below_the_first().await?
        {
            let fault = Some(Fault { number, what: Wrong::Changed });
            return Ok(Step::Done(Check { through: 0, purged: 0, fault, at: now }));
        }
        let mut sql = self.sql();
        self.owner.select(&mut sql).push("a.seq > ").bind(walk.through);
        sql.push(" AND a.seq <= ").bind(head).push(" ORDER BY a.seq LIMIT ").bind(STEP);
        let rows = self.db.query_all_raw(sql.into_statement()).await?;
        let full = rows.len() as i64 >= STEP;
        let rows: Vec<Option<Row>> = rows.iter().map(|row| Row::read(self.owner, true, row).ok()).collect();
        let erased = self.erased(&rows).await?;
        let mut walk = walk;
        let done = |walk: &Walk, fault| {
            let fault = Fault { number: walk.through + 1, what: fault };
            Ok(Step::Done(Check { through: walk.through, purged: walk.purged, fault: Some(fault), at: now }))
        };
        for row in &rows {
            // What cannot even be read was not written by Rollcall.
            let Some(row) = row else { return done(&walk, Wrong::Changed) };
            let number = walk.through + 1;
            if row.seq != Some(number) {
                return done(&walk, Wrong::Missing);
            }
            let hash = row.hash(self.owner, number, &walk.chain);
            if row.chain.as_deref() != Some(hash.as_slice()) {
                return done(&walk, Wrong::Changed);
            }
            match row.payload_holds() {
                Some(true) => {}
                Some(false) => return done(&walk, Wrong::Payload),
                None if !erased.explains(row) => return done(&walk, Wrong::Payload),
                None => walk.purged += 1,
            }
            walk = Walk { through: number, chain: hash.to_vec(), ..walk };
        }
        if full {
            return Ok(Step::More(walk));
        }
        if walk.through < head {
            return done(&walk, Wrong::Missing);
        }
        if newest > head || walk.chain != head_chain {
            return done(&walk, Wrong::End);
        }
        Ok(Step::Done(Check { through: walk.through, purged: walk.purged, fault: None, at: now }))
    }
    /// The number of an entry that stands before the first one, where none can.
    async fn below_the_first(&self) -> Result<Option<i64>, StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT a.seq");
        self.owner.rows(&mut sql).push("a.seq IS NOT NULL AND a.seq < 1 ORDER BY a.seq LIMIT 1");
        let row = self.db.query_one_raw(sql.into_statement()).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }
}
