//! Is there a pooler (PgBouncer) between this process and PostgreSQL, and which way does it work?
//!
//! Asked of the connection, not of a setting: PostgreSQL takes any option when a connection begins, and PgBouncer, whose
//! connections began earlier, does not hand it on. Some short transactions show whether connections are exchanged beneath
//! us. That they are not cannot be proved (there may be several poolers behind one address, and a mode can change), so
//! wherever there is one, row-level security has to bind the login itself ([`crate::setup`]).

use std::sync::LazyLock;

use sea_orm::sqlx::{
    self, AssertSqlSafe, Connection as _, Pool, Row as _,
    postgres::{PgConnectOptions, PgConnection, Postgres},
};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    StoreError, StoreOptions,
    connect::{connection_error, pool},
    error::waited_too_long,
};

/// How a pooler in between works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooler {
    /// Each connection has one of PostgreSQL's for as long as it lives, as far as can be seen.
    Session,
    /// Each transaction has one, and nothing of a session outlives it but prepared statements.
    Transaction,
}

/// Name of the option, and its value: no other process's, whose connection a pooler may have kept.
const OPTION: &str = "rollcall.process";
static PROCESS: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().simple().to_string());

/// How often two connections are compared. A pooler gives the one that was given back last, or first, so the first time tells;
/// the others are for one that is busy with others meanwhile.
const ROUNDS: usize = 6;

const WITHOUT_STATEMENTS: &str = "the pooler between Rollcall and PostgreSQL works in transaction mode and keeps no prepared \
     statements: make it PgBouncer 1.21 or newer with `max_prepared_statements = 200`, or set `pool_mode = session` for this \
     database";

const WITHOUT_TRANSACTIONS: &str = "the pooler between Rollcall and PostgreSQL works in statement mode, in which there are no \
     transactions: set `pool_mode = transaction` for this database";

const WITHOUT_ROOM: &str = "there is a pooler between Rollcall and PostgreSQL, and it did not give two connections in time: \
     raise `default_pool_size` there, or see what keeps its connections busy";

/// With the option that shows that nothing is in between.
pub(crate) fn marked(server: PgConnectOptions) -> PgConnectOptions {
    server.options([(OPTION, PROCESS.as_str())])
}

/// Has the option arrived? Asked without a prepared statement, which a pooler may not know.
pub(crate) async fn is_direct(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let sql = format!("SELECT current_setting('{OPTION}', true) IS NOT DISTINCT FROM '{}'", *PROCESS);
    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
}

/// Looks what is in between. [`StoreError::Setup`]: a pooler through which the store cannot work.
pub(crate) async fn find(
    server: &PgConnectOptions,
    options: &StoreOptions,
) -> Result<Option<Pooler>, StoreError> {
    let (pool, direct) = match pool::<Postgres>(options, 2).connect_with(marked(server.clone())).await {
        Ok(pool) => {
            let asked = timeout(options.acquire_timeout, has_arrived(&pool)).await;
            (pool, asked.unwrap_or_else(|_| Err(StoreError::Setup(WITHOUT_ROOM.into())))?)
        }
        // PgBouncer's code for options that it has not been told to ignore.
        Err(sqlx::Error::Database(cause)) if cause.code().as_deref() == Some("08P01") => (
            pool::<Postgres>(options, 2).connect_with(server.clone()).await.map_err(connection_error)?,
            false,
        ),
        Err(error) => return Err(connection_error(error)),
    };
    let compared = timeout(options.acquire_timeout, async {
        let mut one = pool.acquire().await.map_err(connection_error)?;
        let mut other = pool.acquire().await.map_err(connection_error)?;
        compare(&mut one, &mut other).await
    });
    let mode = compared.await;
    pool.close().await;
    match mode {
        Ok(Ok(Pooler::Session)) if direct => Ok(None),
        Ok(mode) => mode.map(Some),
        Err(_) if direct => Err(waited_too_long()),
        Err(_) => Err(StoreError::Setup(WITHOUT_ROOM.into())),
    }
}

async fn has_arrived(pool: &Pool<Postgres>) -> Result<bool, StoreError> {
    let mut connection = pool.acquire().await.map_err(connection_error)?;
    is_direct(&mut connection).await.map_err(connection_error)
}

/// Connections of one's own stay what they are and are never another's.
async fn compare(one: &mut PgConnection, other: &mut PgConnection) -> Result<Pooler, StoreError> {
    let statements =
        ["one", "other"].map(|name| format!("SELECT pg_backend_pid() || ' {name} {}'", *PROCESS));
    let mut seen: [Option<i32>; 2] = [None, None];
    let mut exchanged = false;
    for turn in [0, 0, 1].repeat(ROUNDS) {
        let connection = if turn == 0 { &mut *one } else { &mut *other };
        let process = look(connection, &statements[turn]).await.map_err(meaning)?;
        let process = process.ok_or_else(|| StoreError::Setup(WITHOUT_STATEMENTS.into()))?;
        exchanged |= seen[turn].is_some_and(|before| before != process) || seen[1 - turn] == Some(process);
        seen[turn] = Some(process);
    }
    Ok(if exchanged { Pooler::Transaction } else { Pooler::Session })
}

/// The server process of a transaction, by a statement that is prepared the first time and named from then on. `None`: it is
/// another statement that has this name there.
async fn look(connection: &mut PgConnection, statement: &str) -> Result<Option<i32>, sqlx::Error> {
    let mut tx = connection.begin().await?;
    let told: String = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    let (process, name) = told.split_once(' ').unwrap_or_default();
    Ok(process.parse().ok().filter(|_| statement.contains(name)))
}

fn meaning(error: sqlx::Error) -> StoreError {
    let cause = error.as_database_error();
    let code = cause.and_then(|cause| cause.code()).unwrap_or_default();
    match (&*code, cause) {
        // No statement has this name there, or one has it already.
        ("26000" | "42P05", _) => StoreError::Setup(WITHOUT_STATEMENTS.into()),
        (_, Some(cause)) if cause.message().starts_with("bind message") => {
            StoreError::Setup(WITHOUT_STATEMENTS.into())
        }
        (_, Some(cause)) if cause.message().contains("statement pooling mode") => {
            StoreError::Setup(WITHOUT_TRANSACTIONS.into())
        }
        // What came was the answer to another statement.
        (_, None) if matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {
            StoreError::Setup(WITHOUT_STATEMENTS.into())
        }
        _ => connection_error(error),
    }
}
