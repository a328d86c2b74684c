//! Tenants that are deleted, restored, purged.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use store::{
    Backend, TenantId,
    tenants::{KEPT, PURGED, PurgedRows, TenantSettings, TenantStatus},
};
use store_testing::{TestStore, on_both};

use crate::{
    common::{conflict, context, new_tenant, raw, run, tenant},
    isolation::ROWS,
};

const DAY: i64 = 24 * 3_600_000;

async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql.to_owned());
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Tables with a column of this name.
async fn tables(store: &TestStore, db: &DatabaseConnection, column: &str) -> Vec<String> {
    match store.backend() {
        Backend::Postgres => {
            let sql = format!(
                "SELECT table_name::text FROM information_schema.columns WHERE column_name = '{column}' \
                 AND table_schema = 'public' AND table_name !~ '_p\\d\\d$' ORDER BY 1"
            );
            texts(db, &sql).await
        }
        Backend::Sqlite => {
            let sql = format!(
                "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' \
                 AND c.name = '{column}' ORDER BY 1"
            );
            texts(db, &sql).await
        }
    }
}

fn literal(backend: Backend, id: TenantId) -> String {
    match backend {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("X'{}'", id.0.simple()),
    }
}

/// One row of the tenant in every table that has rows of tenants.
pub(crate) async fn fill(store: &TestStore, db: &DatabaseConnection, id: TenantId) {
    let id = literal(store.backend(), id);
    for (table, row) in ROWS.iter().filter(|(table, _)| *table != "profile_versions") {
        let row = row.replace("'{t}'", &id);
        let row = match (store.backend(), row.strip_prefix("VALUES ")) {
            // SQLite wants to know which columns, when there are more.
            (Backend::Sqlite, Some(values)) => {
                let names = texts(db, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let names = names[..values.split(", ").count()].join(", ");
                format!("({names}) {row}")
            }
            _ => row,
        };
        run(db, &format!("INSERT INTO {table} {row}")).await;
    }
    run(db, &format!("INSERT INTO logins VALUES ('okta', {id}, {id}, NULL)")).await;
    run(db, &format!("INSERT INTO traffic VALUES ({id}, 0, 1, 0, 0, 1)")).await;
    run(db, &format!("INSERT INTO delivery_hours VALUES ({id}, 0, {id}, 1, 0, 0, 0, 0)")).await;
    run(db, &format!("INSERT INTO heard VALUES ({id}, 'call', 0, 0, 'GET', '/Users', 200, NULL, 'r')")).await;
    let link = format!("({id}, {id}, {id}, '', {id}, '', 0, 0, NULL, 0, NULL, NULL, NULL, 1)");
    let link = match store.backend() {
        // A digest is bytes, whatever they are.
        Backend::Postgres => link.replacen(&format!("{id}, {id}, {id}"), &format!("{id}, {id}, 'x'"), 1),
        Backend::Sqlite => link,
    };
    run(db, &format!("INSERT INTO setup_links VALUES {link}")).await;
    run(db, &format!("INSERT INTO setup_sessions VALUES ('s', {id}, 0)")).await;
    let domain = format!("('scim.acme.example', {id}, 'c', 0, 'root', 1, 1, NULL, NULL)");
    run(db, &format!("INSERT INTO domains VALUES {domain}")).await;
    let delivery = format!("({id}, 1, {id}, 1, 'user.created', 'u', 0, 'due', 0)");
    run(
        db,
        &format!(
            "INSERT INTO deliveries (destination, position, tenant, seq, event, object_id, numbered_at, state, next_at) VALUES {delivery}"
        ),
    )
    .await;
    let destination = format!("({id}, {id}, 'webhook', 'app', 'null', {id}, 'active', 1, 0, 'root', 0)");
    let destination = match store.backend() {
        // What is sealed is bytes, whatever they are.
        Backend::Postgres => destination.replacen(&format!("'null', {id}"), "'null', 'x'", 1),
        Backend::Sqlite => destination,
    };
    run(
        db,
        &format!(
            "INSERT INTO destinations (id, tenant, kind, name, settings, sealed, state, version, created_at, created_by, position) \
             VALUES {destination}"
        ),
    )
    .await;
}

async fn count(db: &DatabaseConnection, table: &str, column: &str, id: &str) -> usize {
    texts(db, &format!("SELECT 'x' FROM {table} WHERE {column} = {id}")).await.len()
}

on_both! {
    async fn a_deleted_tenant_is_there_for_nobody_until_it_is_restored(store: TestStore) {
        let platform = store.platform();
        let (id, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        platform.configure_tenant(id, &TenantStatus::Active.into(), &context()).await.unwrap();
        let epoch = store.epoch();
        assert!(platform.delete_tenant(id, &context()).await.unwrap());
        assert!(store.epoch() > epoch, "every node learns of it");
        assert!(!platform.delete_tenant(id, &context()).await.unwrap(), "once");
        assert!(!platform.delete_tenant(TenantId::generate(), &context()).await.unwrap());

        assert_eq!(platform.tenant_by_slug("acme").await.unwrap(), None);
        assert_eq!(platform.tenant_by_id(id).await.unwrap(), None);
        let slugs: Vec<_> = platform.tenants("", 0, 9).await.unwrap().items.into_iter().map(|row| row.slug).collect();
        assert_eq!(slugs, ["other"]);
        assert_eq!(platform.tenants_after("", None, 9).await.unwrap().len(), 1);
        assert_eq!(platform.slugs_after(None, 9).await.unwrap(), [(other, "other".to_owned())]);
        let all = platform.all_slugs_after(None, 9).await.unwrap();
        assert!(all.len() == 2 && all.contains(&(id, "acme".to_owned())), "{all:?}");
        assert_eq!(platform.all_slugs_after(Some(all[0].0), 9).await.unwrap(), all[1..]);
        assert_eq!(platform.owner_of_slug("acme").await.unwrap(), Some(id));
        assert_eq!(platform.owner_of_slug("none").await.unwrap(), None);
        assert!(platform.tenants_of_slugs(&["acme"]).await.unwrap().is_empty());
        assert!(!platform.configure_tenant(id, &TenantStatus::Active.into(), &context()).await.unwrap());
        let renamed = TenantSettings { name: Some("x".into()), ..TenantSettings::default() };
        assert!(!platform.configure_tenant(id, &renamed, &context()).await.unwrap());
        assert_eq!(conflict(platform.create_tenant(&new_tenant("acme"), &context()).await), "slug");

        let gone = platform.deleted_tenants(0, 9).await.unwrap();
        assert_eq!((gone.total, gone.items.len()), (1, 1));
        let gone = &gone.items[0];
        assert_eq!((gone.id, gone.slug.as_str(), gone.deleted_by.as_str()), (id, "acme", "root"));
        assert!(!gone.purging && (store.now() - gone.deleted_at).abs() < 60_000);
        assert_eq!(platform.deleted_tenant("acme").await.unwrap().as_ref(), Some(gone));
        assert_eq!(platform.deleted_tenant("other").await.unwrap(), None);

        let epoch = store.epoch();
        assert!(platform.restore_tenant(id, &context()).await.unwrap());
        assert!(store.epoch() > epoch);
        assert!(!platform.restore_tenant(id, &context()).await.unwrap(), "it is there");
        let row = platform.tenant_by_slug("acme").await.unwrap().unwrap();
        assert_eq!((row.id, row.status), (id, TenantStatus::Inactive), "somebody decides to serve it again");
        assert_eq!(platform.deleted_tenants(0, 9).await.unwrap().total, 0);
        let events: Vec<_> =
            store.tenant(id).audit(None, 9).await.unwrap().into_iter().map(|record| record.event).collect();
        assert_eq!(events, ["tenant.restored", "tenant.deleted", "tenant.activated", "tenant.created"]);
        let told: Vec<_> = platform.audit(Some(&id.to_string()), 9).await.unwrap();
        assert_eq!(told[1].event, "tenant.deleted");
        assert_eq!(told[1].payload.as_ref().unwrap()["state"]["slug"], "acme");
    }

    /// A table with rows of tenants that the purge forgets fails here.
    async fn every_table_is_purged_or_said_to_stay(store: TestStore) {
        let db = raw(&store).await;
        let mut known: Vec<&str> = KEPT.to_vec();
        known.extend(PURGED.iter().filter(|(_, column)| *column == "tenant_id").map(|(table, _)| *table));
        known.sort_unstable();
        assert_eq!(tables(&store, &db, "tenant_id").await, known);
        // Who was given a tenant keeps that: an auditor with none has all. Places in the feed end with their time.
        let mut known = vec!["admin_tenants", "deliveries", "feed"];
        known.extend(PURGED.iter().filter(|(_, column)| *column == "tenant").map(|(table, _)| *table));
        known.sort_unstable();
        assert_eq!(tables(&store, &db, "tenant").await, known);
        db.close().await.unwrap();
    }

    async fn a_purge_leaves_nothing_but_what_happened(store: TestStore) {
        let platform = store.platform();
        let (id, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        let db = raw(&store).await;
        fill(&store, &db, id).await;
        assert_eq!(store.tenant(id).purge_some(100).await.unwrap(), PurgedRows::new(), "it is not deleted");
        platform.delete_tenant(id, &context()).await.unwrap();
        let until = async || platform.begin_purges(store.now() - 30 * DAY, 9).await.unwrap();
        assert_eq!(until().await, [], "not yet");
        assert_eq!(store.tenant(id).purge_some(100).await.unwrap(), PurgedRows::new(), "it can still be restored");
        store.advance(30 * DAY);
        assert_eq!(until().await, [id]);
        assert_eq!(until().await, [id], "again, until it has ended");
        assert!(!platform.restore_tenant(id, &context()).await.unwrap(), "too late");
        assert!(platform.deleted_tenant("acme").await.unwrap().unwrap().purging);

        let before = store.tenant(id).left().await.unwrap();
        assert!(PURGED.iter().all(|(table, _)| before.contains_key(table)), "{before:?}");
        let mut rows = PurgedRows::new();
        loop {
            let gone = store.tenant(id).purge_some(2).await.unwrap();
            assert!(gone.values().sum::<u64>() <= 3, "a small step, and sessions of links");
            if gone.is_empty() {
                break;
            }
            for (table, gone) in gone {
                *rows.entry(table).or_default() += gone;
            }
        }
        assert!(rows.remove("setup_sessions").is_some());
        assert_eq!((rows.clone(), store.tenant(id).left().await.unwrap()), (before, PurgedRows::new()));
        assert!(platform.end_purge(id, &rows, &context()).await.unwrap());
        assert!(!platform.end_purge(id, &rows, &context()).await.unwrap(), "once");
        assert_eq!(until().await, []);
        let literal = literal(store.backend(), id);
        for (table, column) in PURGED {
            assert_eq!(count(&db, table, column, &literal).await, 0, "{table}");
        }
        for table in KEPT {
            assert!(count(&db, table, "tenant_id", &literal).await > 0, "{table}");
        }
        let trail = texts(&db, &format!("SELECT event FROM audit WHERE tenant_id = {literal}")).await;
        assert!(trail.iter().any(|event| event == "tenant.deleted"), "what happened, not what it was about");
        assert_eq!(texts(&db, &format!("SELECT name FROM tenants WHERE id = {literal}")).await, ["acme"]);
        db.close().await.unwrap();

        let told = &platform.audit(Some(&id.to_string()), 1).await.unwrap()[0];
        assert_eq!(told.event, "tenant.purged");
        let state = &told.payload.as_ref().unwrap()["state"];
        assert_eq!((state["rows"].as_u64(), state["tables"]["users"].as_u64()), (Some(rows.values().sum()), Some(1)));
        assert_eq!(platform.deleted_tenants(0, 9).await.unwrap().total, 0);
        assert_eq!(conflict(platform.create_tenant(&new_tenant("acme"), &context()).await), "slug");
        assert!(platform.tenant_by_id(other).await.unwrap().is_some());
        assert_eq!(store.tenant(other).audit(None, 9).await.unwrap().len(), 1);
    }
}
