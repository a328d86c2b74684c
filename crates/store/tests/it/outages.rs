//! The database goes away and comes back.

use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use serde_json::json;
use store::{ListQuery, StoreError, TenantId};
use store_testing::TestStore;

use crate::{
    common::{connect, context, new_tenant, run, tenant},
    support::{group_state, user_state},
};

/// A connection to another database of the same server.
async fn beside(store: &TestStore) -> (DatabaseConnection, String) {
    let mut url = url::Url::parse(&store.options().url).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("postgres");
    (connect(url.as_str()).await, name)
}

async fn cut(db: &DatabaseConnection, name: &str) {
    run(db, &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        .await;
}

/// All connections die, idle ones and the poller's; the next request does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_connections_are_replaced() {
    let store = store_testing::postgres().await;
    let other = store.another().await;
    let (db, name) = beside(&store).await;
    for round in 0..3 {
        // Several connections lie in the pool.
        let id = tenant(&store, &format!("before{round}")).await;
        let scope = store.tenant(id);
        let _ = tokio::join!(scope.credentials(), scope.credentials(), scope.audit(None, 1), scope.outbox(1));
        cut(&db, &name).await;
        let before = other.epoch();
        let new = new_tenant(&format!("after{round}"));
        store.platform().create_tenant(&new, &context()).await.unwrap();
        let start = Instant::now();
        while other.epoch() == before {
            assert!(start.elapsed() < Duration::from_secs(5), "the poller has died");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Those that stay at hand for single statements are replaced likewise, for reads and for changes, and a change is made once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_connections_at_hand_are_replaced() {
    let store = store_testing::postgres().await;
    let (db, name) = beside(&store).await;
    let scope = store.tenant(TenantId::generate());
    let user = |name: &str| user_state(json!({"userName": name}));
    let mut ann = scope.create_user(&user("ann"), &context()).await.unwrap();
    for round in 0..3 {
        let _ = tokio::join!(scope.user(ann.id, true), scope.user(ann.id, true), scope.user(ann.id, true));
        cut(&db, &name).await;
        assert!(scope.user(ann.id, true).await.unwrap().is_some());
        let _ = tokio::join!(scope.user(ann.id, true), scope.user(ann.id, true));
        cut(&db, &name).await;
        ann = scope.swap_user(&ann, &user(&format!("ann{round}")), &context()).await.unwrap().unwrap();
        let _ = tokio::join!(scope.user(ann.id, true), scope.user(ann.id, true));
        cut(&db, &name).await;
        scope.create_user(&user(&format!("bob{round}")), &context()).await.unwrap();
    }
    assert_eq!(ann.version, 4);
    assert_eq!(scope.users(&ListQuery { limit: 10, ..ListQuery::default() }).await.unwrap().total, 4);
    let entries = scope.audit(None, 100).await.unwrap();
    assert_eq!(entries.len(), 7, "each change is told once");
}

/// A database that takes nobody for a while: errors meanwhile, all well afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_ends() {
    let store =
        store_testing::postgres_with(|options| options.acquire_timeout = Duration::from_millis(500)).await;
    let (db, name) = beside(&store).await;
    let other = store.another().await;
    run(&db, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    cut(&db, &name).await;
    let outcome = store.platform().create_tenant(&new_tenant("never"), &context()).await;
    assert!(outcome.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    run(&db, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    let before = other.epoch();
    tenant(&store, "after").await;
    let start = Instant::now();
    while other.epoch() == before {
        assert!(start.elapsed() < Duration::from_secs(5), "the poller has died");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.platform().tenants("", 0, 10).await.unwrap().total, 1);
}

/// A connection that breaks under a commit: nobody is told that nothing was done, by whichever way it was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_nobody_saw_is_not_known() {
    let store = store_testing::postgres().await;
    let scope = store.tenant(tenant(&store, "acme").await);
    store
        .execute(
            "CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        )
        .await;
    for table in ["users", "groups"] {
        let trigger = format!(
            "CREATE CONSTRAINT TRIGGER end_it AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION end_it()"
        );
        store.execute(&trigger).await;
    }
    let user = scope.create_user(&user_state(json!({"userName": "ann"})), &context()).await;
    assert!(matches!(user, Err(StoreError::Unknown(_))), "{user:?}");
    let group = scope.create_group(&group_state::<&str>("nurses", &[]), false, &context()).await;
    assert!(matches!(group, Err(StoreError::Unknown(_))), "{group:?}");
}

/// SQLite undoes a whole transaction by itself, as it does when the disk is full: what comes after it is as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_sqlite_ended_is_nobodys() {
    let store = store_testing::sqlite().await;
    tenant(&store, "there").await;
    store
        .execute("CREATE TRIGGER full BEFORE INSERT ON tenants WHEN NEW.slug LIKE 'never%' BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
        .await;
    let is_refused =
        async |slug: &str| store.platform().create_tenant(&new_tenant(slug), &context()).await.is_err();
    // On each connection of the pool, and then something that is undone in the usual way.
    for round in 0..20 {
        assert!(is_refused(&format!("never{round}")).await);
    }
    for _ in 0..20 {
        assert!(is_refused("there").await);
    }
    for round in 0..20 {
        tenant(&store, &format!("after{round}")).await;
    }
    // What was answered is there for others, and nothing is locked.
    let other = store.another().await;
    assert_eq!(other.platform().tenants("", 0, 10).await.unwrap().total, 21);
    tenant(&other, "other").await;
}
