//! Somebody who takes webhooks, or does not.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use standardwebhooks::Webhook;

/// A call that came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) event: Value,
    pub(crate) body: Bytes,
    /// What was answered.
    pub(crate) status: u16,
}

/// What it answers to an event.
type Mind = Arc<dyn Fn(&Value) -> Answer + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Answer {
    Status(u16),
    Header(u16, &'static str, String),
    Never,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    mind: Arc<Mutex<Mind>>,
}

impl Receiver {
    pub(crate) async fn new() -> Self {
        Self::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(address: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let mind: Mind = Arc::new(|_| Answer::Status(204));
        let receiver = Self { url, calls: Arc::default(), mind: Arc::new(Mutex::new(mind)) };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    /// From here on it answers so.
    pub(crate) fn answers(&self, mind: impl Fn(&Value) -> Answer + Send + Sync + 'static) {
        *self.mind.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(mind);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Events that were taken, each when it was taken first.
    pub(crate) fn taken(&self) -> Vec<Value> {
        let mut known = HashSet::new();
        let taken = self.calls().into_iter().filter(|call| call.status < 300).map(|call| call.event);
        taken.filter(|event| known.insert(event["id"].to_string())).collect()
    }

    /// Waits until so many different events were taken.
    pub(crate) async fn has_taken(&self, count: usize) -> Vec<Value> {
        for _ in 0..600 {
            let taken = self.taken();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{} of {count} events were taken; the last calls: {:?}",
            self.taken().len(),
            self.calls().iter().rev().take(3).collect::<Vec<_>>()
        );
    }

    /// Waits until there were so many calls.
    pub(crate) async fn is_called(&self, times: usize) -> Vec<Call> {
        for _ in 0..600 {
            let calls = self.calls();
            if calls.len() >= times {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {times} calls came", self.calls().len());
    }
}

impl Call {
    /// The time is the store's, which the crate's own check would not believe.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let text = |name: &str| self.headers[name].to_str().expect("text");
        let sent = text("webhook-timestamp").parse().expect("seconds");
        let signer = Webhook::new(secret).expect("a secret");
        let signed = signer.sign(text("webhook-id"), sent, &self.body).expect("signed");
        text("webhook-signature").split(' ').any(|one| one == signed)
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mind = receiver.mind.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let answer = mind(&event);
    let status = match &answer {
        Answer::Status(status) | Answer::Header(status, ..) => *status,
        Answer::Never => 599,
    };
    receiver.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { headers, event, body, status });
    let code = |status| StatusCode::from_u16(status).expect("a status");
    match answer {
        Answer::Status(status) => code(status).into_response(),
        Answer::Header(status, name, value) => (code(status), [(name, value)]).into_response(),
        Answer::Never => {
            std::future::pending::<()>().await;
            code(500).into_response()
        }
    }
}
