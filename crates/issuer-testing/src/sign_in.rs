//! The two ends of an authorization code: it is given to a browser, and taken for an ID token.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};

use aws_lc_rs::digest;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::TestKey;

/// Somebody who signs in.
#[derive(Clone)]
pub struct Account {
    /// What their tokens are signed with.
    pub key: Arc<TestKey>,
    /// `iss` of their tokens.
    pub issuer: String,
    /// The client that may take codes.
    pub client: (String, String),
    /// When their tokens are made, in seconds since 1970; they live five minutes.
    pub now: i64,
    /// Claims of their tokens; they come before those that every token has.
    pub claims: Value,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) account: Option<Account>,
    granted: HashMap<String, HashMap<String, String>>,
}

fn fields(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Where the browser is sent: back, with a code (RFC 6749 §4.1.2).
pub(crate) fn authorize(query: &str, state: &mut State) -> String {
    let asked = fields(query);
    let code = format!("code-{}", state.granted.len());
    let back = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", &asked["state"])
        .finish();
    let location = format!("{}?{back}", asked["redirect_uri"]);
    state.granted.insert(code, asked);
    location
}

/// The token for a code (RFC 6749 §4.1.3, RFC 7636 §4.6), each once.
pub(crate) fn token(authorization: &str, form: &str, state: &mut State) -> (u16, String) {
    let refused = |word: &str| (400, json!({ "error": word }).to_string());
    let sent = fields(form);
    let Some(account) = &state.account else { return refused("invalid_client") };
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(&account.client.0), encode(&account.client.1));
    if authorization != format!("Basic {}", BASE64_STANDARD.encode(pair)) {
        return refused("invalid_client");
    }
    let field = |name: &str| sent.get(name).cloned().unwrap_or_default();
    let Some(asked) = state.granted.get_mut(&field("code")) else { return refused("invalid_grant") };
    let challenge = digest::digest(&digest::SHA256, field("code_verifier").as_bytes());
    let proven = asked.remove("code_challenge") == Some(BASE64_URL_SAFE_NO_PAD.encode(challenge));
    if !proven
        || asked["redirect_uri"] != field("redirect_uri")
        || field("grant_type") != "authorization_code"
    {
        return refused("invalid_grant");
    }
    let now = account.now;
    let mut claims = json!({
        "iss": account.issuer, "aud": account.client.0, "nonce": asked["nonce"], "iat": now, "exp": now + 300,
    });
    for (name, value) in account.claims.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let token = account.key.token(&claims);
    (200, json!({ "id_token": token, "access_token": "x", "token_type": "Bearer" }).to_string())
}

/// Goes to an address of plain http as a browser would; gives where it is sent on to.
#[must_use]
pub fn visit(address: &str) -> String {
    let address: url::Url = address.parse().unwrap();
    let mut stream = TcpStream::connect(&*address.socket_addrs(|| None).unwrap()).unwrap();
    let path = format!("{}?{}", address.path(), address.query().unwrap_or_default());
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    super::header(&answer, "location").unwrap().to_owned()
}
