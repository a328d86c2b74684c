//! Plans of PostgreSQL for the look-ups of identity providers, in a large tenant and as the application role: each must
//! use an index, also under row-level security.

use scim_core::{ResourceType, filter, profile::Profile};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use store::{ListQuery, Start, TenantId, TenantScope};

use crate::{
    common::{raw, run},
    support::settled,
};

const USERS: i32 = 100_000;
const NPI: &str = "urn:example:params:scim:schemas:extension:clinic:2.0:User:npi";

/// The general profile with an extension of which one attribute is marked as indexed.
fn clinic() -> ResourceType {
    let generic = Profile::builtin("generic").expect("a profile");
    let extension = r#"
[[extension]]
urn = "urn:example:params:scim:schemas:extension:clinic:2.0:User"
name = "Clinic"
[[extension.attribute]]
name = "npi"
indexed = true
[[extension.attribute]]
name = "ward"
"#;
    let profile = Profile::from_toml(&format!("{generic}{extension}")).expect("a profile");
    ResourceType::clone(&profile.user)
}

/// A tenant of many users, made past the store for speed. Each has two addresses.
async fn fill(db: &DatabaseConnection, tenant: TenantId) {
    let fill = "INSERT INTO users (tenant_id, id, user_name, user_name_key, external_id, display_name, active, \
         document, search, version, created_at, updated_at) \
         SELECT $1, lpad(to_hex(n), 32, '0')::uuid, 'u' || n, 'u' || n, 'x' || n, 'U ' || n, true, \
         '{}', jsonb_build_object('displayName', 'u ' || n, 'emails', jsonb_build_array( \
             jsonb_build_object('type', 'work', 'value', 'u' || n || '@work'), \
             jsonb_build_object('type', 'home', 'value', 'u' || n || '@home')), \
             'urn:example:params:scim:schemas:extension:clinic:2.0:User', jsonb_build_object('npi', 'nu' || n)), 1, n, n \
         FROM generate_series(1, $2) n";
    let values = "INSERT INTO user_values (tenant_id, path, value, user_id) \
         SELECT u.tenant_id, v.path, v.value, u.id FROM users u, LATERAL (VALUES \
             ('displayName', u.search ->> 'displayName'), ('emails.value', u.user_name || '@work'), \
             ('emails.value', u.user_name || '@home'), ($2, 'n' || u.user_name), \
             ('*', concat_ws(E'\\n', E'\\x05' || u.user_name || E'@work\\x1f' || u.user_name || '@home', \
                 E'\\x02' || (u.search ->> 'displayName'), E'\\x01' || u.user_name, 'n' || u.user_name))) \
             v (path, value) \
         WHERE u.tenant_id = $1";
    for (sql, second) in [(fill, USERS.into()), (values, NPI.into())] {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant.0.into(), second]);
        db.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

async fn plan(tenant: &TenantScope, kind: &ResourceType, text: &str) -> String {
    let filter = filter::parse(text, kind, true).unwrap_or_else(|error| panic!("{text}: {error}"));
    let query = ListQuery { filter: Some(filter.clone()), limit: 100, ..ListQuery::default() };
    let found = tenant.users(&query).await.expect(text);
    assert!((1..=3).contains(&found.items.len()), "{text}: {} found", found.items.len());
    tenant.explain_users(&query).await.expect(text).join("\n")
}

#[tokio::test]
async fn look_ups_use_an_index_in_a_large_tenant() {
    let store = store_testing::postgres().await;
    let db = raw(&store).await;
    let (tenant, other) = (store.tenant(TenantId::generate()), TenantId::generate());
    fill(&db, tenant.id()).await;
    for name in ["a", "b"] {
        let sql = format!(
            "INSERT INTO users (tenant_id, id, user_name, user_name_key, active, document, search, version, \
             created_at, updated_at) VALUES ('{other}', gen_random_uuid(), '{name}', '{name}', true, '{{}}', '{{}}', 1, 0, 0)"
        );
        run(&db, &sql).await;
    }
    run(&db, "ANALYZE").await;

    let kind = clinic();
    let npi = format!(r#"{NPI} eq "nu77""#);
    let table = [
        (r#"userName eq "U777""#, "users_user_name"),
        (r#"externalId eq "x777""#, "users_external_id"),
        (r#"emails.value eq "U777@WORK""#, "user_values_pkey"),
        (r#"emails eq "u777@home""#, "user_values_pkey"),
        (r#"emails[type eq "work"].value eq "u777@work""#, "user_values_pkey"),
        (r#"emails[type eq "work" and value eq "u777@work"]"#, "user_values_pkey"),
        (r#"displayName eq "U 777""#, "user_values_pkey"),
        (npi.as_str(), "user_values_pkey"),
        (r#"npi eq "nu77" and active eq true"#, "user_values_pkey"),
        (r#"displayName sw "U 77777""#, "user_values_pkey"),
        (r#"emails[type eq "home" and value sw "u77777@"]"#, "user_values_pkey"),
        (r#"displayName co "U 77777""#, "users_holding"),
        (r#"displayName ew "77777""#, "users_holding"),
        (r#"userName co "77777""#, "users_holding"),
        (r#"emails.value co "77777@Work""#, "users_holding"),
        (r#"emails[type eq "work" and value co "77777@w"]"#, "users_holding"),
        (r#"meta.created gt "1970-01-01T00:01:39.998Z""#, "users_created"),
        (r#"meta.lastModified gt "1970-01-01T00:01:39.998Z""#, "users_updated"),
        (r#"id eq "00000000-0000-0000-0000-000000000309""#, "users_pkey"),
    ];
    for (text, index) in table {
        let plan = plan(&tenant, &kind, text).await;
        assert!(plan.contains(index), "{text}: {index} is not used\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{text}: all rows are read\n{plan}");
    }

    // What the function itself does: it reads the index of parts, and of users only those that it found.
    let read = |row: sea_orm::QueryResult| row.try_get_by_index::<i64>(0).expect("a number");
    let counted = async || {
        // Either may be in partitions.
        let sql = "WITH parts AS (SELECT inhrelid AS part, inhparent AS whole FROM pg_inherits \
                       UNION SELECT oid, oid FROM pg_class WHERE relname IN ('users', 'user_values_parts')) \
                   SELECT ((SELECT sum(i.idx_scan) * 1000000 FROM pg_stat_user_indexes i, parts p \
                           WHERE p.whole = 'user_values_parts'::regclass AND i.indexrelid = p.part) \
                       + (SELECT sum(t.seq_tup_read + t.idx_tup_fetch) FROM pg_stat_user_tables t, parts p \
                           WHERE p.whole = 'users'::regclass AND t.relid = p.part))::bigint";
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        read(db.query_one_raw(statement).await.expect("statistics").expect("a row"))
    };
    store.store().close().await;
    let before = settled(&counted).await;
    let node = store.another().await;
    let sought = filter::parse(r#"displayName co "u 77777""#, &kind, true).expect("a filter");
    let query = ListQuery { filter: Some(sought), limit: 100, ..ListQuery::default() };
    assert_eq!(node.tenant(tenant.id()).users(&query).await.expect("a list").total, 1);
    node.close().await;
    assert_eq!(settled(&counted).await - before, 1_000_001, "one look at the index, one user read");
    let store = store.another().await;
    let tenant = store.tenant(tenant.id());

    let after = "00000000-0000-0000-0000-000000010000".parse().expect("an id");
    for start in [Start::After(after), Start::Before(after), Start::Offset(0)] {
        let query = ListQuery { start: start.clone(), limit: 100, ..ListQuery::default() };
        let plan = tenant.explain_users(&query).await.expect("a plan").join("\n");
        assert!(plan.contains("users_pkey") && !plan.contains("Seq Scan"), "{start:?}\n{plan}");
        assert!(!plan.contains("Sort"), "{start:?}: all rows are sorted\n{plan}");
    }

    // The wrong element, the wrong tenant: the index only proposes.
    let wrong =
        filter::parse(r#"emails[type eq "home"].value eq "u777@work""#, &kind, true).expect("a filter");
    let query = ListQuery { filter: Some(wrong), limit: 100, ..ListQuery::default() };
    assert_eq!(tenant.users(&query).await.expect("a list").total, 0);
    let elsewhere = filter::parse(r#"emails.value eq "u777@work""#, &kind, true).expect("a filter");
    let query = ListQuery { filter: Some(elsewhere), limit: 100, ..ListQuery::default() };
    assert_eq!(store.tenant(other).users(&query).await.expect("a list").total, 0);

    // What is not marked is looked for in the documents, and found all the same.
    let scanned = filter::parse(r#"ward eq "x""#, &kind, true).expect("a filter");
    let query = ListQuery { filter: Some(scanned), limit: 100, ..ListQuery::default() };
    assert!(!tenant.explain_users(&query).await.expect("a plan").join("\n").contains("user_values"));
    db.close().await.unwrap();
}
