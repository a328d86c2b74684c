//! The columns of each table, as the catalog of the database has them.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::tables::JSON;
use crate::{StoreError, error::unreadable};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// PostgreSQL's own; 16 bytes on SQLite.
    Uuid,
    Bytes,
    Text,
    Json,
    Int,
    Bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Its place in the primary key, from 1; 0: it is not in it.
    pub(super) key: i64,
}

/// The columns of all tables, in the order of their names, which is the same on both databases.
pub(super) type Catalog = BTreeMap<String, Vec<Column>>;

const POSTGRES: &str = "SELECT c.relname::text, a.attname::text, t.typname::text, \
     COALESCE((SELECT k.place FROM unnest(i.indkey) WITH ORDINALITY k (att, place) WHERE k.att = a.attnum), 0) \
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
     AND c.relname <> 'seaql_migrations' ORDER BY 1, 2";

const SQLITE: &str = "SELECT m.name, c.name, lower(c.type), c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'seaql_migrations' ORDER BY 1, 2";

/// Which transaction wrote a row: it means nothing in another database.
const OF_THE_DATABASE: &str = "xid8";

/// Reads the catalog.
pub(super) async fn catalog(db: &impl ConnectionTrait) -> Result<Catalog, StoreError> {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Sqlite { SQLITE } else { POSTGRES };
    let mut found = Catalog::new();
    for row in db.query_all_raw(Statement::from_string(backend, sql)).await? {
        let (table, name): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let word: String = row.try_get_by_index(2)?;
        if word == OF_THE_DATABASE {
            continue;
        }
        let kind = match word.as_str() {
            "uuid" => Kind::Uuid,
            "bytea" | "blob" => Kind::Bytes,
            "jsonb" => Kind::Json,
            "text" if JSON.contains(&(table.as_str(), name.as_str())) => Kind::Json,
            "text" => Kind::Text,
            "int8" | "int4" | "int2" | "bigint" | "integer" | "smallint" => Kind::Int,
            "bool" | "boolean" => Kind::Bool,
            other => return Err(unreadable(&format!("{table}.{name}"), format_args!("it is a {other}"))),
        };
        let column = Column { name, kind, key: row.try_get_by_index(3)? };
        found.entry(table).or_default().push(column);
    }
    for columns in found.values_mut() {
        columns.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(found)
}
