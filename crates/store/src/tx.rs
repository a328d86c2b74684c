//! One transaction of one tenant: the only place from which tenant rows are read or written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryResult, SqliteTransactionMode,
    Statement, TransactionOptions, sea_query::Expr,
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::{
    StoreError, TenantScope,
    at_hand::AtHand,
    connect::STATEMENT_LIMIT,
    entity::epochs,
    error::{is_broken_connection, of_commit, waited_too_long},
    outgoing::{Transaction, transaction},
    signals::CONFIGURATION,
    store::{Backend, Inner, Terms},
    waits::{For, waited},
};

/// A transaction with the tenant set. Dropped without [`TenantTx::commit`], it rolls back.
pub(crate) struct TenantTx {
    /// Run statements on this; each must carry `tenant` in its predicate (row-level security is the second line).
    pub(crate) db: Transaction,
    /// The tenant.
    pub(crate) tenant: Uuid,
    /// Dialect.
    pub(crate) backend: Backend,
    /// Milliseconds, read once for the whole transaction.
    pub(crate) now: i64,
    /// May groups be members of groups? `false` once it is known that none is: filters on the groups of users need not
    /// walk from group to group then.
    pub(crate) nested_groups: bool,
    /// What changes are made by.
    pub(crate) terms: Arc<Terms>,
    /// Does it write entries that wait for their number then?
    recorded: AtomicBool,
    inner: Arc<Inner>,
    /// After `db`, so that it is let go after the transaction has ended.
    _writer: Option<OwnedMutexGuard<()>>,
}

/// A transaction on the installation's own rows.
pub(crate) struct PlatformTx {
    pub(crate) db: Transaction,
    pub(crate) now: i64,
    recorded: AtomicBool,
    inner: Arc<Inner>,
    writer: Option<OwnedMutexGuard<()>>,
}

impl TenantScope {
    /// Begins a read-only use. PostgreSQL: BEGIN and `set_config('rollcall.tenant', …, true)`.
    pub(crate) async fn read(&self) -> Result<TenantTx, StoreError> {
        let tx = self.inner.begin_read().await?.enter(self.tenant).await?;
        Ok(TenantTx { terms: self.terms.clone(), ..tx })
    }

    /// Begins a change. SQLite: `BEGIN IMMEDIATE`, one writer at a time in this process.
    pub(crate) async fn write(&self) -> Result<TenantTx, StoreError> {
        let tx = self.inner.begin_write().await?.enter(self.tenant).await?;
        Ok(TenantTx { terms: self.terms.clone(), ..tx })
    }
}

impl TenantTx {
    /// See [`crate::Store::finds_parts`].
    pub(crate) fn finds_parts(&self) -> bool {
        self.inner.finds_parts
    }

    /// It has written an audit entry.
    pub(crate) fn note_recorded(&self) {
        self.recorded.store(true, Ordering::Relaxed);
    }

    /// Commits. [`StoreError::Unknown`] when the connection breaks meanwhile and a change was recorded.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.db.commit().await.map_err(|error| of_end(&self.recorded, error))?;
        self.inner.tell_recorded(&self.recorded);
        Ok(())
    }

    /// Goes on in the same transaction as one of another tenant, for a change that happens to two.
    pub(crate) async fn turn_to(self, tenant: Uuid) -> Result<Self, StoreError> {
        set_tenant(&self.db, self.backend, tenant).await?;
        Ok(Self { tenant, terms: Arc::default(), ..self })
    }

    /// Commits a configuration change: moves the epoch in the same transaction, then tells this node and the others.
    pub(crate) async fn commit_configuration(self) -> Result<(), StoreError> {
        let epoch = move_epoch(&self.db).await?;
        self.db.commit().await.map_err(of_commit)?;
        self.inner.signals.moved_to(epoch);
        self.inner.tell_recorded(&self.recorded);
        Ok(())
    }
}

impl PlatformTx {
    /// Goes on as a transaction of this tenant.
    pub(crate) async fn enter(self, tenant: Uuid) -> Result<TenantTx, StoreError> {
        set_tenant(&self.db, self.inner.backend, tenant).await?;
        Ok(TenantTx {
            db: self.db,
            tenant,
            backend: self.inner.backend,
            now: self.now,
            nested_groups: true,
            terms: Arc::default(),
            recorded: self.recorded,
            inner: self.inner,
            _writer: self.writer,
        })
    }

    /// It has written an audit entry.
    pub(crate) fn note_recorded(&self) {
        self.recorded.store(true, Ordering::Relaxed);
    }

    /// Commits. [`StoreError::Unknown`] when the connection breaks meanwhile and a change was recorded.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.db.commit().await.map_err(|error| of_end(&self.recorded, error))?;
        self.inner.tell_recorded(&self.recorded);
        Ok(())
    }

    /// Commits a change of what belongs to the installation and is cached: moves the epoch as
    /// [`TenantTx::commit_configuration`] does.
    pub(crate) async fn commit_configuration(self) -> Result<(), StoreError> {
        let epoch = move_epoch(&self.db).await?;
        self.db.commit().await.map_err(of_commit)?;
        self.inner.signals.moved_to(epoch);
        self.inner.tell_recorded(&self.recorded);
        Ok(())
    }
}

impl Inner {
    /// Begins a read-only use of the installation's rows.
    pub(crate) async fn begin_read(self: &Arc<Self>) -> Result<PlatformTx, StoreError> {
        self.begin(None, None).await
    }

    /// Begins a change; on SQLite it waits for its turn.
    pub(crate) async fn begin_write(self: &Arc<Self>) -> Result<PlatformTx, StoreError> {
        match self.backend {
            Backend::Postgres => self.begin(None, None).await,
            Backend::Sqlite => {
                let writer = take_turn(self.writer.clone(), self.acquire_timeout).await?;
                self.begin(Some(SqliteTransactionMode::Immediate), Some(writer)).await
            }
        }
    }

    /// Runs one statement that reads, and that names its tenant itself.
    pub(crate) async fn read_once(&self, statement: Statement) -> Result<Vec<QueryResult>, StoreError> {
        let AtHand::Postgres(shelf) = &self.at_hand else {
            return Ok(self.db.query_all_raw(statement).await?);
        };
        let mut spare = self.max_connections;
        loop {
            match shelf.run(statement.clone()).await? {
                Ok(rows) => return Ok(rows),
                // As in `begin`.
                Err(error) if spare > 0 && is_broken_connection(&error) => spare -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Wakes whoever gives numbers, if there is something to number.
    fn tell_recorded(&self, recorded: &AtomicBool) {
        if recorded.load(Ordering::Relaxed) {
            self.recorded.notify_one();
        }
    }

    async fn begin(
        self: &Arc<Self>,
        mode: Option<SqliteTransactionMode>,
        writer: Option<OwnedMutexGuard<()>>,
    ) -> Result<PlatformTx, StoreError> {
        let options = || TransactionOptions { sqlite_transaction_mode: mode, ..Default::default() };
        // After the server was restarted every pooled connection may be dead; nothing has happened yet, so take the next.
        let (mut spare, asked) = (self.max_connections, Instant::now());
        let begun = loop {
            match self.db.begin_with_options(options()).await {
                Err(error) if spare > 0 && is_broken_connection(&error) => spare -= 1,
                begun => break begun,
            }
        };
        waited(For::Transaction, asked);
        Ok(PlatformTx {
            db: transaction(begun?),
            now: (self.clock)(),
            recorded: AtomicBool::new(false),
            inner: self.clone(),
            writer,
        })
    }
}

/// Tells row-level security the tenant, until the transaction ends; and that no statement in it may take longer than
/// [`STATEMENT_LIMIT`], whether somebody waits for it still or not.
pub(crate) async fn set_tenant(db: &Transaction, backend: Backend, tenant: Uuid) -> Result<(), StoreError> {
    if backend == Backend::Postgres {
        let sql = "SELECT set_config('rollcall.tenant', $1, true), set_config('statement_timeout', $2, true)";
        // In milliseconds, PostgreSQL's unit where none is named.
        let limit = STATEMENT_LIMIT.as_millis().to_string();
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            sql,
            [tenant.to_string().into(), limit.into()],
        );
        db.execute_raw(statement).await?;
    }
    Ok(())
}

/// As [`set_tenant`] does for a statement that goes through all tenants itself.
pub(crate) async fn limit_statements(db: &Transaction, backend: Backend) -> Result<(), StoreError> {
    if backend == Backend::Postgres {
        let sql = format!("SET LOCAL statement_timeout = {}", STATEMENT_LIMIT.as_millis());
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// What it means that a transaction did not end well. One that recorded nothing has changed nothing that anybody was promised.
fn of_end(recorded: &AtomicBool, error: DbErr) -> StoreError {
    if recorded.load(Ordering::Relaxed) { of_commit(error) } else { error.into() }
}

async fn take_turn(writer: Arc<Mutex<()>>, longest: Duration) -> Result<OwnedMutexGuard<()>, StoreError> {
    let asked = Instant::now();
    let turn = tokio::time::timeout(longest, writer.lock_owned()).await.map_err(|_| waited_too_long());
    waited(For::Writer, asked);
    turn
}

/// Adds 1 to the configuration epoch and gives it. The row stays locked until the commit, so numbers appear in order.
async fn move_epoch(db: &Transaction) -> Result<u64, StoreError> {
    epochs::Entity::update_many()
        .col_expr(epochs::Column::Value, Expr::col(epochs::Column::Value).add(1))
        .filter(epochs::COLUMN.name.eq(CONFIGURATION))
        .exec(db)
        .await?;
    crate::signals::read_epoch(db).await
}
