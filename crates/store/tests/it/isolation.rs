//! No tenant sees or touches another's rows: by the scope on both databases, by row-level security on PostgreSQL.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use store_testing::{TestStore, on_both};

use crate::common::{context, raw, refusal, run, tenant};

const ONE: &str = "11111111-1111-7111-8111-111111111111";
const TWO: &str = "22222222-2222-7222-8222-222222222222";

/// For each tenant table a row of tenant `{t}`, in an order that foreign keys like.
pub(crate) const ROWS: &[(&str, &str)] = &[
    ("profile_versions", "VALUES ('{t}', 1, 'generic', '', 0, '')"),
    ("value_sets", "VALUES ('{t}', 'templates', 'T1', NULL, 0)"),
    ("value_set_versions", "VALUES ('{t}', 'templates', 1, NULL, 0, '')"),
    (
        "credentials",
        "(tenant_id, id, kind, name, scope, hint, created_at, created_by) VALUES ('{t}', '{t}', 'bearer', 'n', '', '', 0, '')",
    ),
    ("federations", "VALUES ('{t}', '{t}', 'https://sts.example.com/', 'a', '{t}', NULL)"),
    ("users", "VALUES ('{t}', '{t}', 'u', 'u', NULL, NULL, true, '{}', '{}', 1, 0, 0, NULL)"),
    ("groups", "VALUES ('{t}', '{t}', 'g', 'g', NULL, '{}', '{}', 1, 0, 0, NULL)"),
    ("members", "VALUES ('{t}', '{t}', '{t}', '{t}', NULL)"),
    ("roles", "VALUES ('{t}', 'r', 'r', 0)"),
    ("role_grants", "VALUES ('{t}', '{t}', '{t}', 'r')"),
    ("payloads", "VALUES ('{t}', '{t}', 'User', '', '', '')"),
    ("audit", "VALUES ('{t}', '{t}', NULL, '', '', '', 1, 'cli', '', '', '', 0, NULL, NULL)"),
    ("outbox", "VALUES ('{t}', '{t}', NULL, '', '', '', 1, 'cli', '', '', '', 0, NULL, NULL)"),
    (
        "request_log",
        "VALUES ('{t}', '{t}', 0, '', '{t}', '', 'GET', '', '/', NULL, NULL, 200, NULL, NULL, 1, 0, 0, NULL, NULL, \
         false, false, false)",
    ),
    ("request_subjects", "VALUES ('{t}', '{t}', 'ann', 0)"),
    ("live_blocks", "VALUES ('{t}', 'User', 0, '{t}', 0)"),
    ("user_values", "VALUES ('{t}', 'emails.value', 'a@x', '{t}')"),
    ("walk_marks", "VALUES ('{t}', 'c', '', 1, '{t}', NULL, NULL, 0)"),
    ("walk_snapshots", "VALUES ('{t}', '{t}', 'c', '', 0)"),
    ("revoked_tokens", "VALUES ('{t}', '{t}', 0)"),
    ("refusals", "VALUES ('{t}', '', '{}', 1, 0, 0)"),
    ("imports", "VALUES ('{t}', '{t}', '', 0, 'ready', '{}', '{}', NULL, NULL, 0, '', 0)"),
    ("import_parts", "VALUES ('{t}', '{t}', 0, '')"),
    ("setup_choices", "VALUES ('{t}', 'okta')"),
];

fn insert(table: &str, row: &str, tenant: &str) -> String {
    format!("INSERT INTO {table} {}", row.replace("{t}", tenant))
}

/// A test's database with one row of tenant ONE in each table, and a connection that acts as the application.
async fn filled() -> (TestStore, DatabaseConnection) {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    for (id, slug) in [(ONE, "one"), (TWO, "two")] {
        let row = format!("'{id}', '{slug}', '', '', 'active', 'generic', 1, 'lenient', true, NULL, 1, 0, 0");
        run(&db, &format!("INSERT INTO tenants VALUES ({row})")).await;
    }
    for (table, row) in ROWS {
        run(&db, &insert(table, row, ONE)).await;
    }
    run(&db, "SET ROLE rollcall_app").await;
    (store, db)
}

async fn act_for(db: &DatabaseConnection, tenant: &str) {
    run(db, &format!("SELECT set_config('rollcall.tenant', '{tenant}', false)")).await;
}

async fn count(db: &DatabaseConnection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// A table with a tenant that this module forgets fails here.
#[tokio::test]
async fn every_tenant_table_is_tried() {
    let (_store, db) = filled().await;
    let sql = "SELECT table_name::text AS name FROM information_schema.columns
               WHERE column_name = 'tenant_id' AND table_schema = 'public' ORDER BY 1";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    let mut tried: Vec<_> = ROWS.iter().map(|(table, _)| (*table).to_owned()).collect();
    tried.sort();
    assert_eq!(found, tried);
}

#[tokio::test]
async fn only_the_set_tenant_is_seen() {
    let (_store, db) = filled().await;
    for (table, _) in ROWS {
        assert_eq!(count(&db, table).await, 0, "{table} without a tenant");
    }
    for (tenant, expected) in [(ONE, 1), (TWO, 0), ("", 0)] {
        act_for(&db, tenant).await;
        for (table, _) in ROWS {
            assert_eq!(count(&db, table).await, expected, "{table} as {tenant:?}");
        }
    }
}

/// The one function that looks past row-level security takes the tenant from the setting and from nowhere else.
#[tokio::test]
async fn the_index_of_parts_shows_the_set_tenant_only() {
    let (_store, db) = filled().await;
    let found = "(SELECT users_holding('zimmer', NULL, NULL, false) AS id) AS found";
    for (tenant, user) in [(ONE, ONE), (TWO, TWO)] {
        act_for(&db, tenant).await;
        if tenant == TWO {
            let (_, row) = ROWS.iter().find(|(table, _)| *table == "users").unwrap();
            run(&db, &insert("users", row, TWO)).await;
        }
        run(&db, &format!("INSERT INTO user_values VALUES ('{tenant}', '*', 'ann zimmermann', '{user}')"))
            .await;
    }
    // Whatever the caller puts before the tables of the same name.
    run(&db, "CREATE TEMP TABLE user_values (tenant_id uuid, path text, value text, user_id uuid)").await;
    for id in [ONE, TWO] {
        run(&db, &format!("INSERT INTO pg_temp.user_values VALUES ('{id}', '*', 'zimmer', '{TWO}')")).await;
    }
    for path in ["public", "pg_temp, public", "pg_temp, pg_catalog, public"] {
        run(&db, &format!("SET search_path = {path}")).await;
        for (tenant, expected) in [(ONE, 1), (TWO, 1), ("", 0), ("33333333-3333-7333-8333-333333333333", 0)] {
            act_for(&db, tenant).await;
            assert_eq!(count(&db, found).await, expected, "{path}: {tenant}");
            let own = format!("{found} WHERE found.id = NULLIF('{tenant}', '')::uuid");
            assert_eq!(count(&db, &own).await, expected, "{path}: {tenant}");
        }
        run(&db, "RESET rollcall.tenant").await;
        assert_eq!(count(&db, found).await, 0, "{path}: no tenant");
    }
    // 22P02: invalid text representation.
    act_for(&db, "'' OR true --").await;
    assert_eq!(refusal(&db, "SELECT users_holding('zimmer', NULL, NULL, false)").await, "22P02");
    run(&db, "RESET ROLE; RESET search_path; DROP TABLE pg_temp.user_values").await;
    let definers = "(SELECT * FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace \
                    AND p.proname <> 'analyze_grown_tables') AS definers";
    let fixed = format!(
        "{definers} WHERE definers.oid IN ('users_holding(text, bigint, text, boolean)'::regprocedure, \
         'file_new_parts()'::regprocedure) AND definers.proconfig = ARRAY['search_path=pg_catalog, pg_temp'] \
         AND NOT has_function_privilege('pg_monitor', definers.oid, 'EXECUTE')"
    );
    assert_eq!((count(&db, definers).await, count(&db, &fixed).await), (2, 2));
}

#[tokio::test]
async fn rows_of_others_are_not_written() {
    let (_store, db) = filled().await;
    for tenant in ["", TWO] {
        act_for(&db, tenant).await;
        for (table, row) in ROWS {
            let sql = insert(table, &row.replace("'{t}', '{t}'", &format!("'{{t}}', '{TWO}'")), ONE);
            // 42501: new row violates row-level security policy.
            assert_eq!(refusal(&db, &sql).await, "42501", "{table} as {tenant:?}");
        }
        for table in [
            "value_sets",
            "value_set_versions",
            "users",
            "groups",
            "members",
            "roles",
            "role_grants",
            "payloads",
            "request_log",
            "request_subjects",
            "user_values",
            "walk_marks",
            "walk_snapshots",
            "revoked_tokens",
            "refusals",
            "import_parts",
            "imports",
            "setup_choices",
        ] {
            let gone = db.execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
            assert_eq!(gone.rows_affected(), 0, "{table}");
        }
        let changed = db.execute_unprepared("UPDATE credentials SET revoked_at = 1").await.unwrap();
        assert_eq!(changed.rows_affected(), 0);
    }
    act_for(&db, ONE).await;
    assert_eq!(refusal(&db, &format!("UPDATE value_sets SET tenant_id = '{TWO}'")).await, "42501");
}

/// Also of what is its own, the application role may do only what the server does.
#[tokio::test]
async fn the_role_may_do_little() {
    let (_store, db) = filled().await;
    act_for(&db, ONE).await;
    for sql in [
        "UPDATE audit SET event = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE outbox SET event = 'x'",
        "DELETE FROM outbox",
        "UPDATE profile_versions SET body = 'x'",
        "UPDATE value_set_versions SET body = 'x'",
        "UPDATE payloads SET salt = 'x'",
        "DELETE FROM tenants",
        "DELETE FROM epochs",
        "UPDATE logins SET expires_at = 1",
        "TRUNCATE logins",
        "UPDATE platform_tokens SET scope = 'admin:*'",
        "DELETE FROM platform_tokens",
        "UPDATE platform_audit SET event = 'x'",
        "DELETE FROM platform_audit",
        "UPDATE installation SET created_at = 1",
        "DELETE FROM seaql_migrations",
        "ALTER TABLE users NO FORCE ROW LEVEL SECURITY",
        "CREATE TABLE mine (a int)",
    ] {
        assert_eq!(refusal(&db, sql).await, "42501", "{sql}");
    }
    // Other tests share the server: in their databases the role may have something of its own for a moment.
    let owned = "(SELECT * FROM pg_shdepend WHERE refobjid = 'rollcall_app'::regrole AND deptype = 'o' AND dbid IN \
                 (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS owned";
    assert_eq!(count(&db, owned).await, 0);
    let login = "(SELECT * FROM pg_roles WHERE rolname = 'rollcall_app'
                  AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)) AS login";
    assert_eq!(count(&db, login).await, 0);
}

#[tokio::test]
async fn the_trail_is_append_only_on_sqlite_too() {
    let store = store_testing::sqlite().await;
    tenant(&store, "acme").await;
    let db = raw(&store).await;
    for sql in [
        "UPDATE audit SET event = 'x'",
        "DELETE FROM audit",
        "UPDATE outbox SET at = 1",
        "DELETE FROM outbox",
    ] {
        // 1811 is SQLITE_CONSTRAINT_TRIGGER.
        assert_eq!(refusal(&db, sql).await, "1811", "{sql}");
    }
    let row = "(x'01', '', '', '', 1, '', '', '', '', 0, '', NULL, NULL)";
    run(&db, &format!("INSERT INTO platform_audit VALUES {row}")).await;
    for sql in ["UPDATE platform_audit SET at = 1", "DELETE FROM platform_audit"] {
        assert_eq!(refusal(&db, sql).await, "1811", "{sql}");
    }
    for table in ["audit", "outbox", "platform_audit"] {
        run(&db, &format!("UPDATE {table} SET seq = 1")).await;
        assert_eq!(refusal(&db, &format!("UPDATE {table} SET seq = 2")).await, "1811", "{table}");
    }
    assert_eq!(refusal(&db, "UPDATE audit SET chain = x'00'").await, "1811");
}

#[tokio::test]
async fn a_number_is_given_once() {
    let (_store, db) = filled().await;
    act_for(&db, ONE).await;
    for (sql, rows) in [
        ("UPDATE audit SET seq = 1, chain = ''", 1),
        ("UPDATE audit SET seq = 2", 0),
        ("UPDATE audit SET chain = 'x'", 0),
        ("UPDATE outbox SET seq = 1", 1),
        ("UPDATE outbox SET seq = 2", 0),
    ] {
        assert_eq!(db.execute_unprepared(sql).await.unwrap().rows_affected(), rows, "{sql}");
    }
}

on_both! {
    async fn a_scope_reaches_its_tenant_only(store: TestStore) {
        let (one, two) = (tenant(&store, "one").await, tenant(&store, "two").await);
        let credential = crate::credentials::bearer("okta");
        store.tenant(one).create_credential(&credential, &context()).await.unwrap();
        let other = store.tenant(two);
        assert_eq!(other.id(), two);
        assert!(other.credential(credential.id).await.unwrap().is_none());
        assert!(other.credentials().await.unwrap().is_empty());
        assert!(!other.revoke_credential(credential.id, &context()).await.unwrap());
        let used = store::credentials::CredentialUse { id: credential.id, at: 5, from: "x".into() };
        other.note_uses(&[used]).await.unwrap();
        assert_eq!(other.audit(None, 100).await.unwrap().len(), 1);
        assert_eq!(other.audit(Some(&credential.id.to_string()), 100).await.unwrap(), []);
        assert_eq!(store.tenant(one).credential(credential.id).await.unwrap().unwrap(), credential);
    }
}
