//! Connections that stay at hand for single statements. A pool tries each connection when it is given back, which costs as
//! much as the statement did; here one is given back to the pool only when something went wrong, or its user has gone.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, DbErr, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Connection as _, Database, Executor, IntoArguments, Pool, Postgres, Sqlite,
    pool::PoolConnection,
};
use tokio::sync::{Semaphore, TryAcquireError};

use crate::{StoreError, connect::TRY_AFTER_IDLE, error::waited_too_long, store::Backend};

/// Connections for single statements, on either database.
pub(crate) enum AtHand {
    Postgres(Shelf<Postgres>),
    Sqlite(Shelf<Sqlite>),
}

/// Some connections of a pool; half of them at most, so that transactions find some there, too.
pub(crate) struct Shelf<DB: Database> {
    pool: Pool<DB>,
    /// Those that nobody uses, the last one used on top.
    idle: Mutex<Vec<Idle<DB>>>,
    /// As many as may be at hand or in use.
    places: Semaphore,
    /// Longest wait for one.
    longest: Duration,
}

struct Idle<DB: Database> {
    connection: PoolConnection<DB>,
    since: Instant,
}

impl AtHand {
    /// Of the pool of a database.
    pub(crate) fn new(
        db: &DatabaseConnection,
        backend: Backend,
        connections: u32,
        longest: Duration,
    ) -> Self {
        let most = usize::try_from(connections / 2).unwrap_or(1).max(1);
        match backend {
            Backend::Postgres => {
                Self::Postgres(Shelf::new(db.get_postgres_connection_pool().clone(), most, longest))
            }
            Backend::Sqlite => {
                Self::Sqlite(Shelf::new(db.get_sqlite_connection_pool().clone(), most, longest))
            }
        }
    }

    /// Runs one statement, which is a transaction by itself. The outer error: no connection came free in time.
    pub(crate) async fn run(
        &self,
        statement: Statement,
    ) -> Result<Result<Vec<QueryResult>, DbErr>, StoreError> {
        match self {
            Self::Postgres(shelf) => shelf.run(statement).await,
            Self::Sqlite(shelf) => shelf.run(statement).await,
        }
    }

    /// Gives back to the pool what nobody uses.
    pub(crate) fn clear(&self) {
        match self {
            Self::Postgres(shelf) => shelf.clear(),
            Self::Sqlite(shelf) => shelf.clear(),
        }
    }
}

impl<DB> Shelf<DB>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    fn new(pool: Pool<DB>, most: usize, longest: Duration) -> Self {
        Self { pool, idle: Mutex::default(), places: Semaphore::new(most), longest }
    }

    async fn run(&self, statement: Statement) -> Result<Result<Vec<QueryResult>, DbErr>, StoreError> {
        let _place = match self.places.try_acquire() {
            Ok(place) => place,
            Err(TryAcquireError::Closed) => return Err(waited_too_long()),
            Err(TryAcquireError::NoPermits) => {
                match tokio::time::timeout(self.longest, self.places.acquire()).await {
                    Ok(Ok(place)) => place,
                    Ok(Err(_)) | Err(_) => return Err(waited_too_long()),
                }
            }
        };
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(DbErr::Conn(runtime(error)))),
        };
        let values = SqlxValues(statement.values.unwrap_or(Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        match query.fetch_all(&mut *connection).await {
            Ok(rows) => {
                self.idle().push(Idle { connection, since: Instant::now() });
                Ok(Ok(rows.into_iter().map(QueryResult::from).collect()))
            }
            Err(error) => {
                if !matches!(error, sqlx::Error::Database(_)) {
                    // What ended this connection has perhaps ended the others.
                    self.clear();
                }
                Ok(Err(DbErr::Query(runtime(error))))
            }
        }
    }

    async fn connection(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        let idle = self.idle().pop();
        let Some(Idle { mut connection, since }) = idle else { return self.pool.acquire().await };
        // As the pool does.
        if since.elapsed() >= TRY_AFTER_IDLE && connection.ping().await.is_err() {
            self.clear();
            return self.pool.acquire().await;
        }
        Ok(connection)
    }

    fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle<DB>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn runtime(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}
