//! Writing the rows of one section.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};
use uuid::Uuid;

use super::super::{
    BackupError,
    cells::{self, Cell},
    columns::{Column, Kind},
    sums::Sum,
    tables::DESTINATIONS,
};
use crate::{StoreError, error::unreadable, keys::DataKey, store::Backend};

/// Rows of one statement.
const AT_ONCE: usize = 200;

/// Bytes of rows after which they are sent.
const BYTES: usize = 1024 * 1024;

/// What a tenant's rows become in another installation.
#[derive(Default)]
pub(super) struct Changes {
    /// The last place of the feed here.
    position: i64,
}

impl Changes {
    /// As things are in this database.
    pub(super) async fn here(tx: &DatabaseTransaction) -> Result<Self, StoreError> {
        let sql = "SELECT position FROM feed_ends WHERE name = 'last'";
        let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
        Ok(Self { position: row.map_or(Ok(0), |row| row.try_get_by_index(0))? })
    }

    /// Columns of a table and their value here. Destinations follow this feed from now on, and nobody works at them yet.
    pub(super) fn of(&self, table: &str) -> Vec<(&'static str, Cell)> {
        match table {
            DESTINATIONS => vec![
                ("position", Cell::Int(self.position)),
                ("holder", Cell::Null),
                ("held_until", Cell::Null),
            ],
            _ => Vec::new(),
        }
    }
}

/// The rows of a section on their way.
pub(super) struct Put {
    table: &'static str,
    columns: Vec<Column>,
    changes: Vec<(usize, Cell)>,
    waiting: Vec<Vec<Cell>>,
    bytes: usize,
    line: String,
    /// Of what was sent.
    sum: Sum,
}

impl Put {
    pub(super) fn new(table: &'static str, columns: &[Column], changes: Vec<(&str, Cell)>) -> Self {
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let changes = changes.into_iter().filter_map(|(name, cell)| Some((place(name)?, cell))).collect();
        Self {
            table,
            columns: columns.to_vec(),
            changes,
            waiting: Vec::new(),
            bytes: 0,
            line: String::new(),
            sum: Sum::default(),
        }
    }

    pub(super) async fn row(
        &mut self,
        tx: &DatabaseTransaction,
        backend: Backend,
        mut cells: Vec<Cell>,
    ) -> Result<(), BackupError> {
        for (place, cell) in &self.changes {
            if let Some(old) = cells.get_mut(*place) {
                *old = cell.clone();
            }
        }
        self.line.clear();
        cells::write(&cells, &mut self.line);
        self.sum.add(&self.line);
        self.bytes += self.line.len();
        self.waiting.push(cells);
        if self.waiting.len() >= AT_ONCE || self.bytes >= BYTES {
            self.send(tx, backend).await?;
        }
        Ok(())
    }

    pub(super) async fn finish(
        mut self,
        tx: &DatabaseTransaction,
        backend: Backend,
    ) -> Result<Sum, BackupError> {
        self.send(tx, backend).await?;
        Ok(self.sum)
    }

    async fn send(&mut self, tx: &DatabaseTransaction, backend: Backend) -> Result<(), BackupError> {
        let rows = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let mut sql = format!("INSERT INTO \"{}\" ({}) VALUES ", self.table, names.join(", "));
        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * names.len());
        for (place, row) in rows.into_iter().enumerate() {
            sql.push_str(if place == 0 { "(" } else { ", (" });
            for (place, (cell, column)) in row.into_iter().zip(&self.columns).enumerate() {
                let value = cells::bound(cell, column.kind)
                    .ok_or_else(|| unreadable(&column.name, "a value of another kind"))?;
                values.push(value);
                sql.push_str(if place == 0 { "" } else { ", " });
                match (backend, column.kind) {
                    (Backend::Sqlite, _) => sql.push('?'),
                    (Backend::Postgres, Kind::Json) => {
                        sql.push_str(&format!("CAST(${} AS jsonb)", values.len()))
                    }
                    (Backend::Postgres, _) => sql.push_str(&format!("${}", values.len())),
                }
            }
            sql.push(')');
        }
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let sent = tx.execute_raw(statement).await.map_err(StoreError::from);
        sent.map_err(|error| match error {
            StoreError::Conflict { attribute } => BackupError::Refused(format!(
                "somebody here has what the tenant brings: its {attribute} is taken; nothing was changed"
            )),
            error => error.into(),
        })?;
        Ok(())
    }
}

/// Ids of the data keys that are here, and when the oldest was made.
pub(super) async fn data_keys(tx: &DatabaseTransaction) -> Result<(HashSet<Uuid>, Option<i64>), StoreError> {
    let sql = "SELECT id, created_at FROM data_keys";
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
    let (mut ids, mut oldest) = (HashSet::new(), None::<i64>);
    for row in rows {
        ids.insert(row.try_get_by_index(0)?);
        let at: i64 = row.try_get_by_index(1)?;
        oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
    }
    Ok((ids, oldest))
}

/// Adds a data key.
pub(super) async fn data_key(tx: &DatabaseTransaction, key: &DataKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO data_keys (id, wrapped, created_at) VALUES ($1, $2, $3)";
    let values = [key.id.into(), key.wrapped.clone().into(), key.created_at.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}
