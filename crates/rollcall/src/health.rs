//! `/healthz` (the process answers) and `/readyz` (its database does too, and it is not about to stop).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use store::Store;

/// The routes. `leaving` says that the server was told to stop.
pub(crate) fn router(store: Store, leaving: Arc<AtomicBool>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state((store, leaving))
}

async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn readyz(State((store, leaving)): State<(Store, Arc<AtomicBool>)>) -> (StatusCode, Json<Value>) {
    if leaving.load(Ordering::Relaxed) {
        let stopping = json!({"status": "stopping", "detail": "This node is about to stop; ask another."});
        return (StatusCode::SERVICE_UNAVAILABLE, Json(stopping));
    }
    match store.ping().await {
        Ok(()) => (StatusCode::OK, Json(json!({"status": "ready"}))),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({"status": "unavailable", "detail": "The database does not answer."})),
            )
        }
    }
}
