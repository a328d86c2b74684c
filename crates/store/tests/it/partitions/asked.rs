//! What a tenant asks is looked for in its own partition, and found.

use std::{collections::BTreeMap, time::Duration};

use sea_orm::DatabaseConnection;
use serde_json::json;
use store::{ListQuery, TenantId, TenantScope};

use super::{cut, texts};
use crate::{
    common::{raw, run},
    support::{context, group_state, user_state},
};

/// How often each partition was looked at by connections that have ended, which is when they tell.
async fn looks(db: &DatabaseConnection) -> BTreeMap<String, i64> {
    let open = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'";
    while !texts(db, open).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let sql = "SELECT concat(relname, ' ', seq_scan + COALESCE(idx_scan, 0)) FROM pg_stat_user_tables WHERE relname ~ '_p\\d\\d$'";
    let split = |line: String| {
        line.split_once(' ').map(|(name, count)| (name.to_owned(), count.parse().unwrap())).unwrap()
    };
    texts(db, sql).await.into_iter().map(split).collect()
}

/// What a tenant asks, more often than PostgreSQL makes plans for the values at hand.
async fn ask(scope: &TenantScope) {
    let state = |name: &str| user_state(json!({"userName": name, "displayName": name, "externalId": name}));
    for round in 0..9 {
        let name = format!("ann{round}");
        let ann = scope.create_user(&state(&name), &context()).await.unwrap();
        let group = scope
            .create_group(&group_state(&name, &[ann.id.to_string()]), false, &context())
            .await
            .unwrap()
            .group;
        assert_eq!(scope.user_by_name(&name, true).await.unwrap().unwrap().groups.unwrap().len(), 1);
        assert_eq!(scope.user(ann.id, true).await.unwrap().unwrap().groups.unwrap().len(), 1);
        for (text, found) in [
            (format!(r#"userName eq "{name}""#), 1),
            (format!(r#"externalId eq "{name}""#), 1),
            (format!(r#"displayName eq "{name}""#), 1),
            (format!(r#"userName co "{round}""#), 1),
            (format!(r#"groups.display eq "{name}""#), 1),
            (format!(r#"displayName eq "{name}" and userName sw "ann""#), 1),
            (format!(r#"displayName eq "{name}" and userName eq "bob""#), 0),
        ] {
            let filter = scim_core::filter::parse(&text, &scim_core::ResourceType::user(), false).unwrap();
            let query = ListQuery { filter: Some(filter), limit: 5, edges: true, ..ListQuery::default() };
            assert_eq!(scope.users(&query).await.unwrap().items.len(), found, "{text}");
        }
        assert_eq!(
            scope.users(&ListQuery { limit: 5, edges: true, ..ListQuery::default() }).await.unwrap().total,
            1
        );
        scope.groups(&ListQuery { limit: 5, ..ListQuery::default() }).await.unwrap();
        scope
            .replace_user(ann.id, ann.version, &state(&format!("{name}x")), &context())
            .await
            .unwrap()
            .unwrap();
        scope
            .change_group(group.id, None, &group_state::<&str>(&name, &[]), false, &context())
            .await
            .unwrap();
        assert!(scope.soft_delete_user(ann.id, None, &context()).await.unwrap());
    }
}

/// Of each table one partition is looked at, also by plans that are made before the tenant is known; and whoever is there is
/// found by those, though the statement that looks also says which tenant it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_looked_for_in_one_partition() {
    for (partitions, mode) in [(8, "auto"), (8, "force_generic_plan"), (2, "auto"), (2, "force_generic_plan")]
    {
        let store = store_testing::postgres().await;
        cut(store.options(), partitions).await.unwrap();
        let db = raw(&store).await;
        store.store().close().await;
        // Plans are made as if there were much to read: many users, in many tenants.
        let other = TenantId::generate();
        let fill = format!(
            "INSERT INTO users (tenant_id, id, user_name, user_name_key, active, document, search, version, created_at, \
             updated_at) SELECT CASE n % 2 WHEN 0 THEN '{other}' ELSE gen_random_uuid() END, gen_random_uuid(), n::text, \
             n::text, true, '{{}}', '{{}}', 1, 0, 0 FROM generate_series(1, 5000) n"
        );
        run(&db, &fill).await;
        run(&db, "ANALYZE").await;
        let name = texts(&db, "SELECT current_database()::text").await.remove(0);
        run(&db, &format!("ALTER DATABASE {name} SET plan_cache_mode = {mode}")).await;
        // Whoever opens looks whether a row is to be seen without a tenant.
        let before = looks(&db).await;
        store.another().await.close().await;
        let opened = looks(&db).await;
        let node = store.another().await;
        ask(&node.tenant(TenantId::generate())).await;
        node.close().await;
        let mut tables = BTreeMap::new();
        for (part, count) in looks(&db).await {
            if count - opened[&part] > opened[&part] - before[&part] {
                *tables.entry(part[..part.len() - 4].to_owned()).or_insert(0) += 1;
            }
        }
        let found: Vec<&str> = tables.keys().map(String::as_str).collect();
        assert_eq!(found, ["audit", "groups", "members", "role_grants", "user_values", "users"], "{mode}");
        assert!(tables.values().all(|parts| *parts == 1), "{partitions} {mode}: {tables:?}");
    }
}
