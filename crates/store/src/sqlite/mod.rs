//! SQLite past the pool. A connection of the pool works on a thread of its own, and the way there and back, once for each
//! statement, costs more than most statements do. So what identity providers do most goes another way: a user is looked up
//! on the thread that asks ([`readers`]), and changes of single users are carried out together by one thread ([`writer`]).

mod change;
mod readers;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Row};
use sea_orm::{DbErr, Statement};
use tokio::sync::{Mutex, Notify};

use self::{readers::Readers, writer::Writer};
use crate::{
    StoreError, StoreOptions,
    connect::{CACHE, CHECKPOINT, STEPS, Watch},
    error::of_sqlite,
    users::{Single, Written},
};

/// What OpenTelemetry calls it.
const SYSTEM: &str = "sqlite";

/// Statements that a connection keeps prepared; there are fewer of them.
const PREPARED: usize = 64;

/// The ways past the pool.
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Of a file that is there. `turn`: what every writer of this process holds; `recorded` is told of each commit.
    pub(crate) fn open(
        path: &Path,
        options: &StoreOptions,
        turn: &Arc<Mutex<()>>,
        recorded: &Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let source = Source { path: path.into(), longest: options.acquire_timeout };
        Ok(Self {
            writer: Writer::start(source.clone(), turn.clone(), recorded.clone())?,
            readers: Readers::of(source),
        })
    }

    /// Carries out a change; committed when this returns. `None`: nothing was written, as there is no such user, or users
    /// are made otherwise by now. Given up before its turn came, it is never made; later it is made as a whole.
    pub(crate) async fn write(&self, change: Single) -> Result<Option<Written>, StoreError> {
        self.writer.write(change).await
    }

    /// Runs one short statement that reads, on this thread.
    pub(crate) async fn read<T>(
        &self,
        statement: &Statement,
        take: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.readers.read(statement, take).await
    }

    /// Carries out what waits still, then closes all connections.
    pub(crate) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}

/// Where connections come from.
#[derive(Clone)]
struct Source {
    path: PathBuf,
    /// Longest wait for the writer of another process, and for one's turn.
    longest: Duration,
}

impl Source {
    /// A connection with the settings that those of the pool have.
    fn connect(&self) -> rusqlite::Result<Link> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.execute_batch(&format!(
            "PRAGMA cache_size = {CACHE}; PRAGMA wal_autocheckpoint = {CHECKPOINT}"
        ))?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        let (mut watch, fresh) = (Watch::default(), Arc::new(AtomicBool::new(true)));
        let is_fresh = fresh.clone();
        let ends = move || {
            if is_fresh.swap(false, Ordering::Relaxed) {
                watch = Watch::default();
            }
            !watch.goes_on(Instant::now())
        };
        connection.progress_handler(STEPS, Some(ends))?;
        Ok(Link { connection, fresh })
    }
}

/// An open connection, used by one thread at a time.
struct Link {
    connection: Connection,
    /// Has the time of the next statements not begun yet?
    fresh: Arc<AtomicBool>,
}

impl Link {
    /// The connection, for statements whose time begins now; see [`crate::connect::STATEMENT_LIMIT`].
    fn begin(&self) -> &Connection {
        self.fresh.store(true, Ordering::Relaxed);
        &self.connection
    }
}

/// What SQLite said, to be told to several.
#[derive(Clone, Debug)]
struct Fault {
    /// The extended result code; 0: it is not SQLite's.
    code: i32,
    text: String,
}

impl Fault {
    /// Does somebody else hold what is needed?
    fn is_busy(&self) -> bool {
        // Result code 5 (SQLite, "Result and Error Codes").
        self.code & 0xff == 5
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map_or(0, |cause| cause.extended_code);
        match error {
            rusqlite::Error::SqliteFailure(_, Some(text)) => Self { code, text },
            error => Self { code, text: error.to_string() },
        }
    }
}

impl From<Fault> for StoreError {
    fn from(Fault { code, text }: Fault) -> Self {
        of_sqlite(code, text)
    }
}

/// The store was closed, or its thread has ended.
fn closed() -> StoreError {
    StoreError::Unavailable(DbErr::ConnectionAcquire(sea_orm::error::ConnAcquireErr::ConnectionClosed))
}

#[cfg(test)]
mod tests;
