//! Tokens that were forged or bent, sent over HTTP: each is refused as any other wrong credential is.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{client::Client, world::World};

on_both!(
    the_same_claims_signed_again_are_taken,
    the_algorithm_none,
    the_public_key_for_a_shared_secret,
    a_foreign_key_id,
    a_foreign_key_under_our_key_id,
    no_key_id,
    expired,
    clock_skew,
    not_yet_valid,
    another_issuer,
    another_audience,
    another_tenant_under_the_same_signature,
    another_tenant_that_somebody_signed,
    a_credential_that_was_never_issued,
);

const LIST: &str = "/Users?startIndex=1&count=2";
/// A key pair of a stranger: RFC 8410 §10.3 shows how such a PKCS #8 text is made; the 32 bytes at its end are the seed.
const PKCS8_HEAD: &str = "302e020100300506032b657004220420";

/// A token, its parts, and the key that signed it.
struct Forge {
    okta: Client,
    kid: String,
    public: Vec<u8>,
    key: EncodingKey,
    claims: Value,
    signature: String,
}

impl Forge {
    async fn new(world: &World) -> Self {
        let okta = world.tenant("acme").await;
        let (kid, public, private) = world.signing_key().await;
        let authorization = okta.authorization.clone().expect("a token");
        let mut parts = authorization.trim_start_matches("Bearer rcl_").split('.').skip(1);
        let claims = BASE64_URL_SAFE_NO_PAD.decode(parts.next().expect("claims")).expect("base64");
        let claims = serde_json::from_slice(&claims).expect("JSON");
        let signature = parts.next().expect("a signature").to_owned();
        okta.get(LIST).await.expect(200);
        Self { okta, kid, public, key: EncodingKey::from_ed_der(&private), claims, signature }
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        Header { kid: Some(self.kid.clone()), ..Header::new(algorithm) }
    }

    /// These claims under the good key.
    fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(Algorithm::EdDSA), claims, &self.key).expect("signed")
    }

    /// The claims with one changed, under the good key.
    fn with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.sign(&claims)
    }

    async fn status(&self, jwt: &str) -> u16 {
        let authorization = format!("Bearer rcl_{jwt}");
        self.okta.with_authorization(Some(&authorization)).get(LIST).await.status.as_u16()
    }

    async fn refuses(&self, jwt: &str) {
        let authorization = format!("Bearer rcl_{jwt}");
        let reply = self.okta.with_authorization(Some(&authorization)).get(LIST).await;
        reply.expect_error(401, "");
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"SCIM\"");
    }

    fn seconds(&self, name: &str) -> i64 {
        self.claims[name].as_i64().expect("seconds")
    }
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn foreign_key() -> EncodingKey {
    let head = (0..PKCS8_HEAD.len()).step_by(2).map(|at| u8::from_str_radix(&PKCS8_HEAD[at..at + 2], 16));
    let mut pkcs8: Vec<u8> = head.collect::<Result<_, _>>().expect("hexadecimal");
    pkcs8.extend([0x5a; 32]);
    EncodingKey::from_ed_der(&pkcs8)
}

/// The others are refused for what they are, not for how they were made here.
async fn the_same_claims_signed_again_are_taken(world: World) {
    let forge = Forge::new(&world).await;
    assert_eq!(forge.status(&forge.sign(&forge.claims)).await, 200);
}

async fn the_algorithm_none(world: World) {
    let forge = Forge::new(&world).await;
    for alg in ["none", "None", "NONE"] {
        let header = part(&json!({"typ": "JWT", "alg": alg, "kid": forge.kid}));
        for signature in ["", "AAAA", &forge.signature] {
            forge.refuses(&format!("{header}.{}.{signature}", part(&forge.claims))).await;
        }
    }
}

async fn the_public_key_for_a_shared_secret(world: World) {
    let forge = Forge::new(&world).await;
    let published = BASE64_URL_SAFE_NO_PAD.encode(&forge.public);
    for secret in [forge.public.as_slice(), published.as_bytes()] {
        let secret = EncodingKey::from_secret(secret);
        let confused = jsonwebtoken::encode(&forge.header(Algorithm::HS256), &forge.claims, &secret);
        forge.refuses(&confused.expect("signed")).await;
    }
}

async fn a_foreign_key_id(world: World) {
    let forge = Forge::new(&world).await;
    for kid in ["AAAAAAAAAAAAAAAA", "", "../../etc/passwd", "' OR 1=1 --"] {
        let header = Header { kid: Some(kid.into()), ..forge.header(Algorithm::EdDSA) };
        for key in [&foreign_key(), &forge.key] {
            forge.refuses(&jsonwebtoken::encode(&header, &forge.claims, key).expect("signed")).await;
        }
    }
}

async fn a_foreign_key_under_our_key_id(world: World) {
    let forge = Forge::new(&world).await;
    let token = jsonwebtoken::encode(&forge.header(Algorithm::EdDSA), &forge.claims, &foreign_key());
    forge.refuses(&token.expect("signed")).await;
}

async fn no_key_id(world: World) {
    let forge = Forge::new(&world).await;
    let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &forge.claims, &forge.key);
    forge.refuses(&token.expect("signed")).await;
}

async fn expired(world: World) {
    let forge = Forge::new(&world).await;
    forge.refuses(&forge.with("exp", json!(forge.seconds("iat") - 3600))).await;
    world.advance((forge.seconds("exp") - forge.seconds("iat") + 1) * 1000);
    forge.okta.get(LIST).await.expect_error(401, "");
}

/// No leeway, neither at the end nor at the beginning.
async fn clock_skew(world: World) {
    let forge = Forge::new(&world).await;
    let now = world.store.now() / 1000;
    forge.refuses(&forge.with("exp", json!(now - 1))).await;
    forge.refuses(&forge.with("nbf", json!(now + 30))).await;
    assert_eq!(forge.status(&forge.with("exp", json!(now + 30))).await, 200);
}

async fn not_yet_valid(world: World) {
    let forge = Forge::new(&world).await;
    let nbf = world.store.now() / 1000 + 3600;
    let token = forge.with("nbf", json!(nbf));
    forge.refuses(&token).await;
    world.advance(3_600_000);
    assert_eq!(forge.status(&token).await, 200, "and later it is");
}

async fn another_issuer(world: World) {
    let forge = Forge::new(&world).await;
    for issuer in ["0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90", "https://scim.example.com", ""] {
        forge.refuses(&forge.with("iss", json!(issuer))).await;
    }
}

async fn another_audience(world: World) {
    let forge = Forge::new(&world).await;
    for audience in [json!("0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90"), json!([]), json!(null)] {
        forge.refuses(&forge.with("aud", audience)).await;
    }
}

async fn another_tenant_under_the_same_signature(world: World) {
    let forge = Forge::new(&world).await;
    let beta = world.tenant("beta").await;
    let header = part(&json!({"typ": "JWT", "alg": "EdDSA", "kid": forge.kid}));
    let mut claims = forge.claims.clone();
    claims["tenant"] = json!(world.scope(&beta).await.id());
    let token = format!("{header}.{}.{}", part(&claims), forge.signature);
    forge.refuses(&token).await;
    let at_beta = beta.with_authorization(Some(&format!("Bearer rcl_{token}")));
    at_beta.get(LIST).await.expect_error(401, "");
}

/// Even a good signature says nothing about a tenant that the credential is not of.
async fn another_tenant_that_somebody_signed(world: World) {
    let forge = Forge::new(&world).await;
    let beta = world.tenant("beta").await;
    let token = forge.with("tenant", json!(world.scope(&beta).await.id()));
    forge.refuses(&token).await;
    let at_beta = beta.with_authorization(Some(&format!("Bearer rcl_{token}")));
    at_beta.get(LIST).await.expect_error(401, "");
}

async fn a_credential_that_was_never_issued(world: World) {
    let forge = Forge::new(&world).await;
    let mut claims = forge.claims.clone();
    let id = json!(store::CredentialId::generate());
    (claims["sub"], claims["jti"]) = (id.clone(), id);
    forge.refuses(&forge.sign(&claims)).await;
}
