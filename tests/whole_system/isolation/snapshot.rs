//! All rows of a tenant, as they stand in the database.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

/// What changes without anybody having got at anything: table and column. `refusals` is where a tenant's people see who knocked
/// with a wrong credential, so each attempt at an address of theirs may be noted there.
const PASSING: [(&str, &[&str]); 3] = [
    // When its own identity provider came last.
    ("credentials", &["last_used_at", "last_used_from"]),
    // Which node sends, and how far it has looked.
    ("destinations", &["holder", "held_until", "term", "position"]),
    // When its own people were last seen.
    ("admin_sessions", &["last_seen_at", "data"]),
];

/// Tables that are left out.
const LEFT_OUT: [&str; 3] = ["refusals", "walk_marks", "walk_snapshots"];

/// Rows by table, as text, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<String, Vec<String>>);

impl Snapshot {
    /// Of a tenant, and of somebody who looks after it.
    pub(super) async fn of(db: &DatabaseConnection, tenant: &str, person: &str) -> Self {
        let mut tables = BTreeMap::new();
        for (table, columns) in columns(db).await {
            let whose = [
                ("tenant_id", tenant),
                ("tenant", tenant),
                ("owner", tenant),
                ("admin", person),
                ("admin_id", person),
            ];
            let whose = match table.as_str() {
                "tenants" => Some(("id", tenant)),
                "admins" => Some(("id", person)),
                _ => whose.into_iter().find(|(column, _)| columns.iter().any(|known| known == column)),
            };
            let Some((column, id)) = whose.filter(|_| !LEFT_OUT.contains(&table.as_str())) else { continue };
            let passing =
                PASSING.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, passing)| passing);
            let kept = columns.iter().filter(|name| !passing.contains(&name.as_str()));
            let shown: Vec<String> = kept.map(|name| text_of(db, name)).collect();
            let id = match db.get_database_backend() {
                DbBackend::Postgres => format!("'{id}'::uuid"),
                _ => format!("x'{}'", id.replace('-', "")),
            };
            let sql = format!(
                "SELECT {} AS line FROM \"{table}\" WHERE \"{column}\" = {id} ORDER BY 1",
                shown.join(" || '|' || ")
            );
            let lines = rows(db, sql).await.iter().map(|row| row.try_get("", "line").unwrap()).collect();
            tables.insert(table, lines);
        }
        Self(tables)
    }

    /// How many rows there are, and in how many tables.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.0.values().map(Vec::len).sum(), self.0.values().filter(|rows| !rows.is_empty()).count())
    }

    /// What is otherwise in another one.
    pub(super) fn changes(&self, after: &Self) -> Vec<String> {
        let tables = self.0.iter().filter(|(table, rows)| after.0[*table] != **rows);
        tables
            .map(|(table, rows)| {
                let new: Vec<_> = after.0[table].iter().filter(|row| !rows.contains(row)).take(3).collect();
                let old: Vec<_> = rows.iter().filter(|row| !after.0[table].contains(row)).take(3).collect();
                format!("rows of {table} were changed: {old:?} to {new:?}")
            })
            .collect()
    }
}

fn text_of(db: &DatabaseConnection, column: &str) -> String {
    match db.get_database_backend() {
        DbBackend::Postgres => format!("COALESCE(\"{column}\"::text, '-')"),
        _ => format!("quote(\"{column}\")"),
    }
}

/// Columns of each table.
async fn columns(db: &DatabaseConnection) -> BTreeMap<String, Vec<String>> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text AS a, column_name::text AS b FROM information_schema.columns \
             WHERE table_schema = current_schema() ORDER BY 1, 2"
        }
        _ => {
            "SELECT t.name AS a, c.name AS b FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' ORDER BY 1, 2"
        }
    };
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    for row in rows(db, sql.to_owned()).await {
        tables.entry(row.try_get("", "a").unwrap()).or_default().push(row.try_get("", "b").unwrap());
    }
    tables
}

async fn rows(db: &DatabaseConnection, sql: String) -> Vec<QueryResult> {
    let statement = Statement::from_string(db.get_database_backend(), sql.clone());
    db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}
