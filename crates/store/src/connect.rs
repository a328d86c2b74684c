//! Connection pools: for requests, for the epoch's poller, and for the owner who migrates.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, Statement,
    sqlx::{
        self, Connection, Executor as _,
        pool::{PoolConnectionMetadata, PoolOptions},
        postgres::{PgConnectOptions, Postgres},
        sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::{
    Backend, StoreError, StoreOptions,
    pooler::{self, Pooler},
};

/// Connections idle for longer are tried before they are used, so that one that the server has dropped is replaced.
pub(crate) const TRY_AFTER_IDLE: Duration = Duration::from_secs(1);

/// Longest time of one statement on the rows of a tenant: whoever asks for more than the database can give in it gets
/// an error, and the connection is free again for others. (PostgreSQL is told in [`crate::tx`].)
pub(crate) const STATEMENT_LIMIT: Duration = Duration::from_secs(20);

/// SQLite asks after so many steps of its machine (about a millisecond's worth) whether it shall go on.
pub(crate) const STEPS: i32 = 10_000;

/// A pause between two such questions after which it must be another statement that asks.
const PAUSE: Duration = Duration::from_millis(500);

/// Memory for pages of SQLite's file that each connection may have: the negative number of KiB. There are many connections,
/// and the system keeps the file in memory, too.
pub(crate) const CACHE: &str = "-1024";

/// Pages of the write-ahead log after which they are copied into the file (16 MiB; 1000 if nothing is said): those that each
/// change touches are copied once for many.
pub(crate) const CHECKPOINT: &str = "4000";

/// Connections to SQLite that requests share at most. Each has its thread and its memory, and what is asked most goes past
/// them ([`crate::sqlite`]).
const SQLITE_CONNECTIONS: u32 = 8;

/// Statements that a connection to SQLite keeps prepared, some ten KiB each.
const STATEMENTS: usize = 50;

/// Key of the advisory lock that makes one node migrate at a time: the bytes `rollcall`.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"rollcall");

/// What servers and commands call their connections; those that migrate have another name, to be told from them.
pub(crate) const SERVING: &str = "rollcall";
const MIGRATING: &str = "rollcall migrate";

/// Becomes the application role, if it is there and the login may. Not through a pooler, where the next transaction may be on
/// another connection: there the login itself must be fit ([`crate::setup`]).
const BECOME_APPLICATION: &str = "SELECT set_config('role', rolname, false) FROM pg_roles \
     WHERE rolname = 'rollcall_app' AND pg_has_role(current_user, oid, \
     CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)";

/// A database URL, taken apart.
#[derive(Clone)]
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return match path {
                "" | ":memory:" => Err(StoreError::Setup("sqlite:// needs the path of a file".into())),
                path => Ok(Self::Sqlite(path.into())),
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            // The cause is not shown: it may quote a part of the password.
            let options = PgConnectOptions::from_str(url).map_err(|_| {
                StoreError::Setup(
                    "the database URL cannot be read; write postgres://USER:PASSWORD@HOST:PORT/DATABASE and \
                     percent-encode special characters of the password"
                        .into(),
                )
            })?;
            // Poolers refuse this one, and PostgreSQL shows numbers exactly without it.
            return Ok(Self::Postgres(Box::new(options.extra_float_digits(None))));
        }
        Err(StoreError::Setup("the database URL must begin with sqlite:// or postgres://".into()))
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }
}

/// What is between servers, or commands, and their database.
pub(crate) async fn find_pooler(
    address: &Address,
    options: &StoreOptions,
) -> Result<Option<Pooler>, StoreError> {
    match address {
        Address::Sqlite(_) => Ok(None),
        Address::Postgres(server) => pooler::find(&server.clone().application_name(SERVING), options).await,
    }
}

/// The pool that requests share.
pub(crate) async fn application(
    address: &Address,
    options: &StoreOptions,
    pooler: Option<Pooler>,
) -> Result<DatabaseConnection, StoreError> {
    match address {
        Address::Sqlite(path) => {
            let pool = pool::<Sqlite>(options, options.max_connections.min(SQLITE_CONNECTIONS));
            sqlite(path, options, with_statement_limit(pool)).await
        }
        Address::Postgres(server) => {
            let pool = application_pool(options, options.max_connections, pooler);
            Ok(pool.connect_with(serving(server, pooler)).await.map_err(connection_error)?.into())
        }
    }
}

/// One connection of its own for the poller: a busy pool must not delay it. Made when it is first used.
pub(crate) fn poller(
    address: &Address,
    options: &StoreOptions,
    pooler: Option<Pooler>,
) -> Result<DatabaseConnection, StoreError> {
    Ok(match address {
        Address::Sqlite(path) => {
            pool::<Sqlite>(options, 1).connect_lazy_with(sqlite_file(path, options)).into()
        }
        Address::Postgres(server) => {
            application_pool(options, 1, pooler).connect_lazy_with(serving(server, pooler)).into()
        }
    })
}

/// The pool of the owner, who migrates.
pub(crate) async fn owner(
    address: &Address,
    options: &StoreOptions,
) -> Result<DatabaseConnection, StoreError> {
    match address {
        Address::Sqlite(path) => {
            let made = path.clone();
            let made = tokio::task::spawn_blocking(move || make_file(&made)).await;
            made.map_err(io::Error::other).flatten().map_err(|error| {
                StoreError::Setup(format!("cannot make the database {}: {error}", path.display()))
            })?;
            sqlite(path, options, pool::<Sqlite>(options, 1)).await
        }
        Address::Postgres(server) => {
            let pool =
                pool::<Postgres>(options, 2).connect_with(server.clone().application_name(MIGRATING)).await;
            Ok(pool.map_err(connection_error)?.into())
        }
    }
}

/// Longest wait for the connections of a pool to say goodbye; the process or the server ends them otherwise.
const FAREWELL: Duration = Duration::from_secs(2);

/// Closes a pool. Whoever ends is not held up by a peer that does not answer: all that matters was committed before.
pub(crate) async fn close(db: &DatabaseConnection) {
    match tokio::time::timeout(FAREWELL, db.close_by_ref()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "closing the database failed"),
        Err(_) => {
            tracing::warn!("the database did not end its connections within {FAREWELL:?}; they are dropped")
        }
    }
}

/// Held while one node migrates; others wait for it.
pub(crate) struct MigrationLock(Option<DatabaseConnection>);

/// Waits for the migration lock of PostgreSQL; that of SQLite is [`folder_lock`]. [`StoreError::Setup`]: there is a pooler in
/// transaction mode in between. The lock is a session's; held by a transaction it would keep one of the pooler's
/// connections, and those who wait for it might keep all others.
pub(crate) async fn migration_lock(
    address: &Address,
    options: &StoreOptions,
) -> Result<MigrationLock, StoreError> {
    let Address::Postgres(server) = address else { return Ok(MigrationLock(None)) };
    let server = server.clone().application_name(MIGRATING);
    let elsewhere = "set ROLLCALL_MIGRATE_DATABASE_URL to the owner's login at PostgreSQL's own address, or start with \
                     --no-migrate after `rollcall migrate` has run elsewhere";
    match pooler::find(&server, options).await {
        Ok(Some(Pooler::Transaction)) => {
            return Err(StoreError::Setup(format!(
                "migrations need PostgreSQL itself, or a pooler in session mode, and there is one in another mode in \
                 between: {elsewhere}"
            )));
        }
        Ok(Some(Pooler::Session) | None) => {}
        Err(StoreError::Setup(text)) => {
            return Err(StoreError::Setup(format!("{text}. For migrations: {elsewhere}")));
        }
        Err(error) => return Err(error),
    }
    // It is not used, and stays for as long as the migrations take.
    let pool = pool::<Postgres>(options, 1).idle_timeout(None).max_lifetime(None);
    let db = DatabaseConnection::from(pool.connect_with(server).await.map_err(connection_error)?);
    let lock = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT pg_advisory_lock($1)",
        [MIGRATION_LOCK.into()],
    );
    db.execute_raw(lock).await?;
    Ok(MigrationLock(Some(db)))
}

impl MigrationLock {
    /// The lock ends with its connection.
    pub(crate) async fn release(self) {
        if let Some(db) = self.0 {
            close(&db).await;
        }
    }
}

/// Waits until no other process migrates a file in the same folder; held until it is dropped, or the process ends. It is the
/// folder that is locked: closing the database's own file once more would take SQLite's locks away from this process.
pub(crate) async fn folder_lock(path: &Path) -> Result<File, StoreError> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let locked = tokio::task::spawn_blocking(move || {
        let lock = File::open(&folder)?;
        lock.lock()?;
        Ok(lock)
    });
    let locked = locked.await.map_err(io::Error::other).flatten();
    locked.map_err(|error: io::Error| {
        StoreError::Setup(format!("cannot lock the folder of {}: {error}", path.display()))
    })
}

/// Makes the folder and the file of a database if they are missing, for their owner alone: they hold people's data and the
/// hashes of passwords. SQLite gives the files that it puts beside it the same rights.
fn make_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

async fn sqlite(
    path: &Path,
    options: &StoreOptions,
    pool: PoolOptions<Sqlite>,
) -> Result<DatabaseConnection, StoreError> {
    let pool = pool.connect_with(sqlite_file(path, options)).await;
    Ok(pool.map_err(|error| cannot_open(path, error))?.into())
}

/// Ends a statement of SQLite that takes longer than [`STATEMENT_LIMIT`]. The watch begins anew with each use of a connection,
/// as one that is used all the time would seem to be at one statement.
fn with_statement_limit(pool: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    // A pool asks one question alone before it gives a connection away, so this one asks the other one, too.
    pool.after_connect(|connection, _| Box::pin(watch(connection))).before_acquire(|connection, meta| {
        Box::pin(async move {
            watch(connection).await?;
            is_fit(connection, &meta).await
        })
    })
}

async fn watch(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut watch = Watch::default();
    connection.lock_handle().await?.set_progress_handler(STEPS, move || watch.goes_on(Instant::now()));
    Ok(())
}

/// How long a statement has been running. SQLite does not say where one begins: the questions of one follow each other
/// closely. It asks after so many steps of a prepared statement, be they all of one run or of many short ones.
#[derive(Default)]
pub(crate) struct Watch(Option<(Instant, Instant)>);

impl Watch {
    /// Shall the statement that asks now go on?
    pub(crate) fn goes_on(&mut self, now: Instant) -> bool {
        let began = match self.0 {
            Some((began, last)) if now.duration_since(last) < PAUSE => began,
            _ => now,
        };
        let goes_on = now.duration_since(began) < STATEMENT_LIMIT;
        self.0 = goes_on.then_some((began, now));
        goes_on
    }
}

fn cannot_open(path: &Path, error: sqlx::Error) -> StoreError {
    if let Ok(false) = path.try_exists() {
        return StoreError::Setup(format!(
            "there is no database {} yet: run this in the folder in which `rollcall serve` runs, or name its data folder \
             (--data-dir); a new one is made by `rollcall migrate`, `serve`, `admin create` and `tenant create`",
            path.display()
        ));
    }
    // Result code 14 is CANTOPEN, 26 NOTADB (SQLite, "Result and Error Codes").
    let code = error.as_database_error().and_then(|cause| cause.code()).unwrap_or_default();
    match code.parse::<i32>().map_or(0, |code| code & 0xff) {
        14 => StoreError::Setup(format!(
            "cannot open {}: check that it is a file in a folder that this user may write",
            path.display()
        )),
        26 => StoreError::Setup(format!("{} is not a SQLite database; name another file", path.display())),
        _ => connection_error(error),
    }
}

fn sqlite_file(path: &Path, options: &StoreOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // Who migrates makes it: whoever else names a file that is not there is to be told so.
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // What was deleted for good is in no free page of the file either.
        .pragma("secure_delete", "ON")
        .foreign_keys(true)
        .pragma("cache_size", CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT)
        .statement_cache_capacity(STATEMENTS)
        .busy_timeout(options.acquire_timeout)
}

/// How servers and commands connect.
fn serving(server: &PgConnectOptions, pooler: Option<Pooler>) -> PgConnectOptions {
    let server = server.clone().application_name(SERVING);
    if pooler.is_none() { pooler::marked(server) } else { server }
}

fn application_pool(options: &StoreOptions, max: u32, pooler: Option<Pooler>) -> PoolOptions<Postgres> {
    pool::<Postgres>(options, max).after_connect(move |connection, _| {
        Box::pin(async move {
            if pooler.is_some() {
                return Ok(());
            }
            // The address may have come to be that of a pooler.
            if !pooler::is_direct(connection).await? {
                let text = "there is a pooler in between that was not there at the start: start again";
                return Err(sqlx::Error::Protocol(text.into()));
            }
            connection.execute(BECOME_APPLICATION).await?;
            Ok(())
        })
    })
}

pub(crate) fn pool<DB: sqlx::Database>(options: &StoreOptions, max: u32) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(max.max(1))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, meta| {
            Box::pin(async move { is_fit(connection, &meta).await })
        })
}

/// Is this connection still to be used?
async fn is_fit<C: Connection>(
    connection: &mut C,
    meta: &PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if meta.idle_for >= TRY_AFTER_IDLE {
        connection.ping().await?;
    }
    // SQLite ends a transaction by itself, when its disk is full for instance, and the connection goes on counting it. What begins
    // then is a savepoint, and once one of these was undone the next is a part of what nobody ever commits. So it is closed.
    Ok(!connection.is_in_transaction())
}

pub(crate) fn connection_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => crate::error::waited_too_long(),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_addresses_say_how_to_mend_them() {
        for (url, word) in [
            ("mysql://x", "must begin with"),
            ("sqlite://", "path"),
            ("sqlite://:memory:", "path"),
            ("postgres://u:pa ss@[::1:5432/d", "percent-encode"),
        ] {
            match Address::parse(url) {
                Err(StoreError::Setup(text)) => {
                    assert!(text.contains(word), "{text}");
                    assert!(!text.contains("pa ss"), "{text}");
                }
                _ => panic!("{url} was taken"),
            }
        }
    }

    #[test]
    fn a_statement_that_takes_too_long_is_ended() {
        let mut watch = Watch::default();
        let begin = Instant::now();
        let after = |seconds: f64| begin + Duration::from_secs_f64(seconds);
        let mut steps = (0_u32..).map(|step| f64::from(step) / 10.0);
        let ended = steps.find(|at| !watch.goes_on(after(*at))).unwrap();
        assert!((19.9..20.2).contains(&ended), "after {ended} s");
        assert!(watch.goes_on(after(ended + 0.1)), "the next one begins anew");
        assert!(watch.goes_on(after(ended + 19.0)), "and so does one after a pause");
    }

    #[test]
    fn addresses() {
        assert!(
            matches!(Address::parse("sqlite:///a b/c%20.db"), Ok(Address::Sqlite(path)) if path == Path::new("/a b/c%20.db"))
        );
        assert!(matches!(Address::parse("postgres://u:p@h:5433/d"), Ok(Address::Postgres(_))));
    }
}
