//! One PostgreSQL database a test, copied from a template that is migrated once per run. `ROLLCALL_TEST_PARTITIONS=N` keeps
//! its large tables in N partitions.

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaDatabase, DatabaseConnection, DbBackend, Statement,
};
use store::{Store, StoreOptions, partitions::Partitioning};
use url::Url;
use uuid::Uuid;

/// Key of the advisory lock under which the template is made.
const TEMPLATE_LOCK: i64 = i64::from_be_bytes(*b"template");

/// Templates that older runs left are dropped after this many seconds.
const STALE: u64 = 3600;

/// A database that is dropped with this value.
pub(crate) struct Database {
    maintenance: Url,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let url = crate::required("ROLLCALL_TEST_POSTGRES_URL", "a PostgreSQL server");
        let maintenance = Url::parse(&url).expect("ROLLCALL_TEST_POSTGRES_URL is a URL");
        let db = connect(&maintenance).await;
        let template = ensure_template(&db, &maintenance).await;
        let name = format!("rollcall_test_{}", Uuid::now_v7().simple());
        run(&db, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        db.close().await.expect("the maintenance connection closes");
        Self { maintenance, name }
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.maintenance, &self.name)
    }
}

/// Dropping is asynchronous work, and the test's own runtime may be gone: a thread of its own does it.
impl Drop for Database {
    fn drop(&mut self) {
        let (maintenance, name) = (self.maintenance.clone(), self.name.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let db = connect(&maintenance).await;
                run(&db, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        });
        if thread.join().is_err() {
            // A panic while another one unwinds would hide the test's own message.
            assert!(std::thread::panicking(), "the test's database could not be dropped");
        }
    }
}

async fn connect(url: &Url) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url.as_str());
    options.max_connections(1).sqlx_logging(false);
    SeaDatabase::connect(options).await.expect("the test server of ROLLCALL_TEST_POSTGRES_URL answers")
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn names(db: &DatabaseConnection, pattern: &str) -> Vec<String> {
    let sql = "SELECT datname::text AS name FROM pg_database WHERE datname LIKE $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [pattern.into()]);
    let rows = db.query_all_raw(statement).await.expect("pg_database can be read");
    rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect()
}

fn url_of(maintenance: &Url, name: &str) -> String {
    let mut url = maintenance.clone();
    url.set_path(name);
    url.into()
}

/// Tests of one run are many processes; the first to come makes the template, the others wait for it.
async fn ensure_template(db: &DatabaseConnection, maintenance: &Url) -> String {
    let run_id = std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| format!("pid{}", std::process::id()));
    let run_id: String = run_id.chars().filter(char::is_ascii_alphanumeric).collect();
    let partitions = std::env::var("ROLLCALL_TEST_PARTITIONS").ok();
    let partitions =
        partitions.map_or(0, |number| number.parse().expect("ROLLCALL_TEST_PARTITIONS is a number"));
    let suffix = format!("_{partitions}_{run_id}");
    run(db, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let all = names(db, "rollcall\\_template\\_%").await;
    let template = match all.iter().find(|name| name.ends_with(&suffix)) {
        Some(name) => name.clone(),
        None => {
            drop_stale(db, &all).await;
            make_template(db, maintenance, &suffix, partitions).await
        }
    };
    run(db, &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await;
    template
}

async fn make_template(db: &DatabaseConnection, maintenance: &Url, suffix: &str, partitions: u32) -> String {
    let draft = format!("rollcall_draft{suffix}");
    run(db, &format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
    run(db, &format!("CREATE DATABASE {draft} TEMPLATE template0 ENCODING 'UTF8'")).await;
    let options = StoreOptions::new(url_of(maintenance, &draft));
    Store::migrate(&options).await.expect("migrations apply");
    let wanted = Partitioning { partitions, while_serving: false, progress: &|_| () };
    Store::partition(&options, &wanted).await.expect("tables are cut into partitions");
    let template = format!("rollcall_template_{}{suffix}", seconds(Uuid::now_v7()));
    run(db, &format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
    template
}

async fn drop_stale(db: &DatabaseConnection, all: &[String]) {
    let now = seconds(Uuid::now_v7());
    for name in all {
        let made = name.split('_').nth(2).and_then(|seconds| seconds.parse::<u64>().ok());
        if made.is_some_and(|made| made + STALE < now) {
            run(db, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// The time in a UUIDv7, in seconds since 1970 UTC.
fn seconds(id: Uuid) -> u64 {
    id.get_timestamp().map_or(0, |time| time.to_unix().0)
}
