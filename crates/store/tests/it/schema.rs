//! What the migrations make.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use store::{ListQuery, Store};
use store_testing::on_both;

use crate::{
    common::{raw, run, tenant},
    support::{context, user_state},
};

/// `table.column` to what the entities see in it.
type Columns = BTreeMap<String, (String, bool)>;

async fn rows<const N: usize>(db: &DatabaseConnection, sql: &str, columns: [&str; N]) -> Vec<[String; N]> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| columns.map(|column| row.try_get::<String>("", column).unwrap())).collect()
}

async fn columns(db: &DatabaseConnection) -> Columns {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT t.name || '.' || c.name AS name, lower(c.type) AS type, CASE c.\"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END AS nullable
             FROM sqlite_master t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'seaql_migrations'"
        }
        _ => {
            "SELECT table_name || '.' || column_name AS name, data_type::text AS type, is_nullable::text AS nullable
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'
               AND NOT (SELECT c.relispartition FROM pg_class c WHERE c.oid = table_name::regclass)
               -- Which transaction wrote a row: where there is one writer, nobody asks.
               AND data_type <> 'xid8'"
        }
    };
    let class = |text: &str| match text {
        "uuid" | "bytea" | "blob" => "bytes".to_owned(),
        "jsonb" | "text" => "text".to_owned(),
        other => other.to_owned(),
    };
    rows(db, sql, ["name", "type", "nullable"])
        .await
        .into_iter()
        .map(|[name, kind, nullable]| (name, (class(&kind), nullable == "YES")))
        .collect()
}

async fn indexes(db: &DatabaseConnection) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT i.name || ' ' || i.\"unique\" || ' ' || i.partial || ' ' || t.name || ' ' ||
                    (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c) AS line
             FROM sqlite_master t JOIN pragma_index_list(t.name) i
             WHERE t.type = 'table' AND i.origin = 'c' ORDER BY 1"
        }
        _ => {
            "SELECT i.relname || ' ' || x.indisunique::int || ' ' || (x.indpred IS NOT NULL)::int || ' ' || t.relname || ' ' ||
                    (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(x.indkey) WITH ORDINALITY k (attnum, n)
                     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) AS line
             FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
             JOIN pg_am m ON m.oid = i.relam
             WHERE t.relnamespace = 'public'::regnamespace AND NOT x.indisprimary AND NOT t.relispartition
               -- The index of parts of names is PostgreSQL's alone.
               AND m.amname <> 'gin' ORDER BY 1"
        }
    };
    let mut lines: Vec<_> = rows(db, sql, ["line"]).await.into_iter().map(|[line]| line).collect();
    lines.sort();
    lines
}

/// The same tables, columns, types and indexes on both databases.
#[tokio::test]
async fn both_databases_are_alike() {
    let (sqlite, postgres) = (store_testing::sqlite().await, store_testing::postgres().await);
    let (left, right) = (raw(&sqlite).await, raw(&postgres).await);
    let found = columns(&left).await;
    assert_eq!(found, columns(&right).await);
    assert!(found.len() > 100 && found.contains_key("users.user_name_key"));
    let found = indexes(&left).await;
    assert_eq!(found, indexes(&right).await);
    assert!(
        found.iter().any(|line| line == "users_user_name 1 1 users tenant_id,user_name_key"),
        "{found:?}"
    );
    left.close().await.unwrap();
    right.close().await.unwrap();
}

on_both! {
    async fn migrating_again_changes_nothing(store: TestStore) {
        let id = store.platform().installation_id().await.unwrap();
        assert_eq!(Store::migrate(store.options()).await.unwrap(), Vec::<String>::new());
        assert_eq!(store.platform().installation_id().await.unwrap(), id);
        store.ping().await.unwrap();
    }

    /// Credentials with a login that are there when logins get a table of their own keep it.
    async fn logins_from_before_their_table_are_found(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let db = raw(&store).await;
        for sql in [
            "DROP TABLE logins",
            "ALTER TABLE credentials DROP COLUMN version",
            "ALTER TABLE credentials ADD COLUMN login_key text",
            "CREATE UNIQUE INDEX credentials_login ON credentials (login_key) WHERE revoked_at IS NULL",
            "DELETE FROM seaql_migrations WHERE version LIKE '%_logins'",
        ] {
            run(&db, sql).await;
        }
        let uuid = |id: uuid::Uuid| match db.get_database_backend() {
            DbBackend::Sqlite => format!("x'{}'", id.simple()),
            _ => format!("'{id}'"),
        };
        let mut ids = Vec::new();
        for (login, revoked_at) in [("live", "NULL"), ("revoked", "5")] {
            let credential = uuid::Uuid::now_v7();
            let columns = "tenant_id, id, kind, name, scope, hint, created_at, created_by, login, login_key, revoked_at";
            let values = format!("{}, {}, 'basic', '{login}', '', '', 0, ''", uuid(id.0), uuid(credential));
            let values = format!("{values}, '{login}', '{login}', {revoked_at}");
            run(&db, &format!("INSERT INTO credentials ({columns}) VALUES ({values})")).await;
            ids.push(credential);
        }
        assert_eq!(Store::migrate(store.options()).await.unwrap().len(), 1);
        let login = store.platform().login("Live").await.unwrap().unwrap();
        assert_eq!((login.tenant, login.credential.0), (id, ids[0]));
        assert_eq!(store.platform().login("revoked").await.unwrap(), None);
        let versions = "SELECT CAST(version AS text) AS n FROM credentials ORDER BY version";
        assert_eq!(rows(&db, versions, ["n"]).await, [["1".to_owned()], ["2".to_owned()]]);
        db.close().await.unwrap();
    }

    /// Users who are there when the index of values comes are found by it.
    async fn users_from_before_the_index_are_found(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id);
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        for (name, mail) in [("ann", "Ann@X"), ("bob", "bob@x")] {
            let document = serde_json::json!({
                "userName": name, "displayName": format!("The {name}"),
                "emails": [{"value": mail, "type": "work"}, {"value": mail}],
                urn: {"employeeNumber": format!("E-{name}"), "manager": {"value": format!("M-{name}")}},
            });
            scope.create_user(&user_state(document), &context()).await.unwrap();
        }
        scope.create_user(&user_state(serde_json::json!({"userName": "nobody"})), &context()).await.unwrap();
        let db = raw(&store).await;
        let count = "SELECT CAST(count(*) AS text) AS n FROM user_values";
        // One of each user is what it is found by wherever a text stands.
        assert_eq!(rows(&db, count, ["n"]).await, [["11".to_owned()]]);

        for sql in [
            "DROP TABLE user_values",
            "DROP TABLE walk_marks",
            "DROP TABLE walk_snapshots",
            "DROP INDEX users_updated",
            "DROP INDEX groups_updated",
            "DELETE FROM seaql_migrations WHERE version LIKE '%_lists'",
        ] {
            run(&db, sql).await;
        }
        assert_eq!(Store::migrate(store.options()).await.unwrap().len(), 1);
        assert_eq!(rows(&db, count, ["n"]).await, [["8".to_owned()]]);
        let kind = scim_core::ResourceType::user();
        for text in [
            r#"emails.value eq "ANN@x""#.to_owned(),
            r#"displayName eq "the ann""#.to_owned(),
            format!(r#"{urn}:employeeNumber eq "e-ANN""#),
            r#"manager eq "m-ann""#.to_owned(),
        ] {
            let filter = scim_core::filter::parse(&text, &kind, true).unwrap();
            let query = ListQuery { filter: Some(filter), limit: 10, ..ListQuery::default() };
            let found = scope.users(&query).await.unwrap();
            assert_eq!(found.items.iter().map(|user| user.user_name.as_str()).collect::<Vec<_>>(), ["ann"], "{text}");
        }
        db.close().await.unwrap();
    }
}
