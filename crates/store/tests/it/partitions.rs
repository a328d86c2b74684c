//! Large tables in partitions: everything goes along, in either direction, or nothing happens.

mod asked;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use migrations::{LARGE_TABLES, Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::json;
use store::{
    ListQuery, Store, StoreError, StoreOptions, TenantId,
    partitions::{Partitioning, Progress, Rebuilt},
};
use store_testing::TestStore;

use crate::{
    common::{raw, run, tenant},
    isolation::ROWS,
    login::Login,
    support::{context, user_state},
};

/// Tables of tenants that stay whole: a tenant has few rows in them, or they are emptied within a day.
const WHOLE: &[&str] = &[
    "credentials",
    "federations",
    "import_parts",
    "imports",
    "live_blocks",
    "profile_versions",
    "refusals",
    "revoked_tokens",
    "roles",
    "setup_choices",
    "value_set_versions",
    "value_sets",
    "walk_marks",
    "walk_snapshots",
];

/// All that a schema says, table by table, without what differs between tables that are whole and in partitions.
const SCHEMA: &str = "
WITH t AS (
    SELECT c.* FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
)
SELECT line FROM (
    SELECT format('column %s.%s %s', t.relname, a.attname, concat_ws(' ', row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum),
        format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull, a.attstorage, a.attcompression,
        a.attstattarget, pg_get_expr(d.adbin, d.adrelid), a.attacl)) AS line
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT format('constraint %s.%s %s', t.relname, c.conname, pg_get_constraintdef(c.oid)) FROM t
    JOIN pg_constraint c ON c.conrelid = t.oid AND c.conparentid = 0
    UNION ALL
    SELECT 'index ' || replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') FROM t JOIN pg_index i ON i.indrelid = t.oid
    UNION ALL
    SELECT format('policy %s.%s %s', t.relname, p.polname, concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[],
        pg_get_expr(p.polqual, t.oid), pg_get_expr(p.polwithcheck, t.oid))) FROM t JOIN pg_policy p ON p.polrelid = t.oid
    UNION ALL
    SELECT format('table %s %s', t.relname, concat_ws(' ', t.relowner::regrole, t.relrowsecurity, t.relforcerowsecurity,
        (SELECT array_agg(x::text ORDER BY x::text) FROM aclexplode(t.relacl) x), obj_description(t.oid), (
            SELECT string_agg(DISTINCT NULLIF(array_to_string(ARRAY(SELECT unnest(p.reloptions) ORDER BY 1), ','), ''), ';') FROM pg_class p
            WHERE p.oid = t.oid OR p.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = t.oid)
        ))) FROM t
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(g.oid) FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
) x ORDER BY line COLLATE \"C\"";

async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// A digest of all rows of each large table; the login of tests sees them all.
async fn contents(db: &DatabaseConnection) -> Vec<String> {
    let mut found = Vec::new();
    for table in LARGE_TABLES {
        let sql = format!(
            "SELECT concat(count(*), ' ', md5(string_agg(t::text, '|' ORDER BY t::text))) FROM {table} t"
        );
        found.push(format!("{table}: {}", texts(db, &sql).await.remove(0)));
    }
    found
}

async fn cut(options: &StoreOptions, partitions: u32) -> Result<Vec<Rebuilt>, StoreError> {
    let wanted = Partitioning { partitions, while_serving: true, progress: &|_| () };
    Store::partition(options, &wanted).await
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Setup(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

/// Rows of some tenants, and what later versions or people may add to a table.
async fn filled() -> (TestStore, DatabaseConnection) {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    for _ in 0..10 {
        let tenant = TenantId::generate();
        let id = tenant.0.to_string();
        let row = format!("'{id}', '{id}', '', '', 'active', 'generic', 1, 'lenient', true, NULL, 1, 0, 0");
        run(&db, &format!("INSERT INTO tenants VALUES ({row})")).await;
        for (table, row) in ROWS {
            run(&db, &format!("INSERT INTO {table} {}", row.replace("{t}", &id))).await;
        }
        store.many_users(tenant, 30).await;
    }
    for sql in [
        "SELECT set_storage('audit', 'fillfactor = 70')",
        "ALTER TABLE users ALTER COLUMN user_name_key SET STATISTICS 300",
        "COMMENT ON TABLE payloads IS 'personal'",
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER watched AFTER UPDATE ON groups FOR EACH ROW EXECUTE FUNCTION nothing()",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "ALTER TABLE request_log DROP COLUMN scim_type",
    ] {
        run(&db, sql).await;
    }
    (store, db)
}

/// There and back again: what a table has and holds is the same in any shape.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_along() {
    let (store, db) = filled().await;
    cut(store.options(), 0).await.unwrap();
    let (schema, rows) = (texts(&db, SCHEMA).await, contents(&db).await);
    for line in [
        "fillfactor=70",
        "trigger CREATE TRIGGER watched",
        "personal",
        " 300",
        "users_user_name",
        "numbered_once",
    ] {
        assert!(schema.iter().any(|have| have.contains(line)), "{line} is missing: {schema:#?}");
    }
    for partitions in [4, 16, 2, 0] {
        let rebuilt = cut(store.options(), partitions).await.unwrap();
        assert_eq!(rebuilt.iter().map(|table| table.table).collect::<Vec<_>>(), LARGE_TABLES);
        assert_eq!(rebuilt[0], Rebuilt { table: "users", rows: 310 });
        assert_eq!(texts(&db, SCHEMA).await, schema, "{partitions} partitions");
        assert_eq!(contents(&db).await, rows, "{partitions} partitions");
        let shapes = store.shapes().await.unwrap();
        assert!(shapes.iter().all(|shape| shape.partitions == partitions), "{shapes:?}");
        let parts =
            texts(&db, "SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r'").await;
        assert_eq!(parts.len(), LARGE_TABLES.len() * partitions as usize);
        assert_eq!(cut(store.options(), partitions).await.unwrap(), [], "they are so already");
        // Nobody reaches rows past the whole, and nobody has a right to.
        let open = "SELECT relname::text FROM pg_class c WHERE relispartition AND relkind = 'r' AND (NOT relrowsecurity \
                    OR NOT relforcerowsecurity OR has_table_privilege('rollcall_app', c.oid, 'SELECT'))";
        assert_eq!(texts(&db, open).await, Vec::<String>::new());
        store.another().await.close().await;
    }
}

/// An owner is under row-level security like everybody else; it needs no superuser to make the tables anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_without_further_rights_may() {
    let (store, db) = filled().await;
    cut(store.options(), 0).await.unwrap();
    let owner = Login::create(&store, "IN ROLE rollcall_app").await;
    owner.own_everything(&db).await;
    let (schema, rows) = (texts(&db, SCHEMA).await, contents(&db).await);
    for partitions in [2, 0] {
        cut(&owner.options, partitions).await.unwrap();
        assert_eq!(texts(&db, SCHEMA).await, schema, "{partitions} partitions");
        assert_eq!(contents(&db).await, rows, "{partitions} partitions");
        store.another().await.close().await;
    }
    owner.drop(&store).await;
}

/// More than one statement copies, and none leaves out a row or takes it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_many_blocks_are_copied_in_steps() {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    run(&db, "SELECT set_storage('payloads', 'fillfactor = 10')").await;
    let fill = "INSERT INTO payloads SELECT md5((n % 50)::text)::uuid, md5(n::text)::uuid, 'User', n::text, '', \
                repeat(md5(n::text), 12) FROM generate_series(1, 20000) n";
    run(&db, fill).await;
    let before = contents(&db).await;
    let (steps, copied) = (AtomicUsize::new(0), std::sync::Mutex::new(0));
    let tell = |now: Progress<'_>| {
        if now.step == "payloads" {
            steps.fetch_add(1, Ordering::Relaxed);
        }
        let mut copied = copied.lock().unwrap();
        assert!(*copied <= now.copied && now.copied <= now.bytes, "{now:?}");
        *copied = now.copied;
    };
    for partitions in [4, 2] {
        steps.store(0, Ordering::Relaxed);
        *copied.lock().unwrap() = 0;
        let wanted = Partitioning { partitions, while_serving: true, progress: &tell };
        Store::partition(store.options(), &wanted).await.unwrap();
        assert!(steps.load(Ordering::Relaxed) > 1);
        assert_eq!(contents(&db).await, before);
        assert!(*copied.lock().unwrap() > 64 << 20);
    }
}

/// Whatever ends it leaves everything as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_killed_has_not_happened() {
    let (store, db) = filled().await;
    let before = (texts(&db, SCHEMA).await, contents(&db).await, store.shapes().await.unwrap());
    let ended = AtomicBool::new(false);
    let tell = |now: Progress<'_>| {
        if now.step == "audit: indexes" {
            let kill = "SELECT pg_terminate_backend(pid, 10000)::text FROM pg_stat_activity WHERE datname = current_database() \
                        AND application_name = 'rollcall migrate' AND state = 'idle in transaction'";
            let killed =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(texts(&db, kill)));
            assert_eq!(killed, ["true"]);
            ended.store(true, Ordering::Relaxed);
        }
    };
    let wanted = Partitioning { partitions: 32, while_serving: true, progress: &tell };
    assert!(Store::partition(store.options(), &wanted).await.is_err());
    assert!(ended.load(Ordering::Relaxed));
    assert_eq!((texts(&db, SCHEMA).await, contents(&db).await, store.shapes().await.unwrap()), before);
    // The next attempt finds nothing in its way.
    cut(store.options(), 32).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_refuses_with_what_to_do() {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    for (fault, mend, words) in [
        ("CREATE VIEW people AS SELECT id FROM users", "DROP VIEW people", "the view people reads it"),
        ("CREATE PUBLICATION feed FOR TABLE outbox", "DROP PUBLICATION feed", "in the publication feed"),
        (
            "ALTER TABLE audit REPLICA IDENTITY FULL",
            "ALTER TABLE audit REPLICA IDENTITY DEFAULT",
            "replica identity",
        ),
        ("CREATE UNIQUE INDEX once ON groups (id, tenant_id)", "DROP INDEX once", ""),
    ] {
        run(&db, fault).await;
        match words {
            "" => assert!(cut(store.options(), 8).await.is_ok()),
            _ => {
                let text = refused(cut(store.options(), 8).await);
                assert!(text.contains(words), "{text}");
            }
        }
        run(&db, mend).await;
    }
    for partitions in [1, 3, 128] {
        assert!(refused(cut(store.options(), partitions).await).contains("power of two"));
    }
    let wanted = Partitioning { partitions: 2, while_serving: false, progress: &|_| () };
    let text = refused(Store::partition(store.options(), &wanted).await);
    assert!(text.contains("--while-serving") && text.contains("127.0.0.1"), "{text}");
    store.store().close().await;
    Store::partition(store.options(), &wanted).await.unwrap();

    let sqlite = store_testing::sqlite().await;
    assert!(refused(cut(sqlite.options(), 4).await).contains("SQLite"));
    assert_eq!(sqlite.shapes().await.unwrap(), []);
}

/// Servers wait, go on with their prepared statements, and lose nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_go_on_meanwhile() {
    let store = store_testing::postgres().await;
    let scope = store.tenant(tenant(&store, "acme").await);
    let done = AtomicBool::new(false);
    let work = |name: &'static str| {
        let (scope, done) = (scope.clone(), &done);
        async move {
            let mut made = 0;
            while !done.load(Ordering::Relaxed) || made == 0 {
                let state = user_state(json!({"userName": format!("{name}{made}"), "displayName": name}));
                match scope.create_user(&state, &context()).await {
                    Ok(user) => {
                        made += 1;
                        assert_eq!(
                            scope.user(user.id, true).await.unwrap().unwrap().user_name,
                            user.user_name
                        );
                        let query = ListQuery { limit: 3, ..ListQuery::default() };
                        assert!(scope.users(&query).await.unwrap().total >= made);
                    }
                    // As after any deadlock, whoever made the change makes it again.
                    Err(StoreError::Contended(_)) => {}
                    Err(error) => panic!("{name}{made}: {error:?}"),
                }
            }
            made
        }
    };
    let shapes = async {
        for partitions in [8, 0, 4] {
            cut(store.options(), partitions).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    };
    let (one, two, ()) = tokio::join!(work("ann"), work("bob"), shapes);
    let query = ListQuery { limit: 1, ..ListQuery::default() };
    assert_eq!(scope.users(&query).await.unwrap().total, one + two);
    store.number().await;
    assert_eq!(scope.users(&query).await.unwrap().total, one + two);
    let again = scope.create_user(&user_state(json!({"userName": "ANN0"})), &context()).await;
    assert!(matches!(again, Err(StoreError::Conflict { attribute: "userName" })), "{again:?}");
}

/// Migrations that came after partitions make the same of a database whose tables are in partitions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_migrations_work_on_either_shape() {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    let wanted = texts(&db, SCHEMA).await;
    run(&db, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC").await;
    let all = Migrator::migrations();
    let first = all.iter().position(|migration| migration.name().ends_with("_partitions")).unwrap() + 1;
    Migrator::up(&db, Some(u32::try_from(first).unwrap())).await.unwrap();
    cut(store.options(), 4).await.unwrap();
    assert_eq!(Store::migrate(store.options()).await.unwrap().len(), all.len() - first);
    assert_eq!(texts(&db, SCHEMA).await, wanted);
    // Indexes that were made since are known by the name of the whole.
    run(&db, "CREATE UNIQUE INDEX users_employee ON users (tenant_id, display_name)").await;
    Store::migrate(store.options()).await.unwrap();
    let parts = "SELECT relname::text FROM pg_class WHERE relname LIKE 'users\\_employee\\_p0_' ORDER BY 1";
    assert_eq!(
        texts(&db, parts).await,
        ["users_employee_p00", "users_employee_p01", "users_employee_p02", "users_employee_p03"]
    );
    let (store, options) = (store.store(), store.options());
    store.close().await;
    Store::open(options).await.unwrap().close().await;
}

/// Whoever adds a table of tenants says whether it grows large.
#[tokio::test]
async fn every_table_of_tenants_is_large_or_stays_whole() {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' \
               WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace";
    let mut known: Vec<String> = LARGE_TABLES.iter().chain(WHOLE).map(|table| (*table).to_owned()).collect();
    let mut found = texts(&db, sql).await;
    known.sort();
    found.sort();
    assert_eq!(found, known, "add it to migrations::LARGE_TABLES, or to WHOLE here");
}

/// A partition that could be read past its whole is not served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_partitions_are_not_served() {
    let store = store_testing::postgres().await;
    cut(store.options(), 4).await.unwrap();
    let db = raw(&store).await;
    for (fault, mend, words) in [
        (
            "NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE users_p01 FORCE ROW LEVEL SECURITY",
            "not forced on the table users_p01",
        ),
        (
            "DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE users_p01 ENABLE ROW LEVEL SECURITY",
            "not forced on the table users_p01",
        ),
    ] {
        run(&db, &format!("ALTER TABLE users_p01 {fault}")).await;
        let text = refused(Store::open(store.options()).await.map(|_| ()));
        assert!(text.contains(words), "{text}");
        run(&db, mend).await;
    }
    run(&db, "CREATE POLICY everybody ON users_p01 USING (true)").await;
    let text = refused(Store::open(store.options()).await.map(|_| ()));
    assert!(text.contains("users_p01 has a policy of its own"), "{text}");
    run(&db, "DROP POLICY everybody ON users_p01").await;
    Store::open(store.options()).await.unwrap().close().await;
}
