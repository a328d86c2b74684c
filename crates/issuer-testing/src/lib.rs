//! An identity provider that signs tokens and publishes its keys on loopback, for tests; never shipped. What cannot be
//! done panics: a test that cannot begin has failed.

#![allow(clippy::unwrap_used, reason = "see above")]

mod keys;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use keys::{TestKey, hs256, unsigned};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Serves `/{directory}/.well-known/openid-configuration` and `/keys` until it is dropped.
pub struct Issuer {
    origin: String,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    fetches: usize,
    down: bool,
    /// Told instead of the issuer that was asked for.
    alias: Option<String>,
}

impl Issuer {
    /// On a free port of 127.0.0.1, publishing these keys.
    pub async fn start(keys: &[&TestKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(serve(listener, origin.clone(), state.clone()));
        let issuer = Self { origin, state, task };
        issuer.publish(keys);
        issuer
    }

    /// `iss` for a directory.
    #[must_use]
    pub fn of(&self, directory: &str) -> String {
        format!("{}/{directory}/", self.origin)
    }

    /// Where its keys are.
    #[must_use]
    pub fn keys_url(&self) -> String {
        format!("{}/keys", self.origin)
    }

    /// Publishes these keys from now on, and no others.
    pub fn publish(&self, keys: &[&TestKey]) {
        self.publish_json(keys.iter().map(|key| key.public()).collect());
    }

    /// The same with keys as they stand in the document.
    pub fn publish_json(&self, keys: Vec<Value>) {
        self.state().keys = keys;
    }

    /// Answers 503 to everything, or no longer.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Says in its configuration that it is another one.
    pub fn set_alias(&self, alias: &str) {
        self.state().alias = Some(alias.to_owned());
    }

    /// How often its keys were asked for.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.state().fetches
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, origin: String, state: Arc<Mutex<State>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(stream, origin.clone(), state.clone()));
    }
}

/// One request, one answer. A client that goes away meanwhile is no fault.
async fn answer(mut stream: TcpStream, origin: String, state: Arc<Mutex<State>>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1024];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(length) => request.extend_from_slice(&part[..length]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = content(path, &origin, &mut state.lock().unwrap_or_else(PoisonError::into_inner));
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await;
}

fn content(path: &str, origin: &str, state: &mut State) -> (u16, String) {
    let fetches_keys = path == "/keys";
    state.fetches += usize::from(fetches_keys);
    let directory = path.strip_suffix("/.well-known/openid-configuration");
    match directory {
        _ if state.down => (503, String::new()),
        _ if fetches_keys => (200, json!({ "keys": state.keys }).to_string()),
        Some(directory) => {
            let issuer = state.alias.clone().unwrap_or_else(|| format!("{origin}{directory}/"));
            (200, json!({ "issuer": issuer, "jwks_uri": format!("{origin}/keys") }).to_string())
        }
        None => (404, String::new()),
    }
}
