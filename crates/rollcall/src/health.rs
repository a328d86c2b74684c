//! `/healthz` (the process answers) and `/readyz` (its database does too, and it is not about to stop). Neither asks the database
//! itself: whoever looks is answered at once, however busy the node is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use store::Store;

/// A database that has not answered for so long is away. A failover that is shorter takes no node out of a proxy's list.
const SILENT: Duration = Duration::from_secs(5);

/// Whether others should send requests here.
#[derive(Clone)]
pub(crate) struct Readiness {
    store: Store,
    leaving: Arc<AtomicBool>,
}

impl Readiness {
    /// Of a node; `leaving` says that it was told to stop.
    pub(crate) fn new(store: Store, leaving: Arc<AtomicBool>) -> Self {
        Self { store, leaving }
    }

    /// They should, or why not: a word and a sentence.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.leaving.load(Ordering::Relaxed) {
            return Err(("stopping", "This node is about to stop; ask another."));
        }
        if self.store.silent_for() > SILENT {
            return Err(("unavailable", "The database does not answer."));
        }
        Ok(())
    }
}

/// The routes.
pub(crate) fn router(readiness: Readiness) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(readiness)
}

async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, Json<Value>) {
    match readiness.check() {
        Ok(()) => (StatusCode::OK, Json(json!({"status": "ready"}))),
        Err((status, detail)) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": status, "detail": detail})))
        }
    }
}
