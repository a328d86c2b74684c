//! Reading the rows of a table in the order of its primary key, one after the other, however many there are.

use futures::TryStreamExt as _;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    Statement, StreamTrait as _, TransactionTrait as _, Value,
};
use uuid::Uuid;

use super::{
    cells::{self, Cell, expression},
    columns::{Column, Kind},
    tables::Rows,
};
use crate::{StoreError, store::Backend};

/// Begins a transaction that sees one moment, for as long as it takes.
pub(super) async fn begin(
    db: &DatabaseConnection,
    backend: Backend,
) -> Result<DatabaseTransaction, StoreError> {
    if backend == Backend::Sqlite {
        return Ok(db.begin().await?);
    }
    let tx = db.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?;
    without_limits(&tx).await?;
    Ok(tx)
}

/// PostgreSQL may have been told to end what takes long.
pub(super) async fn without_limits(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    tx.execute_unprepared(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
    )
    .await?;
    Ok(())
}

/// Tells row-level security whose rows come next.
pub(super) async fn enter(
    tx: &DatabaseTransaction,
    backend: Backend,
    tenant: Uuid,
) -> Result<(), StoreError> {
    if backend == Backend::Postgres {
        let sql = "SELECT set_config('rollcall.tenant', $1, true)";
        let values = [tenant.to_string().into()];
        tx.execute_raw(Statement::from_sql_and_values(dialect(backend), sql, values)).await?;
    }
    Ok(())
}

/// Gives each row to `take`.
pub(super) async fn each(
    tx: &DatabaseTransaction,
    backend: Backend,
    (table, columns): (&str, &[Column]),
    rows: Rows,
    mut take: impl FnMut(Vec<Cell>) -> Result<(), super::BackupError>,
) -> Result<(), super::BackupError> {
    let statement = statement(backend, (table, columns), rows);
    let mut found = tx.stream_raw(statement).await?;
    while let Some(row) = found.try_next().await? {
        take(cells::read(&row, columns)?)?;
    }
    Ok(())
}

fn dialect(backend: Backend) -> DbBackend {
    match backend {
        Backend::Sqlite => DbBackend::Sqlite,
        Backend::Postgres => DbBackend::Postgres,
    }
}

fn statement(backend: Backend, (table, columns): (&str, &[Column]), rows: Rows) -> Statement {
    let names: Vec<String> = columns.iter().map(|column| expression(column, backend)).collect();
    let mut key: Vec<&Column> = columns.iter().filter(|column| column.key > 0).collect();
    key.sort_by_key(|column| column.key);
    let order: Vec<String> = key
        .into_iter()
        .map(|column| match (backend, column.kind) {
            // The order of SQLite, whatever the language of the database is.
            (Backend::Postgres, Kind::Text) => format!("\"{}\" COLLATE \"C\"", column.name),
            _ => format!("\"{}\"", column.name),
        })
        .collect();
    let (condition, values): (String, Vec<Value>) = match rows {
        Rows::All => (String::new(), Vec::new()),
        Rows::Of(column, id) => (format!(" WHERE \"{column}\" = $1"), vec![id.into()]),
        Rows::Rest(column) => {
            let rest = format!(" WHERE \"{column}\" IS NULL OR \"{column}\" NOT IN (SELECT id FROM tenants)");
            (rest, Vec::new())
        }
    };
    let sql =
        format!("SELECT {} FROM \"{table}\"{condition} ORDER BY {}", names.join(", "), order.join(", "));
    Statement::from_sql_and_values(dialect(backend), sql, values)
}
