//! An empty store on each database for tests. Every test has a database of its own, which goes with the [`TestStore`].
//!
//! [`on_both!`] makes one test for SQLite and one for PostgreSQL out of each function. A missing server is a failure,
//! never a skipped test.
//!
//! Property tests find their random choices ([`Dice`]), their size ([`Trial`]) and their resources ([`sample`]) here.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sea_orm::{ConnectionTrait, Database as SeaDatabase, DbBackend, Statement};
use store::{Backend, Store, StoreOptions, TenantId};
use uuid::Uuid;

mod dice;
mod postgres;
pub mod sample;
mod trial;

pub use dice::Dice;
pub use trial::Trial;

/// An open store on a database of its own. Drop it last: the database goes with it.
pub struct TestStore {
    store: Store,
    options: StoreOptions,
    ahead: Arc<AtomicI64>,
    /// Kept for its `Drop`.
    _database: Database,
}

/// What is removed at the end.
enum Database {
    Sqlite(#[allow(dead_code, reason = "removes the folder when it is dropped")] tempfile::TempDir),
    Postgres(#[allow(dead_code, reason = "drops the database when it is dropped")] postgres::Database),
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// The store itself, for owners such as services.
    #[must_use]
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Opens the same database once more, as another node does.
    pub async fn another(&self) -> Store {
        Store::open(&self.options).await.expect("the database opens again")
    }

    /// So many users of a tenant, `many1`, `many2`, …, made past the store for speed; their ids in order.
    pub async fn many_users(&self, tenant: TenantId, count: i64) -> Vec<String> {
        let (backend, sql) = match self.store.backend() {
            Backend::Postgres => (
                DbBackend::Postgres,
                "INSERT INTO users (tenant_id, id, user_name, user_name_key, active, document, search, version, \
                 created_at, updated_at) SELECT $1, gen_random_uuid(), 'many' || n, 'many' || n, true, \
                 '{}', '{}', 1, 0, 0 FROM generate_series(1, $2) n RETURNING id",
            ),
            Backend::Sqlite => (
                DbBackend::Sqlite,
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $2) \
                 INSERT INTO users (tenant_id, id, user_name, user_name_key, active, document, search, version, \
                 created_at, updated_at) SELECT $1, randomblob(16), 'many' || n, 'many' || n, true, \
                 '{}', '{}', 1, 0, 0 FROM n WHERE true RETURNING id",
            ),
        };
        let db = SeaDatabase::connect(&self.options.url).await.expect("a connection past the store");
        let statement = Statement::from_sql_and_values(backend, sql, [tenant.0.into(), count.into()]);
        let rows = db.query_all_raw(statement).await.expect("users are made");
        db.close().await.expect("the connection past the store closes");
        self.recount(tenant).await;
        let mut ids: Vec<Uuid> = rows.iter().map(|row| row.try_get_by_index(0).expect("an id")).collect();
        ids.sort();
        ids.iter().map(Uuid::to_string).collect()
    }

    /// Makes the kept totals of a tenant true after its users or groups were changed past the store, in blocks as they are in
    /// production.
    pub async fn recount(&self, tenant: TenantId) {
        let db = SeaDatabase::connect(&self.options.url).await.expect("a connection past the store");
        let run = async |sql: &str, values: Vec<sea_orm::Value>| {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            db.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        };
        let (object, least) = match self.store.backend() {
            Backend::Postgres => ("a.object_id::uuid", "LEAST"),
            Backend::Sqlite => ("unhex(replace(a.object_id, '-', ''))", "MIN"),
        };
        run("DELETE FROM live_blocks WHERE tenant_id = $1", vec![tenant.0.into()]).await;
        for (kind, table) in [("User", "users"), ("Group", "groups")] {
            let fill = format!(
                "INSERT INTO live_blocks (tenant_id, kind, level, first_id, live) SELECT $1, '{kind}', l.level, \
                 CASE x.place WHEN 0 THEN $2 ELSE x.id END, {least}(x.many - x.place, l.size) \
                 FROM (SELECT 0 AS level, 256 AS size UNION ALL SELECT 1, 64 * 256) l, \
                 (SELECT r.id, COUNT(*) OVER () AS many, row_number() OVER (ORDER BY r.id) - 1 AS place \
                 FROM {table} r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL) x WHERE x.place % l.size = 0"
            );
            run(&fill, vec![tenant.0.into(), Uuid::nil().into()]).await;
            let waiting = format!(
                "UPDATE live_blocks SET live = live - (SELECT COALESCE(SUM(a.live_delta), 0) FROM audit a \
                 WHERE a.tenant_id = $1 AND a.seq IS NULL AND a.object_type = '{kind}' AND {object} >= live_blocks.first_id \
                 AND NOT EXISTS (SELECT 1 FROM live_blocks n WHERE n.tenant_id = $1 AND n.kind = '{kind}' \
                 AND n.level = live_blocks.level AND n.first_id > live_blocks.first_id AND n.first_id <= {object})) \
                 WHERE tenant_id = $1 AND kind = '{kind}'"
            );
            run(&waiting, vec![tenant.0.into()]).await;
        }
        db.close().await.expect("the connection past the store closes");
    }

    /// Gives all entries and events their numbers, as a server does by itself. On PostgreSQL those of other tests' databases
    /// hold it up while they write.
    ///
    /// # Panics
    /// When something cannot be numbered, or is not within 30 s.
    pub async fn number(&self) {
        let sql = "SELECT (SELECT COUNT(*) FROM audit WHERE seq IS NULL) \
                   + (SELECT COUNT(*) FROM outbox WHERE seq IS NULL) \
                   + (SELECT COUNT(*) FROM platform_audit WHERE seq IS NULL)";
        let db = SeaDatabase::connect(&self.options.url).await.expect("a connection past the store");
        let begun = std::time::Instant::now();
        loop {
            let round = self.store.number().await.expect("a round of numbering");
            assert!(round.failed.is_none(), "{round:?}");
            let statement = Statement::from_string(db.get_database_backend(), sql);
            let row = db.query_one_raw(statement).await.expect("a count").expect("a row");
            if row.try_get_by_index::<i64>(0).expect("a number") == 0 {
                break;
            }
            assert!(begun.elapsed().as_secs() < 30, "rows are left without a number");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        db.close().await.expect("the connection past the store closes");
    }

    /// Changes the database past the store, as an earlier version or a stranger with access to it might.
    pub async fn execute(&self, sql: &str) {
        let db = SeaDatabase::connect(&self.options.url).await.expect("a connection past the store");
        db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        db.close().await.expect("the connection past the store closes");
    }

    /// From here on the database refuses to remove the row of this user, as a damaged one might.
    pub async fn keep_user(&self, id: &str) {
        let id = Uuid::parse_str(id).expect("an id");
        let statements = match self.store.backend() {
            Backend::Postgres => vec![
                "CREATE FUNCTION keep_user() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'this user is kept'; END $$"
                    .to_owned(),
                format!(
                    "CREATE TRIGGER keep_user BEFORE DELETE ON users FOR EACH ROW WHEN (OLD.id = '{id}') \
                     EXECUTE FUNCTION keep_user()"
                ),
            ],
            Backend::Sqlite => vec![format!(
                "CREATE TRIGGER keep_user BEFORE DELETE ON users WHEN OLD.id = X'{}' \
                 BEGIN SELECT RAISE(ABORT, 'this user is kept'); END",
                id.simple()
            )],
        };
        let db = SeaDatabase::connect(&self.options.url).await.expect("a connection past the store");
        for statement in statements {
            db.execute_unprepared(&statement).await.expect("the trigger is made");
        }
        db.close().await.expect("the connection past the store closes");
    }

    /// Moves this store's clock (and that of [`TestStore::another`]) by so many milliseconds.
    pub fn advance(&self, milliseconds: i64) {
        self.ahead.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

/// An empty store on SQLite: a file in a folder of its own, the pool as large as in production.
pub async fn sqlite() -> TestStore {
    sqlite_with(|_| ()).await
}

/// As [`sqlite`], with changed options.
pub async fn sqlite_with(change: impl FnOnce(&mut StoreOptions)) -> TestStore {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut options = StoreOptions::new(format!("sqlite://{}", folder.path().join("rollcall.db").display()));
    change(&mut options);
    Store::migrate(&options).await.expect("migrations apply");
    open(options, Database::Sqlite(folder)).await
}

/// An empty store on PostgreSQL: a database of its own on the server that `ROLLCALL_TEST_POSTGRES_URL` names.
///
/// # Panics
/// Without that variable, with a sentence that says what to run.
pub async fn postgres() -> TestStore {
    postgres_with(|_| ()).await
}

/// As [`postgres`], with changed options.
///
/// # Panics
/// As [`postgres`].
pub async fn postgres_with(change: impl FnOnce(&mut StoreOptions)) -> TestStore {
    let database = postgres::Database::create().await;
    let mut options = StoreOptions::new(database.url());
    // Many tests share one server.
    options.max_connections = 4;
    change(&mut options);
    open(options, Database::Postgres(database)).await
}

/// An empty store on either.
///
/// # Panics
/// As [`postgres`].
pub async fn on(backend: Backend) -> TestStore {
    match backend {
        Backend::Sqlite => sqlite().await,
        Backend::Postgres => postgres().await,
    }
}

/// The Redis of the test run.
///
/// # Panics
/// Without `ROLLCALL_TEST_REDIS_URL`, with a sentence that says what to run.
#[must_use]
pub fn redis_url() -> String {
    required("ROLLCALL_TEST_REDIS_URL", "a Redis server")
}

/// The program PgBouncer, 1.21 or newer.
///
/// # Panics
/// Without `ROLLCALL_TEST_PGBOUNCER`, with a sentence that says what to run.
#[must_use]
pub fn pgbouncer() -> String {
    required("ROLLCALL_TEST_PGBOUNCER", "the program PgBouncer (1.21 or newer)")
}

pub(crate) fn required(variable: &str, what: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("this test needs {what}: run `tests/run`, which has one, or set {variable} to where it is")
    })
}

async fn open(mut options: StoreOptions, database: Database) -> TestStore {
    let ahead = Arc::new(AtomicI64::new(0));
    let (clock, by) = (options.clock.clone(), ahead.clone());
    options.clock = Arc::new(move || clock() + by.load(Ordering::SeqCst));
    let store = Store::open(&options).await.expect("a fresh database opens");
    TestStore { store, options, ahead, _database: database }
}

/// Makes two tests out of each function, `name::sqlite` and `name::postgres`:
///
/// ```ignore
/// store_testing::on_both! {
///     async fn slugs_are_unique(store: TestStore) {
///         …
///     }
/// }
/// ```
#[macro_export]
macro_rules! on_both {
    ($($(#[doc = $doc:literal])* async fn $name:ident($store:ident: TestStore) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports, reason = "not every test needs what its module imports")]
            use super::*;

            async fn check($store: $crate::TestStore) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check($crate::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check($crate::postgres().await).await;
            }
        }
    )+};
}
