//! An identity provider that signs tokens and publishes its keys on loopback, for tests; never shipped. What cannot be
//! done panics: a test that cannot begin has failed.

#![allow(clippy::unwrap_used, reason = "see above")]

mod keys;
mod sign_in;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

pub use keys::{TestKey, hs256, unsigned};
use serde_json::{Value, json};
pub use sign_in::{Account, visit};

/// Serves `/{directory}/.well-known/openid-configuration`, `/keys` and, for whoever signs in as [`Account`], `/authorize` and
/// `/token` until it is dropped; on threads of its own, so that
/// a test may wait for a command that asks it.
pub struct Issuer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    fetches: usize,
    down: bool,
    ended: bool,
    /// Told instead of the issuer that was asked for.
    alias: Option<String>,
    /// Who signs in at the next visit, and what was granted.
    sign_in: sign_in::State,
    /// The next request tells that it has come, and waits.
    gate: Option<(Sender<()>, Receiver<()>)>,
}

impl Issuer {
    /// On a free port of 127.0.0.1, publishing these keys.
    #[must_use]
    pub fn start(keys: &[&TestKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        issuer.publish(keys);
        let (address, state) = (issuer.address, issuer.state.clone());
        thread::spawn(move || serve(&listener, address, &state));
        issuer
    }

    /// `iss` for a directory.
    #[must_use]
    pub fn of(&self, directory: &str) -> String {
        format!("http://{}/{directory}/", self.address)
    }

    /// Where its keys are.
    #[must_use]
    pub fn keys_url(&self) -> String {
        format!("http://{}/keys", self.address)
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

    /// Keeps the next request waiting: the first end tells when it has come, the second lets it go on.
    #[must_use]
    pub fn hold(&self) -> (Receiver<()>, Sender<()>) {
        let ((come, has_come), (go, may_go)) = (channel(), channel());
        self.state().gate = Some((come, may_go));
        (has_come, go)
    }

    /// How often its keys were asked for.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.state().fetches
    }

    /// Whoever comes signs in as this one, from now on.
    pub fn sign_in_as(&self, account: Account) {
        self.state().sign_in.account = Some(account);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.state().ended = true;
        // The thread looks at it when somebody comes.
        drop(TcpStream::connect(self.address));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: &TcpListener, address: SocketAddr, state: &Arc<Mutex<State>>) {
    for stream in listener.incoming() {
        if lock(state).ended {
            return;
        }
        let state = state.clone();
        thread::spawn(move || answer(stream.unwrap(), address, &state));
    }
}

/// One request, one answer. A client that goes away meanwhile is no fault.
fn answer(mut stream: TcpStream, address: SocketAddr, state: &Mutex<State>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1024];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(length) => request.extend_from_slice(&part[..length]),
        }
    }
    let gate = lock(state).gate.take();
    if let Some((come, may_go)) = gate {
        // Whoever holds it may have gone.
        let _ = come.send(()).map(|()| may_go.recv());
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let (head, begun) = head.split_once("\r\n\r\n").unwrap();
    let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = begun.as_bytes().to_vec();
    while body.len() < length {
        let mut part = [0; 1024];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(length) => body.extend_from_slice(&part[..length]),
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some(query) = path.strip_prefix("/authorize?") {
        let location = sign_in::authorize(query, &mut lock(state).sign_in);
        let answer = format!(
            "HTTP/1.1 302 X\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let _ = stream.write_all(answer.as_bytes());
        return;
    }
    let (status, body) = if path == "/token" {
        let form = String::from_utf8_lossy(&body);
        sign_in::token(header(head, "authorization").unwrap_or_default(), &form, &mut lock(state).sign_in)
    } else {
        content(path, address, &mut lock(state))
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
}

/// A header of a request, its name without regard to case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn content(path: &str, address: SocketAddr, state: &mut State) -> (u16, String) {
    let fetches_keys = path == "/keys";
    state.fetches += usize::from(fetches_keys);
    match path.strip_suffix("/.well-known/openid-configuration") {
        _ if state.down => (503, String::new()),
        _ if fetches_keys => (200, json!({ "keys": state.keys }).to_string()),
        Some(directory) => {
            let issuer = state.alias.clone().unwrap_or_else(|| format!("http://{address}{directory}/"));
            let at = |path: &str| format!("http://{address}/{path}");
            let told = json!({
                "issuer": issuer,
                "jwks_uri": at("keys"),
                "authorization_endpoint": at("authorize"),
                "token_endpoint": at("token"),
            });
            (200, told.to_string())
        }
        None => (404, String::new()),
    }
}
