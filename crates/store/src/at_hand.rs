//! What single statements and changes go through, past the transactions of a pool. On PostgreSQL these are connections that
//! stay at hand: a pool tries each connection when it is given back, which costs as much as the statement did; here one is
//! given back to the pool only when something went wrong, or its user has gone. For SQLite see [`crate::sqlite`].

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{DbBackend, DbErr, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection as _, Pool, Postgres, pool::PoolConnection};
use telemetry::spans;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    StoreError,
    connect::TRY_AFTER_IDLE,
    error::waited_too_long,
    outgoing::outgoing,
    sqlite::Sqlite,
    traced::{noted, system},
    waits::{For, waited},
};

/// What single statements go through, on either database.
pub(crate) enum AtHand {
    Postgres(Shelf),
    Sqlite(Sqlite),
}

/// Longest life of a connection here: after a failover a server may go on answering as one that only reads.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// Some connections of a pool; half of them at most, so that transactions find some there, too.
pub(crate) struct Shelf {
    pool: Pool<Postgres>,
    /// Does one stay here at all? The only connection of a pool does not.
    keeps: bool,
    /// Those that nobody uses, the last one used on top.
    idle: Mutex<Vec<Idle>>,
    /// As many as may be at hand or in use.
    places: Semaphore,
    /// Longest wait for one.
    longest: Duration,
}

struct Idle {
    connection: PoolConnection<Postgres>,
    /// When it came here.
    taken: Instant,
    since: Instant,
}

/// A place, a connection, and when that came here.
type Taken<'s> = (SemaphorePermit<'s>, PoolConnection<Postgres>, Instant);

impl AtHand {
    /// Lets go of its connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(shelf) => shelf.clear(),
            Self::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}

impl Shelf {
    /// Of so many connections of a pool.
    pub(crate) fn new(pool: Pool<Postgres>, connections: u32, longest: Duration) -> Self {
        let most = usize::try_from(connections / 2).unwrap_or(1);
        let places = Semaphore::new(most.max(1));
        Self { pool, keeps: most > 0, idle: Mutex::default(), places, longest }
    }

    /// Runs one statement, which is a transaction by itself. The outer error: no connection came free in time.
    pub(crate) async fn run(
        &self,
        statement: Statement,
    ) -> Result<Result<Vec<QueryResult>, DbErr>, StoreError> {
        let (_place, mut connection, taken) = match self.take().await? {
            Ok(found) => found,
            Err(error) => return Ok(Err(DbErr::Conn(runtime(error)))),
        };
        let statement = outgoing(statement);
        let span = spans::statement(system(DbBackend::Postgres), &statement.sql);
        let values = SqlxValues(statement.values.unwrap_or(Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        match noted(span, query.fetch_all(&mut *connection)).await {
            Ok(rows) => {
                let since = Instant::now();
                if self.keeps && since.duration_since(taken) < LIFE {
                    self.idle().push(Idle { connection, taken, since });
                }
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

    /// A place and a connection; whoever finds none here waits, and that is counted, whatever comes of it. The outer error as
    /// in [`Shelf::run`].
    async fn take(&self) -> Result<Result<Taken<'_>, sqlx::Error>, StoreError> {
        if let Ok(place) = self.places.try_acquire()
            && let Some((connection, taken)) = self.kept().await
        {
            return Ok(Ok((place, connection, taken)));
        }
        let asked = Instant::now();
        let taken = self.wait().await;
        waited(For::Statement, asked);
        taken
    }

    async fn wait(&self) -> Result<Result<Taken<'_>, sqlx::Error>, StoreError> {
        let Ok(Ok(place)) = tokio::time::timeout(self.longest, self.places.acquire()).await else {
            return Err(waited_too_long());
        };
        Ok(match self.kept().await {
            Some((connection, taken)) => Ok((place, connection, taken)),
            None => self.pool.acquire().await.map(|connection| (place, connection, Instant::now())),
        })
    }

    /// A connection that lies here, and when it came.
    async fn kept(&self) -> Option<(PoolConnection<Postgres>, Instant)> {
        let Idle { mut connection, taken, since } = self.idle().pop()?;
        // As the pool does.
        if since.elapsed() < TRY_AFTER_IDLE {
            return Some((connection, taken));
        }
        match tokio::time::timeout(self.longest, connection.ping()).await {
            Ok(Ok(())) => return Some((connection, taken)),
            // Given back, it would be asked once more, and its place in the pool kept until the system gives it up.
            Err(_) => drop(connection.detach()),
            Ok(Err(_)) => {}
        }
        self.clear();
        None
    }

    /// How many lie idle here.
    pub(crate) fn idle_count(&self) -> usize {
        self.idle().len()
    }

    fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn runtime(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}
