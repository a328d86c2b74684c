//! How long is waited for the database is told, above all when it comes to nothing.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use store::{TenantId, UserId};

use crate::common::raw;

#[tokio::test]
async fn a_wait_for_nothing_is_counted() {
    let store = store_testing::postgres_with(|options| {
        options.max_connections = 2;
        options.acquire_timeout = Duration::from_millis(300);
    })
    .await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let scope = store.tenant(TenantId::generate());
    // Somebody keeps all who look for credentials, and they keep all connections.
    let db = raw(&store).await;
    let lock = db.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE credentials IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let kept: Vec<_> = (0..2)
        .map(|_| {
            let scope = scope.clone();
            tokio::spawn(async move { scope.credentials().await })
        })
        .collect();
    while store.connections().used < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let _guard = metrics::set_default_local_recorder(&recorder);
    let waits = |of: &str| {
        let name = format!("rollcall_database_wait_seconds_count{{for=\"{of}\"}} ");
        handle.render().lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok())
    };
    assert!(scope.has_users().await.is_err(), "no connection for a transaction");
    assert_eq!(waits("transaction"), Some(1));
    assert!(scope.user(UserId::generate(), false).await.is_err(), "none for a statement");
    assert_eq!(waits("statement"), Some(1));
    lock.rollback().await.unwrap();
    for reader in kept {
        reader.await.unwrap().unwrap();
    }
    assert!(scope.user(UserId::generate(), false).await.unwrap().is_none());
    db.close().await.unwrap();
}
