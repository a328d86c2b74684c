//! Opening a database, migrations, and the two doors to its rows.

use std::{fmt, sync::Arc, time::Duration};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{DatabaseConnection, DbBackend};
use uuid::Uuid;

use crate::{
    StoreError, TenantId,
    at_hand::{AtHand, Shelf},
    connect::{self, Address},
    outgoing, partitions,
    platform::Platform,
    pooler::Pooler,
    setup,
    signals::Signals,
    sqlite::Sqlite,
    traced::Traced,
};

/// Gives the time in whole milliseconds since 1970 UTC; tests hand in their own.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl Backend {
    /// The time by the database's own clock, in milliseconds, in a statement.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)",
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS integer)",
        }
    }
}

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite://PATH` (the file is made) or `postgres://…`.
    pub url: String,
    /// The owner's URL for migrations, where it differs.
    pub migrate_url: Option<String>,
    /// `redis://…`: only speeds up what other nodes learn; the database is the truth.
    pub redis_url: Option<String>,
    /// Most connections that requests share, of SQLite eight at most; one more polls the epoch.
    pub max_connections: u32,
    /// Longest wait for a connection, or for SQLite's one writer.
    pub acquire_timeout: Duration,
    /// The clock.
    pub clock: Clock,
    /// Live users, or groups, that a block of ids counts before it is divided: most rows of which a page by position reads
    /// over those before it.
    pub block_rows: u32,
}

impl StoreOptions {
    /// Defaults for a URL: 16 connections, 5 s, the system's clock, blocks of 256 rows.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            migrate_url: None,
            redis_url: None,
            max_connections: 16,
            acquire_timeout: Duration::from_secs(5),
            clock: Arc::new(system_clock),
            block_rows: 256,
        }
    }
}

/// URLs hold passwords, so only what is not secret is shown.
impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoreOptions")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("redis", &self.redis_url.is_some())
            .finish_non_exhaustive()
    }
}

fn system_clock() -> i64 {
    let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// An open database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// What all doors share.
pub(crate) struct Inner {
    pub(crate) db: Traced<DatabaseConnection>,
    pub(crate) backend: Backend,
    /// What is between this process and PostgreSQL.
    pub(crate) pooler: Option<Pooler>,
    pub(crate) clock: Clock,
    pub(crate) signals: Signals,
    pub(crate) acquire_timeout: Duration,
    pub(crate) max_connections: u32,
    /// See [`Store::finds_parts`].
    pub(crate) finds_parts: bool,
    /// For single statements and changes.
    pub(crate) at_hand: AtHand,
    /// See [`StoreOptions::block_rows`].
    pub(crate) block_rows: u32,
    /// SQLite has one writer at a time; waiting here is fair and costs nothing, waiting in the database is neither.
    pub(crate) writer: Arc<tokio::sync::Mutex<()>>,
    /// Audit entries were committed here; see [`Store::recorded`].
    pub(crate) recorded: Arc<tokio::sync::Notify>,
    /// See [`Store::numbered`].
    pub(crate) numbered: Arc<tokio::sync::Notify>,
}

impl Store {
    /// Applies pending migrations as the owner; gives their names. Several nodes may call it at once.
    pub async fn migrate(options: &StoreOptions) -> Result<Vec<String>, StoreError> {
        let url = options.migrate_url.as_deref().unwrap_or(&options.url);
        let address = Address::parse(url)?;
        let lock = connect::migration_lock(&address, options).await?;
        let db = connect::owner(&address, options).await?;
        let applied = async {
            // Which migrations are pending is asked once, and that must still hold when the last one is applied. Who has nothing
            // to apply waits for nobody.
            let _folder = match &address {
                Address::Sqlite(path) if setup::pending(&db).await? > 0 => {
                    Some(connect::folder_lock(path).await?)
                }
                _ => None,
            };
            apply_migrations(&db).await
        };
        let applied = applied.await;
        connect::close(&db).await;
        lock.release().await;
        applied
    }

    /// Connects as the application role. Refuses ([`StoreError::Setup`]) when migrations are pending, when tenant
    /// rows can be seen without a tenant (PostgreSQL), or behind a pooler through which they would not be kept apart.
    /// Starts the task that polls the epoch.
    pub async fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let address = Address::parse(&options.url)?;
        outgoing::admit(address.backend())?;
        let pooler = connect::find_pooler(&address, options).await?;
        let db = connect::application(&address, options, pooler).await?;
        setup::check(&db, pooler).await?;
        let finds_parts = setup::finds_parts(&db).await?;
        let poller = {
            let (address, options) = (address.clone(), options.clone());
            move || connect::poller(&address, &options, pooler)
        };
        let signals = Signals::start(&db, poller, options).await?;
        let backend = address.backend();
        let (writer, recorded) = (Arc::default(), Arc::default());
        let at_hand = match &address {
            Address::Postgres(_) => {
                let pool = db.get_postgres_connection_pool().clone();
                AtHand::Postgres(Shelf::new(pool, options.max_connections, options.acquire_timeout))
            }
            Address::Sqlite(path) => AtHand::Sqlite(Sqlite::open(path, options, &writer, &recorded)?),
        };
        let inner = Inner {
            at_hand,
            db: Traced::new(db),
            backend,
            pooler,
            clock: options.clock.clone(),
            signals,
            acquire_timeout: options.acquire_timeout,
            max_connections: options.max_connections,
            finds_parts,
            block_rows: options.block_rows,
            writer,
            recorded,
            numbered: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Closes all connections, of clones too.
    pub async fn close(self) {
        self.inner.signals.stop().await;
        self.inner.at_hand.close().await;
        connect::close(&self.inner.db).await;
    }

    /// Which database.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    /// Is there a pooler between this process and PostgreSQL, and how does it work?
    #[must_use]
    pub fn pooler(&self) -> Option<Pooler> {
        self.inner.pooler
    }

    /// Are texts inside of names found by an index? On PostgreSQL that takes two of its own extensions, which
    /// [`Store::migrate`] makes where it may; without them, and on SQLite, all names of a tenant are looked at.
    #[must_use]
    pub fn finds_parts(&self) -> bool {
        self.inner.finds_parts
    }

    /// Milliseconds since 1970 UTC, by this store's clock.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.inner.clock)()
    }

    /// Answers when the database does, over one of the connections that requests share.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.inner.db.ping().await?)
    }

    /// For how long the database has not answered the look for configuration changes, which comes some times a second over a
    /// connection of its own: however busy the others are, this stays within a second as long as the database answers.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        self.inner.signals.answered().elapsed()
    }

    /// The rows of one tenant.
    #[must_use]
    pub fn tenant(&self, tenant: TenantId) -> TenantScope {
        TenantScope { inner: self.inner.clone(), tenant: tenant.0, terms: Arc::default() }
    }

    /// What belongs to the installation.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform { inner: self.inner.clone() }
    }

    /// The number of the last configuration change (tenant, profile, value set, credential) that this node knows of.
    /// It grows at once after a change made through this `Store`, and within 1 s after one made elsewhere. Whoever
    /// caches configuration reads it *before* loading and drops what was loaded under another number.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.inner.signals.epoch()
    }
}

/// One tenant's rows. Every query through it carries the tenant's id and, on PostgreSQL, runs in a transaction whose
/// first statement sets `rollcall.tenant` for row-level security.
#[derive(Clone)]
pub struct TenantScope {
    pub(crate) inner: Arc<Inner>,
    pub(crate) tenant: Uuid,
    pub(crate) terms: Arc<Terms>,
}

/// What the holder of a scope knows of its tenant's configuration, and makes its changes by. Without any, nothing is
/// asked of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Keys of roles that somebody must have: a change that takes one from its last active holder is
    /// [`StoreError::LastHolder`].
    pub protected: Vec<String>,
    /// [`crate::tenants::TenantRow::mapping_version`] by which the roles of groups were computed; when it is another one
    /// by now, a change of a group is [`StoreError::Reconfigured`].
    pub mapping_version: Option<i64>,
    /// [`crate::tenants::TenantRow::layout_version`] by which users are made; when it is another one by now, a new state
    /// of a user is [`StoreError::Reconfigured`].
    pub layout_version: Option<i64>,
    /// [`crate::tenants::TenantRow::version`] by which a profile or a value set, and the roles under it, were computed;
    /// when it is another one by now, putting it in place is [`StoreError::Stale`].
    pub tenant_version: Option<i64>,
    /// May the index of values lack some? Then filters look at the documents.
    pub index_incomplete: bool,
}

impl TenantScope {
    /// The same rows under these terms.
    #[must_use]
    pub fn under(&self, terms: Terms) -> Self {
        Self { terms: Arc::new(terms), ..self.clone() }
    }

    /// The tenant.
    #[must_use]
    pub fn id(&self) -> TenantId {
        TenantId(self.tenant)
    }
}

async fn apply_migrations(db: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    let pending = Migrator::get_pending_migrations(db).await.map_err(setup::migration_error)?;
    let names = pending.iter().map(|migration| migration.name().to_owned()).collect();
    Migrator::up(db, None).await.map_err(setup::migration_error)?;
    migrations::make_index_of_parts(db).await.map_err(setup::migration_error)?;
    if db.get_database_backend() == DbBackend::Postgres {
        partitions::settle(db).await?;
    }
    outgoing::migrated(db).await?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let mut options = StoreOptions::new("postgres://rollcall:hunter2@db/rollcall");
        options.redis_url = Some("redis://:hunter2@redis".into());
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[test]
    fn the_system_clock_counts_milliseconds() {
        let year_2020 = 1_577_836_800_000;
        assert!(system_clock() > year_2020 && system_clock() < year_2020 * 4);
    }
}
