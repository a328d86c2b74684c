//! Is the database fit to serve? Asked once at start; each answer says how to mend the fault.

use migrations::{APPLICATION_ROLE, Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, FromQueryResult, RuntimeErr, Statement,
};

use crate::{StoreError, pooler::Pooler};

/// Refuses a database with pending migrations, and on PostgreSQL one whose tenants are not kept apart.
pub(crate) async fn check(db: &DatabaseConnection, pooler: Option<Pooler>) -> Result<(), StoreError> {
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    let acting = if pooler.is_some() { Acting::Login } else { Acting::Role };
    if postgres {
        history_readable(db, acting).await?;
    }
    migrated(db).await?;
    if postgres {
        bound_by_row_security(db, acting).await?;
        for table in tenant_tables(db, acting).await? {
            forced(&table, acting)?;
            if !table.partition {
                nothing_visible(db, &table.name).await?;
            }
        }
    }
    Ok(())
}

/// Is the index there that `co` and `ew` are answered by (PostgreSQL)?
pub(crate) async fn finds_parts(db: &DatabaseConnection) -> Result<bool, StoreError> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(false);
    }
    truth(
        db,
        "SELECT to_regprocedure('users_holding(text, bigint, text, boolean)') IS NOT NULL AS there",
        "there",
    )
    .await
}

/// A sentence of ours from inside a migration, or a database that is ahead of this program.
pub(crate) fn migration_error(error: DbErr) -> StoreError {
    match &error {
        DbErr::Custom(_) => StoreError::Setup(
            "the database was migrated by a newer version of Rollcall; run that version or a later one"
                .into(),
        ),
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            match cause.as_database_error() {
                // P0001 is RAISE EXCEPTION (PostgreSQL, appendix A).
                Some(cause) if cause.code().as_deref() == Some("P0001") => {
                    StoreError::Setup(cause.message().to_owned())
                }
                _ => error.into(),
            }
        }
        _ => error.into(),
    }
}

/// A login without rights would see no migrations and take the database for an empty one.
async fn history_readable(db: &DatabaseConnection, acting: Acting) -> Result<(), StoreError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'seaql_migrations' AND relkind = 'r' \
               AND NOT has_table_privilege(oid, 'SELECT')) AS hidden";
    if truth(db, sql, "hidden").await? { Err(StoreError::Setup(acting.mend())) } else { Ok(()) }
}

/// How many migrations are pending.
pub(crate) async fn pending(db: &DatabaseConnection) -> Result<usize, StoreError> {
    Ok(Migrator::get_pending_migrations_read_only(db).await.map_err(migration_error)?.len())
}

async fn migrated(db: &DatabaseConnection) -> Result<(), StoreError> {
    match pending(db).await? {
        0 => Ok(()),
        count => Err(StoreError::Setup(format!(
            "{count} migration(s) are pending: run `rollcall migrate`, or start without --no-migrate"
        ))),
    }
}

/// Whose rights statements have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Acting {
    /// The application role's, which each connection becomes.
    Role,
    /// The login's own: through a pooler no connection becomes anything that lasts, and the role that one has at the moment
    /// proves nothing.
    Login,
}

impl Acting {
    /// What PostgreSQL calls whoever it may be.
    fn names(self) -> &'static str {
        match self {
            Self::Role => "(current_user)",
            Self::Login => "(session_user, current_user)",
        }
    }

    /// What a role must be to another one to have its rights. A pooler may have been told to become it.
    fn holding(self) -> &'static str {
        match self {
            Self::Role => "USAGE",
            Self::Login => "MEMBER",
        }
    }

    fn mend(self) -> String {
        match self {
            Self::Role => format!(
                "the database login may not act as {APPLICATION_ROLE}: let the database owner run \
                 `GRANT {APPLICATION_ROLE} TO` that login"
            ),
            Self::Login => format!(
                "there is a pooler in between, so row-level security must bind the login itself: let \
                 the database owner run `CREATE ROLE rollcall_server LOGIN PASSWORD '…' IN ROLE {APPLICATION_ROLE}` and put \
                 this login into ROLLCALL_DATABASE_URL, the owner's into ROLLCALL_MIGRATE_DATABASE_URL"
            ),
        }
    }
}

#[derive(FromQueryResult)]
struct Role {
    name: String,
    /// Does row-level security not bind it, or, of a login, another one that it may become?
    escapes: bool,
    member: bool,
}

async fn bound_by_row_security(db: &DatabaseConnection, acting: Acting) -> Result<(), StoreError> {
    let others =
        if acting == Acting::Login { "pg_has_role(r.oid, b.oid, 'MEMBER')" } else { "b.oid = r.oid" };
    let sql = format!(
        "SELECT rolname::text AS name, \
                EXISTS (SELECT FROM pg_roles b WHERE (b.rolsuper OR b.rolbypassrls) AND {others}) AS escapes, \
                EXISTS (SELECT FROM pg_roles a WHERE a.rolname = '{APPLICATION_ROLE}' AND pg_has_role(r.oid, a.oid, 'USAGE')) \
                    AS member \
         FROM pg_roles r WHERE rolname IN {}",
        acting.names()
    );
    let roles = Role::find_by_statement(Statement::from_string(DbBackend::Postgres, sql)).all(db).await?;
    for role in &roles {
        if role.escapes && role.name == APPLICATION_ROLE {
            return Err(StoreError::Setup(format!(
                "{APPLICATION_ROLE} escapes row-level security: let a superuser run \
                 `ALTER ROLE {APPLICATION_ROLE} NOSUPERUSER NOBYPASSRLS`"
            )));
        }
        if role.escapes || (acting == Acting::Login && !role.member) {
            return Err(StoreError::Setup(acting.mend()));
        }
    }
    if roles.is_empty() { Err(StoreError::Setup(acting.mend())) } else { Ok(()) }
}

#[derive(FromQueryResult)]
struct TenantTable {
    name: String,
    forced: bool,
    policies: i64,
    owned: bool,
    /// Is it a part of a table? Its rows are reached through that one, and past it by nobody.
    partition: bool,
}

async fn tenant_tables(db: &DatabaseConnection, acting: Acting) -> Result<Vec<TenantTable>, StoreError> {
    let sql = format!(
        "SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced, \
                      (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies, \
                      EXISTS (SELECT FROM pg_roles r WHERE r.rolname IN {} AND pg_has_role(r.oid, c.relowner, '{}')) AS owned, \
                      c.relispartition AS partition \
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' \
               WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace \
               ORDER BY c.relname",
        acting.names(),
        acting.holding()
    );
    Ok(TenantTable::find_by_statement(Statement::from_string(DbBackend::Postgres, sql)).all(db).await?)
}

fn forced(table: &TenantTable, acting: Acting) -> Result<(), StoreError> {
    let name = &table.name;
    if table.owned {
        return Err(StoreError::Setup(format!(
            "the server's database role owns the table {name} and could switch row-level security off: {}",
            acting.mend()
        )));
    }
    if table.partition && table.forced && table.policies > 0 {
        return Err(StoreError::Setup(format!(
            "the partition {name} has a policy of its own: drop it, those of the whole table are enough"
        )));
    }
    if !table.forced || (table.policies == 0 && !table.partition) {
        return Err(StoreError::Setup(format!(
            "row-level security is not forced on the table {name}: let the owner run `ALTER TABLE {name} ENABLE ROW \
             LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY` and restore its policy"
        )));
    }
    Ok(())
}

/// No tenant is set here, so not one row may be seen.
async fn nothing_visible(db: &DatabaseConnection, table: &str) -> Result<(), StoreError> {
    let sql = format!("SELECT EXISTS (SELECT FROM \"{}\") AS visible", table.replace('"', "\"\""));
    if !truth(db, &sql, "visible").await? {
        return Ok(());
    }
    Err(StoreError::Setup(format!(
        "rows of {table} can be seen without a tenant: drop every policy on it that the migrations did not make"
    )))
}

/// The one boolean that a question has for an answer.
async fn truth(db: &DatabaseConnection, sql: &str, column: &str) -> Result<bool, StoreError> {
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let answer = row.map(|row| row.try_get::<bool>("", column)).transpose()?;
    answer.ok_or_else(|| crate::error::unreadable(column, "no answer"))
}
