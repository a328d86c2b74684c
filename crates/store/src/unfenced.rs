//! Only in builds for a trial (`--cfg rollcall_no_tenant_predicate`): every statement goes to PostgreSQL without its condition
//! on the tenant, so that row-level security alone keeps tenants apart. No released build has this module.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement,
};

use crate::{Backend, StoreError};

/// What a program of such a build says when it starts, and what it is known by.
const MARK: &str = "rollcall_no_tenant_predicate: row-level security alone keeps tenants apart";

/// The column.
const COLUMN: &str = "tenant_id";

/// A transaction that leaves the condition out of all that it runs.
pub(crate) struct Transaction(DatabaseTransaction);

/// As [`Transaction`] says.
pub(crate) fn transaction(transaction: DatabaseTransaction) -> Transaction {
    Transaction(transaction)
}

impl Transaction {
    /// As [`DatabaseTransaction::commit`].
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        self.0.commit().await
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(outgoing(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(&text_without(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.query_one_raw(outgoing(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query_all_raw(outgoing(statement)).await
    }
}

/// A statement without its condition on the tenant. Its values stay, so their places do.
pub(crate) fn outgoing(statement: Statement) -> Statement {
    Statement { sql: text_without(&statement.sql), ..statement }
}

/// Each comparison of a column `tenant_id` becomes true: with a value, or with that column of another table. Lists of columns,
/// and what is written into the column, stay.
fn text_without(sql: &str) -> String {
    let mut kept = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(COLUMN) {
        let (before, from) = rest.split_at(at);
        let begin = before.trim_end_matches(is_name).len();
        let after = from[COLUMN.len()..].trim_start_matches('"');
        match after.trim_start().strip_prefix('=').map(str::trim_start) {
            Some(operand) => {
                let end = operand.find(|ch| !is_name(ch) && ch != '$' && ch != ':').unwrap_or(operand.len());
                let (compared, behind) = operand.split_at(end);
                assert!(!compared.is_empty(), "a comparison of {COLUMN} that is not known here: {sql}");
                kept.push_str(&before[..begin]);
                // A value that stands nowhere would have no type.
                let is_value = compared.starts_with('$');
                kept.push_str(&if is_value {
                    format!("({compared} IS NOT NULL)")
                } else {
                    "TRUE".to_owned()
                });
                rest = behind;
            }
            None => {
                kept.push_str(before);
                kept.push_str(COLUMN);
                rest = &from[COLUMN.len()..];
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn is_name(ch: char) -> bool {
    ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '"')
}

/// Takes the condition out of the functions of the database, too. Not out of those that act with their owner's rights: row-level
/// security does not hold for them, and they take the tenant from its setting, as it does.
const FUNCTIONS_WITHOUT: &str = r"
DO $unfence$
DECLARE
    definition text;
    compared constant text := '(\w+\.)?tenant_id = (of_tenants\[place\]|\w+\.tenant_id|\w+)';
    changed integer := 0;
BEGIN
    FOR definition IN
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f' AND NOT p.prosecdef
            AND p.prosrc ~ compared
    LOOP
        EXECUTE regexp_replace(definition, compared, 'TRUE', 'g');
        changed := changed + 1;
    END LOOP;
    IF EXISTS (
        SELECT FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND NOT p.prosecdef
            AND p.prosrc ~ 'tenant_id\s*='
    ) THEN
        RAISE EXCEPTION 'a function still asks for the tenant';
    END IF;
    RAISE NOTICE '% functions ask for no tenant any more', changed;
END
$unfence$";

/// Tells everybody what this build is. There is nothing else that keeps tenants apart on SQLite.
pub(crate) fn admit(backend: Backend) -> Result<(), StoreError> {
    tracing::warn!("{MARK}");
    match backend {
        Backend::Postgres => Ok(()),
        Backend::Sqlite => Err(StoreError::Setup(format!("{MARK}, and SQLite has none"))),
    }
}

/// After migrations.
pub(crate) async fn migrated(db: &DatabaseConnection) -> Result<(), StoreError> {
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(FUNCTIONS_WITHOUT).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::text_without;

    #[test]
    fn no_statement_asks_for_the_tenant() {
        for (asked, left) in [
            (
                "SELECT 1 FROM t WHERE t.tenant_id = $1 AND t.id = $2",
                "SELECT 1 FROM t WHERE ($1 IS NOT NULL) AND t.id = $2",
            ),
            ("DELETE FROM t WHERE tenant_id = $12", "DELETE FROM t WHERE ($12 IS NOT NULL)"),
            (
                r#"SELECT "a" FROM "t" WHERE "t"."tenant_id" = $1 LIMIT $2"#,
                r#"SELECT "a" FROM "t" WHERE ($1 IS NOT NULL) LIMIT $2"#,
            ),
            ("JOIN g ON g.tenant_id = m.tenant_id AND g.id = m.id", "JOIN g ON TRUE AND g.id = m.id"),
            ("(EXISTS (SELECT 1 WHERE p.tenant_id = x.tenant_id))", "(EXISTS (SELECT 1 WHERE TRUE))"),
            (
                "INSERT INTO t (tenant_id, id) VALUES ($1, $2)",
                "INSERT INTO t (tenant_id, id) VALUES ($1, $2)",
            ),
            ("ON CONFLICT (tenant_id, id) DO NOTHING", "ON CONFLICT (tenant_id, id) DO NOTHING"),
            ("SELECT m.tenant_id, m.id FROM m", "SELECT m.tenant_id, m.id FROM m"),
        ] {
            assert_eq!(text_without(asked), left);
        }
    }
}
