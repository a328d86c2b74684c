//! Traces leave over OTLP when an endpoint is set, and nothing does when none is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};

use crate::harness::{Database, Installation, Scim, Server, eventually, free_port};

#[tokio::test]
async fn traces_reach_a_collector() {
    let received = Arc::new(AtomicUsize::new(0));
    let counter = received.clone();
    let collector = Router::new().route(
        "/v1/traces",
        post(move |body: Bytes| async move {
            counter.fetch_add(body.len(), Ordering::Relaxed);
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await.unwrap() });

    let installation = Installation::new(Database::Sqlite).await;
    let authorization = installation.tenant("acme", "generic");
    let port = free_port();
    let arguments = ["serve", "--listen", &format!("127.0.0.1:{port}"), "--otlp-endpoint", &endpoint];
    let server = Server::start(&mut installation.command(&arguments), port).await;
    let scim = Scim::new(server.base_url("acme"), authorization);
    assert_eq!(scim.get("/Users").await.0, 200);
    eventually(Duration::from_secs(20), "a span", || async { received.load(Ordering::Relaxed) > 0 }).await;
    let (status, _) = server.terminate().await;
    assert!(status.success());
}
