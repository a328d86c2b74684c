//! What a token's text may say and must not: one test for each way to forge or bend one.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use store::keys::SigningKey;

use super::*;
use crate::vault::tests::vault;

const NOW: i64 = 1_795_255_200_000;
const HERE: Uuid = Uuid::from_u128(1);
const ELSEWHERE: Uuid = Uuid::from_u128(2);

/// An installation's keys, and what signs with them.
struct World {
    keys: KeyRing,
    row: SigningKey,
}

impl World {
    fn new() -> Self {
        let (keys, row) = KeyRing::fresh(&vault(1));
        Self { keys, row }
    }

    fn key(&self) -> &EncodingKey {
        &self.keys.signing.as_ref().expect("a key").key
    }

    fn sign(&self, claims: &Claims) -> String {
        sign(claims, &self.row.kid, self.key()).expect("signed")
    }

    /// Any payload under the good key.
    fn sign_value(&self, payload: &Value) -> String {
        let token = jsonwebtoken::encode(&header(&self.row.kid), payload, self.key()).expect("signed");
        format!("{PREFIX}{token}")
    }

    fn check(&self, token: &str) -> Result<Claims, Refusal> {
        check(token, &self.keys, HERE, NOW)
    }

    fn is_foreign(&self, token: &str) -> bool {
        matches!(self.check(token), Err(Refusal::Foreign))
    }
}

fn claims() -> Claims {
    let id = Uuid::from_u128(7);
    Claims {
        iss: HERE,
        aud: HERE,
        sub: id,
        jti: id,
        tenant: Some(Uuid::from_u128(9)),
        iat: NOW / 1000,
        nbf: None,
        exp: NOW / 1000 + 60,
        scope: "scim:read".into(),
    }
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The decoded header and payload of a token.
fn parts(token: &str) -> (Value, Value) {
    let read = |text: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let mut parts = token.strip_prefix(PREFIX).expect("the prefix").split('.');
    (read(parts.next().expect("a header")), read(parts.next().expect("a payload")))
}

/// A token with its payload changed under the signature that it had.
fn tampered(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, mut payload) = parts(token);
    change(&mut payload);
    let signature = token.rsplit('.').next().expect("a signature");
    format!("{PREFIX}{}.{}.{signature}", part(&header), part(&payload))
}

#[test]
fn a_token_says_what_it_must_and_no_more() {
    let world = World::new();
    let token = world.sign(&claims());
    assert_eq!(world.check(&token).expect("accepted"), claims());
    let (header, payload) = parts(&token);
    assert_eq!(header, json!({ "typ": "JWT", "alg": "EdDSA", "kid": world.row.kid }));
    let names: Vec<&str> = payload.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, ["iss", "aud", "sub", "jti", "tenant", "iat", "exp", "scope"]);
    assert_eq!(payload["jti"], "00000000-0000-0000-0000-000000000007");
}

#[test]
fn every_changed_character_breaks_it() {
    let world = World::new();
    let token = world.sign(&claims());
    for at in (0..token.len()).step_by(5) {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(world.is_foreign(&String::from_utf8(changed).expect("ASCII")), "character {at}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let world = World::new();
    let token = world.sign(&claims());
    for text in
        ["", "rcl_", "rcl_a.b.c", "non-token", token.trim_start_matches(PREFIX), &token[..token.len() - 1]]
    {
        assert!(world.is_foreign(text), "{text:?}");
    }
}

#[test]
fn another_tenant_under_the_same_signature_is_refused() {
    let world = World::new();
    let forged = tampered(&world.sign(&claims()), |payload| payload["tenant"] = json!(Uuid::from_u128(10)));
    assert!(world.is_foreign(&forged));
}

#[test]
fn more_scopes_under_the_same_signature_are_refused() {
    let world = World::new();
    let forged = tampered(&world.sign(&claims()), |payload| payload["scope"] = json!("scim:read scim:write"));
    assert!(world.is_foreign(&forged));
}

#[test]
fn the_algorithm_none_is_refused() {
    let world = World::new();
    let payload = serde_json::to_value(claims()).expect("JSON");
    for alg in ["none", "None", "NONE", ""] {
        let header = part(&json!({ "typ": "JWT", "alg": alg, "kid": world.row.kid }));
        for signature in ["", "AAAA"] {
            let forged = format!("{PREFIX}{header}.{}.{signature}", part(&payload));
            assert!(world.is_foreign(&forged), "{alg}");
        }
    }
}

/// HS256 with what everybody knows for a secret: the raw public key, and the forms in which it is published.
#[test]
fn the_public_key_is_no_shared_secret() {
    let world = World::new();
    let published = BASE64_URL_SAFE_NO_PAD.encode(&world.row.public_key);
    let secrets: [&[u8]; 3] =
        [&world.row.public_key, published.as_bytes(), world.keys.published.body.as_bytes()];
    for secret in secrets {
        for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: Some(world.row.kid.clone()), ..Header::new(alg) };
            let confused = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret));
            assert!(world.is_foreign(&format!("{PREFIX}{}", confused.expect("signed"))), "{alg:?}");
        }
    }
}

#[test]
fn a_foreign_key_id_is_refused() {
    let (world, foreign) = (World::new(), World::new());
    assert!(world.is_foreign(&foreign.sign(&claims())));
}

#[test]
fn a_foreign_key_under_our_key_id_is_refused() {
    let (world, foreign) = (World::new(), World::new());
    assert!(world.is_foreign(&sign(&claims(), &world.row.kid, foreign.key()).expect("signed")));
}

#[test]
fn a_token_without_a_key_id_is_refused() {
    let world = World::new();
    let nameless = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims(), world.key());
    assert!(world.is_foreign(&format!("{PREFIX}{}", nameless.expect("signed"))));
}

/// A key that comes with the token (RFC 7515 §4.1.2, §4.1.3) is nobody's word but the sender's.
#[test]
fn a_key_in_the_header_is_not_believed() {
    let (world, foreign) = (World::new(), World::new());
    let x = BASE64_URL_SAFE_NO_PAD.encode(&foreign.row.public_key);
    let mut header = header(&world.row.kid);
    header.jku = Some("https://evil.example/jwks.json".into());
    header.jwk = serde_json::from_value(json!({"kty": "OKP", "crv": "Ed25519", "x": x})).expect("a key");
    let forged = jsonwebtoken::encode(&header, &claims(), foreign.key()).expect("signed");
    assert!(world.is_foreign(&format!("{PREFIX}{forged}")));
}

#[test]
fn another_issuer_is_refused() {
    let world = World::new();
    assert!(world.is_foreign(&world.sign(&Claims { iss: ELSEWHERE, ..claims() })));
}

#[test]
fn another_audience_is_refused() {
    let world = World::new();
    assert!(world.is_foreign(&world.sign(&Claims { aud: ELSEWHERE, ..claims() })));
}

#[test]
fn an_access_token_has_an_id_of_its_own() {
    let world = World::new();
    let token = world.sign(&Claims { jti: ELSEWHERE, ..claims() });
    assert!(world.check(&token).expect("accepted").is_access_token());
    assert!(!claims().is_access_token());
}

#[test]
fn a_token_that_is_not_yet_valid_is_refused() {
    let world = World::new();
    assert!(world.is_foreign(&world.sign(&Claims { nbf: Some(NOW / 1000 + 3600), ..claims() })));
    assert!(world.check(&world.sign(&Claims { nbf: Some(NOW / 1000), ..claims() })).is_ok());
}

#[test]
fn an_expired_token_is_refused() {
    let world = World::new();
    let token = world.sign(&claims());
    assert!(matches!(check(&token, &world.keys, HERE, NOW + 86_400_000), Err(Refusal::Expired)));
    assert!(matches!(check(&token, &world.keys, HERE, i64::MAX), Err(Refusal::Expired)));
    assert!(matches!(world.check(&world.sign(&Claims { exp: 0, ..claims() })), Err(Refusal::Expired)));
}

/// Libraries allow for a minute of difference between clocks; ours are one installation's, and a minute is long for a
/// token that was to end.
#[test]
fn clock_skew_prolongs_nothing() {
    let world = World::new();
    let token = world.sign(&claims());
    assert!(check(&token, &world.keys, HERE, NOW + 59_999).is_ok());
    assert!(matches!(check(&token, &world.keys, HERE, NOW + 60_000), Err(Refusal::Expired)));
    assert!(world.is_foreign(&world.sign(&Claims { nbf: Some(NOW / 1000 + 1), ..claims() })));
}

/// A node whose clock is a little ahead makes tokens that another one takes at once.
#[test]
fn a_token_from_a_clock_that_is_ahead_is_taken() {
    let world = World::new();
    assert!(world.check(&world.sign(&Claims { iat: NOW / 1000 + 5, ..claims() })).is_ok());
}

#[test]
fn a_claim_that_is_missing_is_refused() {
    let world = World::new();
    let whole = serde_json::to_value(claims()).expect("JSON");
    // Without a tenant it would be the installation's: another test says what that is good for.
    for name in ["iss", "aud", "sub", "jti", "iat", "exp", "scope"] {
        let mut payload = whole.clone();
        payload.as_object_mut().expect("an object").remove(name);
        assert!(world.is_foreign(&world.sign_value(&payload)), "{name}");
    }
}

#[test]
fn a_claim_of_another_type_is_refused() {
    let world = World::new();
    let whole = serde_json::to_value(claims()).expect("JSON");
    for (name, value) in [
        ("exp", json!("2099-01-01")),
        ("exp", json!(null)),
        ("tenant", json!("acme")),
        ("aud", json!([ELSEWHERE])),
        ("scope", json!(["scim:read"])),
    ] {
        let mut payload = whole.clone();
        payload[name] = value;
        assert!(world.is_foreign(&world.sign_value(&payload)), "{name}");
    }
}

#[test]
fn a_token_without_a_tenant_is_the_installations() {
    let world = World::new();
    let mut payload = serde_json::to_value(claims()).expect("JSON");
    payload.as_object_mut().expect("an object").remove("tenant");
    let token = world.sign_value(&payload);
    assert_eq!(world.check(&token).expect("accepted").tenant, None);
}
