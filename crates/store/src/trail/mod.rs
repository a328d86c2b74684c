//! Audit trails as they are read: numbered entries, of a tenant or of the installation; see [`number`] for how they get
//! their numbers, [`verify`] for whether they are what was written.

mod chain;
pub mod number;
mod search;
pub mod verify;
mod whose;

use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use self::chain::Link;
use crate::{
    Platform, StoreError, TenantScope, audit::Record, change::Actor, error::unreadable, record::digest,
    statement::Sql, store::Backend, words,
};

pub use search::{LOOKED_THROUGH, TrailPage, TrailQuery};
pub use whose::Trail;

/// Most words of a kind (events, names of actors) that are looked at.
const WORDS: i64 = 200;

/// What is read of every entry.
const COLUMNS: &str = "SELECT a.id, a.seq, a.event, a.object_type, a.object_id, a.object_version, a.actor_kind, \
     a.actor_id, a.actor_name, a.cause, a.at, a.chain";

/// A numbered entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place in the trail, from 1, without gaps.
    pub number: i64,
    /// What was done.
    pub record: Record,
    /// Salted digest (SHA-256) of the payload; of the installation's entries, which are never purged, without a salt.
    pub digest: Vec<u8>,
    /// Hash over this entry and the one before (SHA-256).
    pub chain: Vec<u8>,
}

/// Whose trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Tenant(Uuid),
    Installation(Uuid),
}

impl Owner {
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Tenant(id) | Self::Installation(id) => id,
        }
    }

    /// A statement on these rows.
    pub(crate) fn sql(self, backend: Backend) -> Sql {
        Sql::new(backend, self.id())
    }

    /// `FROM … WHERE … AND `: the owner's entries, called `a`.
    pub(crate) fn rows(self, sql: &mut Sql) -> &mut Sql {
        match self {
            Self::Tenant(_) => sql.push(" FROM audit a WHERE a.tenant_id = ").tenant().push(" AND "),
            Self::Installation(_) => sql.push(" FROM platform_audit a WHERE "),
        }
    }

    /// As [`Owner::rows`], of entries without a number. SQLite knows nothing of how few they are, and has to be told by which
    /// index to find them.
    pub(crate) fn unnumbered(self, sql: &mut Sql) -> &mut Sql {
        match self {
            Self::Tenant(_) => sql
                .push(" FROM audit a")
                .dialect("", " INDEXED BY audit_unnumbered")
                .push(" WHERE a.tenant_id = ")
                .tenant()
                .push(" AND a.seq IS NULL"),
            Self::Installation(_) => sql
                .push(" FROM platform_audit a")
                .dialect("", " INDEXED BY platform_audit_unnumbered")
                .push(" WHERE a.seq IS NULL"),
        }
    }

    /// The columns of a [`Row`] without its payload.
    pub(crate) fn columns(self, sql: &mut Sql) -> &mut Sql {
        sql.push(COLUMNS).push(match self {
            Self::Tenant(_) => ", a.digest",
            Self::Installation(_) => ", a.payload",
        })
    }

    /// As [`Owner::rows`], after the columns of a [`Row`] with its payload.
    pub(crate) fn select(self, sql: &mut Sql) -> &mut Sql {
        self.columns(sql);
        match self {
            Self::Tenant(_) => sql
                .push(
                    ", p.salt, p.body FROM audit a LEFT JOIN payloads p ON p.tenant_id = a.tenant_id AND \
                     p.id = a.payload_id WHERE a.tenant_id = ",
                )
                .tenant()
                .push(" AND "),
            Self::Installation(_) => self.rows(sql),
        }
    }
}

/// An entry as it stands in the table.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) seq: Option<i64>,
    event: String,
    object_type: String,
    object_id: String,
    object_version: i64,
    actor_kind: String,
    actor_id: String,
    actor_name: String,
    cause: String,
    at: i64,
    pub(crate) chain: Option<Vec<u8>>,
    digest: Vec<u8>,
    salt: Vec<u8>,
    /// The payload, if it was asked for and is still there.
    body: Option<String>,
}

impl Row {
    /// Of a statement of [`Owner::select`], or without payloads of [`Owner::columns`].
    pub(crate) fn read(owner: Owner, payloads: bool, row: &QueryResult) -> Result<Self, StoreError> {
        let mut read = Self {
            id: row.try_get_by_index(0)?,
            seq: row.try_get_by_index(1)?,
            event: row.try_get_by_index(2)?,
            object_type: row.try_get_by_index(3)?,
            object_id: row.try_get_by_index(4)?,
            object_version: row.try_get_by_index(5)?,
            actor_kind: row.try_get_by_index(6)?,
            actor_id: row.try_get_by_index(7)?,
            actor_name: row.try_get_by_index(8)?,
            cause: row.try_get_by_index(9)?,
            at: row.try_get_by_index(10)?,
            chain: row.try_get_by_index(11)?,
            digest: Vec::new(),
            salt: Vec::new(),
            body: None,
        };
        match owner {
            Owner::Tenant(_) => {
                read.digest = row.try_get_by_index::<Option<Vec<u8>>>(12)?.unwrap_or_default();
                if payloads {
                    read.salt = row.try_get_by_index::<Option<Vec<u8>>>(13)?.unwrap_or_default();
                    read.body = row.try_get_by_index(14)?;
                }
            }
            Owner::Installation(_) => {
                let body: String = row.try_get_by_index(12)?;
                read.digest = digest(&[], &body);
                read.body = Some(body);
            }
        }
        Ok(read)
    }

    /// The hash that it has at this place, after an entry with this one.
    pub(crate) fn hash(&self, owner: Owner, seq: i64, before: &[u8]) -> [u8; 32] {
        let link = Link {
            owner: owner.id(),
            seq,
            id: self.id,
            texts: [
                &self.event,
                &self.object_type,
                &self.object_id,
                &self.actor_kind,
                &self.actor_id,
                &self.actor_name,
                &self.cause,
            ],
            object_version: self.object_version,
            at: self.at,
            digest: &self.digest,
        };
        link.hash(before)
    }

    /// Is the payload, if it is there, the one that was written? `None`: it was purged.
    pub(crate) fn payload_holds(&self) -> Option<bool> {
        self.body.as_ref().map(|body| digest(&self.salt, body) == self.digest)
    }

    fn into_entry(self) -> Result<Entry, StoreError> {
        let payload = self.body.map(|body| serde_json::from_str(&body)).transpose();
        Ok(Entry {
            number: self.seq.ok_or_else(|| unreadable("audit.seq", "it has no number"))?,
            record: Record {
                id: self.id,
                event: self.event,
                object_type: self.object_type,
                object_id: self.object_id,
                object_version: self.object_version,
                actor: Actor {
                    kind: words::value("actor_kind", self.actor_kind)?,
                    id: self.actor_id,
                    name: self.actor_name,
                },
                cause: self.cause,
                at: self.at,
                payload: payload.map_err(|error| unreadable("payload", error))?,
            },
            digest: self.digest,
            chain: self.chain.unwrap_or_default(),
        })
    }
}

impl TenantScope {
    /// Numbered entries that fit, newest first.
    pub async fn trail(&self, query: &TrailQuery) -> Result<TrailPage, StoreError> {
        let tx = self.read().await?;
        search::page(&tx.db, Owner::Tenant(tx.tenant), tx.backend, query).await
    }

    /// One entry.
    pub async fn trail_entry(&self, number: i64) -> Result<Option<Entry>, StoreError> {
        let tx = self.read().await?;
        entry(&tx.db, Owner::Tenant(tx.tenant), tx.backend, number).await
    }

    /// Which kinds of events there are in the trail, in order: the first ones of very many.
    pub async fn trail_events(&self) -> Result<Vec<String>, StoreError> {
        let tx = self.read().await?;
        words_of(&tx.db, Owner::Tenant(tx.tenant), tx.backend, Word::Event).await
    }
}

impl Platform {
    /// Numbered entries that fit, newest first.
    pub async fn trail(&self, query: &TrailQuery) -> Result<TrailPage, StoreError> {
        let owner = self.owner().await?;
        let tx = self.inner.begin_read().await?;
        search::page(&tx.db, owner, self.inner.backend, query).await
    }

    /// One entry.
    pub async fn trail_entry(&self, number: i64) -> Result<Option<Entry>, StoreError> {
        entry(&self.inner.db, self.owner().await?, self.inner.backend, number).await
    }

    /// As [`TenantScope::trail_events`].
    pub async fn trail_events(&self) -> Result<Vec<String>, StoreError> {
        words_of(&self.inner.db, self.owner().await?, self.inner.backend, Word::Event).await
    }

    /// The installation as the owner of a trail.
    pub(crate) async fn owner(&self) -> Result<Owner, StoreError> {
        Ok(Owner::Installation(self.installation_id().await?))
    }
}

async fn entry(
    db: &impl ConnectionTrait,
    owner: Owner,
    backend: Backend,
    number: i64,
) -> Result<Option<Entry>, StoreError> {
    Ok(entries(db, owner, backend, &[number]).await?.pop())
}

/// The entries of these numbers, newest first; those that are not there are left out.
async fn entries(
    db: &impl ConnectionTrait,
    owner: Owner,
    backend: Backend,
    numbers: &[i64],
) -> Result<Vec<Entry>, StoreError> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = owner.sql(backend);
    owner.select(&mut sql).push("a.seq IN (");
    for (place, number) in numbers.iter().enumerate() {
        sql.push(if place == 0 { "" } else { ", " }).bind(*number);
    }
    sql.push(") ORDER BY a.seq DESC");
    let rows = db.query_all_raw(sql.into_statement()).await?;
    rows.iter().map(|row| Row::read(owner, true, row)?.into_entry()).collect()
}

/// A column of which there are few different words.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    Event,
    Actor,
}

/// The words of a column, each found by one look at its index.
async fn words_of(
    db: &impl ConnectionTrait,
    owner: Owner,
    backend: Backend,
    word: Word,
) -> Result<Vec<String>, StoreError> {
    let column = match word {
        Word::Event => "a.event",
        Word::Actor => "a.actor_name",
    };
    let mut sql = owner.sql(backend);
    let next = |sql: &mut Sql, more: bool| {
        sql.push("SELECT (SELECT ").push(column);
        owner.rows(sql).push("a.seq IS NOT NULL");
        if more {
            sql.push(" AND ").push(column).push(" > t.word");
        }
        sql.push(" ORDER BY ").push(column).push(" LIMIT 1)");
    };
    sql.push("WITH RECURSIVE t (word) AS (");
    next(&mut sql, false);
    sql.push(" UNION ALL ");
    next(&mut sql, true);
    sql.push(" FROM t WHERE t.word IS NOT NULL) SELECT word FROM t WHERE word IS NOT NULL LIMIT ")
        .bind(WORDS);
    let rows = db.query_all_raw(sql.into_statement()).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// A whole number to bind.
fn number(value: usize) -> Value {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}
