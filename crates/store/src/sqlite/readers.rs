//! Connections that read on the thread of whoever asks. Readers never wait for the writer (write-ahead log), and what goes
//! this way takes microseconds, so that no other task has to wait for it either.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{
    Connection, Row, ToSql, params_from_iter,
    types::{Null, ToSqlOutput},
};
use sea_orm::{Statement, Value};
use telemetry::spans;
use tokio::time::{Duration, Instant, sleep};

use super::{Fault, Link, SYSTEM, Source, closed};
use crate::StoreError;

/// Connections that stay open; as many threads ask at once, rarely more.
const IDLE: usize = 4;

/// Pause while the file is held by somebody who recovers its log, or ends the last connection to it.
const PAUSE: Duration = Duration::from_millis(5);

/// See the module.
pub(super) struct Readers {
    source: Source,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Link>,
    closed: bool,
}

impl Readers {
    pub(super) fn of(source: Source) -> Self {
        Self { source, idle: Mutex::default() }
    }

    /// Runs one statement and takes all its rows.
    pub(super) async fn read<T>(
        &self,
        statement: &Statement,
        take: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let deadline = Instant::now() + self.source.longest;
        loop {
            match self.try_read(statement, &take)? {
                Ok(rows) => return Ok(rows),
                Err(fault) if fault.is_busy() && Instant::now() < deadline => sleep(PAUSE).await,
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// The outer error: the store was closed.
    fn try_read<T>(
        &self,
        statement: &Statement,
        take: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Result<Vec<T>, Fault>, StoreError> {
        let idle = {
            let mut idle = self.idle();
            if idle.closed {
                return Err(closed());
            }
            idle.connections.pop()
        };
        let connection = match idle.map_or_else(|| self.connect(), Ok) {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(error.into())),
        };
        let rows = rows(connection.begin(), statement, take);
        if rows.is_ok() {
            self.give_back(connection);
        }
        Ok(rows.map_err(Fault::from))
    }

    fn connect(&self) -> rusqlite::Result<Link> {
        let link = self.source.connect()?;
        link.connection.pragma_update(None, "query_only", "ON")?;
        // Nobody waits on a thread that has others to serve.
        link.connection.busy_timeout(Duration::ZERO)?;
        Ok(link)
    }

    fn give_back(&self, connection: Link) {
        let mut idle = self.idle();
        if !idle.closed && idle.connections.len() < IDLE {
            idle.connections.push(connection);
        }
    }

    /// Closes those that nobody uses; one that is used ends with its statement.
    pub(super) fn close(&self) {
        let mut idle = self.idle();
        idle.closed = true;
        idle.connections.clear();
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All rows of a statement.
pub(super) fn rows<T>(
    connection: &Connection,
    statement: &Statement,
    take: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let span = spans::statement(SYSTEM, &statement.sql);
    let _entered = span.enter();
    let values = statement.values.iter().flat_map(|values| values.iter());
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    prepared.query_and_then(params_from_iter(values.map(Bound)), |row| take(row))?.collect()
}

/// A value of a statement.
struct Bound<'v>(&'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Value::Bool(value) => value.to_sql(),
            Value::SmallInt(value) => value.to_sql(),
            Value::Int(value) => value.to_sql(),
            Value::BigInt(value) => value.to_sql(),
            Value::String(value) => value.to_sql(),
            Value::Bytes(value) => value.to_sql(),
            Value::Uuid(Some(value)) => Ok(value.as_bytes().as_slice().into()),
            Value::Uuid(None) => Null.to_sql(),
            other => {
                let text = format!("no {:?} is bound here", other.array_type());
                Err(rusqlite::Error::ToSqlConversionFailure(text.into()))
            }
        }
    }
}
