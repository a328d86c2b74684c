//! Keys: others check tokens with a library of their own, keys are rotated under a running server, and the master key is
//! changed, lost and replaced.

use std::{path::PathBuf, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jwt_compact::{Algorithm, AlgorithmExt as _, UntrustedToken, alg::Ed25519, jwk::JsonWebKey};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    browsing::Browser,
    harness::{Database, Installation, Scim, Server, eventually, on_both_databases},
};

on_both_databases!(
    others_verify_tokens_with_the_published_keys,
    a_running_server_takes_a_rotation_up,
    the_master_key_is_changed_by_its_variable,
    a_lost_master_key_is_explained_and_replaced,
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
const LIST: &str = "/Users?count=1";

/// What a vendor looks at beside the times, which the library knows.
#[derive(Clone, Debug, Deserialize)]
struct Seen {
    iss: String,
    aud: String,
    sub: String,
    tenant: String,
    scope: String,
}

fn verify(token: &str, jwks: &Value, issuer: &str) -> Result<Seen, String> {
    verify_at(token, jwks, issuer, time::OffsetDateTime::now_utc().unix_timestamp())
}

/// A vendor's check, as `docs/tokens.md` describes it, by a library that shares no code with ours; at this time in seconds.
fn verify_at(token: &str, jwks: &Value, issuer: &str, now: i64) -> Result<Seen, String> {
    let token = token.strip_prefix("rcl_").ok_or("no rcl_ in front")?;
    let token = UntrustedToken::new(token).map_err(|error| error.to_string())?;
    let kid = token.header().key_id.clone().ok_or("no kid")?;
    let jwk = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str());
    let jwk = jwk.ok_or_else(|| format!("no key {kid}"))?;
    assert_eq!((&jwk["use"], &jwk["alg"]), (&"sig".into(), &"EdDSA".into()));
    let jwk: JsonWebKey<'_> = serde_json::from_value(jwk.clone()).unwrap();
    let key = <Ed25519 as Algorithm>::VerifyingKey::try_from(&jwk).map_err(|error| error.to_string())?;
    let token = Ed25519.validator::<Seen>(&key).validate(&token).map_err(|error| error.to_string())?;
    let claims = token.claims();
    if claims.expiration.is_none_or(|at| at.timestamp() <= now) {
        return Err("it has expired".into());
    }
    let seen = claims.custom.clone();
    if seen.iss != issuer || seen.aud != issuer {
        return Err(format!("of {} for {}", seen.iss, seen.aud));
    }
    Ok(seen)
}

async fn jwks(server: &Server) -> Value {
    let answer = reqwest::get(format!("{}/.well-known/jwks.json", server.origin)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/jwk-set+json");
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

fn kid(installation: &Installation, state: &str) -> String {
    let keys = installation.json(&["key", "list", "--json"]);
    let keys = keys["keys"].as_array().unwrap();
    keys.iter().find(|key| key["state"] == state).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn issue(installation: &Installation, name: &str, expires_in: &str) -> String {
    installation.run(&["token", "create", "acme", "--name", name, "--expires-in", expires_in])
}

async fn status(server: &Server, token: &str) -> u16 {
    Scim::new(server.base_url("acme"), format!("Bearer {token}")).get(LIST).await.0
}

async fn others_verify_tokens_with_the_published_keys(installation: Installation) {
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let first = issue(&installation, "first", "10y");
    let listed = installation.json(&["key", "list", "--json"]);
    let issuer = listed["issuer"].as_str().unwrap().to_owned();
    assert_eq!(listed["audience"], listed["issuer"]);
    assert_eq!(listed["keys"][0]["live_tokens"], 1);
    assert!(listed["jwks_uri"].as_str().unwrap().ends_with("/.well-known/jwks.json"));
    assert!(installation.run(&["doctor"]).contains(&issuer), "doctor tells the issuer");

    let keys = jwks(&server).await;
    let seen = verify(&first, &keys, &issuer).unwrap();
    assert_eq!(seen.scope, "scim:read scim:write");
    assert_eq!(seen.sub.len(), 36);
    assert_eq!(seen.tenant.len(), 36);
    assert!(verify(&first, &keys, "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90").is_err(), "another issuer");

    // One character of the payload, and of the signature.
    let (payload, signature) = (first.find('.').unwrap() + 30, first.rfind('.').unwrap() + 20);
    for at in [payload, signature] {
        let other = if first.as_bytes()[at] == b'A' { "B" } else { "A" };
        let tampered = format!("{}{other}{}", &first[..at], &first[at + 1..]);
        assert!(verify(&tampered, &keys, &issuer).is_err(), "{at}");
        assert_eq!(status(&server, &tampered).await, 401);
    }
    let in_ten_years = time::OffsetDateTime::now_utc().unix_timestamp() + 3653 * 86_400;
    assert!(verify_at(&first, &keys, &issuer, in_ten_years).is_err_and(|error| error.contains("expired")));

    // Who fetched the keys before the rotation knows the key that signs after it.
    installation.run(&["key", "rotate"]);
    let second = issue(&installation, "second", "10y");
    let count = async || jwks(&server).await["keys"].as_array().unwrap().len();
    eventually(WITHIN, "a new next key", || async { count().await == 3 }).await;
    let after = jwks(&server).await;
    for token in [&first, &second] {
        for keys in [&keys, &after] {
            verify(token, keys, &issuer).unwrap();
        }
    }
    installation.run(&["key", "rotate"]);
    let third = issue(&installation, "third", "10y");
    assert!(
        verify(&third, &keys, &issuer).is_err_and(|error| error.contains("no key")),
        "fetch the keys again"
    );
    eventually(WITHIN, "the newest keys", || async { verify(&third, &jwks(&server).await, &issuer).is_ok() })
        .await;
    for token in [&first, &second, &third] {
        verify(token, &jwks(&server).await, &issuer).unwrap();
        assert_eq!(status(&server, token).await, 200);
    }
    // What checking by oneself cannot know.
    installation.run(&["token", "revoke", "acme", "third"]);
    eventually(WITHIN, "revoked", || async { status(&server, &third).await == 401 }).await;
    verify(&third, &jwks(&server).await, &issuer).unwrap();
}

async fn a_running_server_takes_a_rotation_up(installation: Installation) {
    let nodes = [installation.serve().await, installation.serve().await];
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let first = issue(&installation, "first", "10y");
    let (active, next) = (kid(&installation, "active"), kid(&installation, "next"));
    let said = installation.run(&["key", "rotate"]);
    assert!(said.starts_with(&format!("{next} signs now; {active} verifies until")), "{said}");
    assert_eq!(kid(&installation, "active"), next);
    assert_eq!(kid(&installation, "retired"), active);
    let second = issue(&installation, "second", "10y");
    for node in &nodes {
        eventually(WITHIN, "a token of the new key", || async { status(node, &second).await == 200 }).await;
        assert_eq!(status(node, &first).await, 200);
    }
    let table = installation.run(&["key", "list"]);
    for word in ["active", "next", "retired", &active, &next, "issuer and audience", "/.well-known/jwks.json"]
    {
        assert!(table.contains(word), "{word}: {table}");
    }
}

async fn the_master_key_is_changed_by_its_variable(mut installation: Installation) {
    const MASTER: &str = "ROLLCALL_MASTER_KEY";
    const FORMER: &str = "ROLLCALL_FORMER_MASTER_KEY";
    let (old, new) = (BASE64_STANDARD.encode([7_u8; 32]), BASE64_STANDARD.encode([8_u8; 32]));
    installation.set(MASTER, Some(&old));
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let token = issue(&installation, "Okta", "10y");

    installation.set(MASTER, Some(&new));
    let refused = installation.refuse(&["key", "rewrap"]);
    assert!(refused.contains(FORMER), "{refused}");
    installation.set(FORMER, Some(&old));
    // A node that starts before the change is carried out understands both.
    let doctor = installation.run(&["doctor"]);
    assert!(doctor.contains("run `rollcall key rewrap`"), "{doctor}");
    let said = installation.run(&["key", "rewrap"]);
    assert!(said.starts_with("1 data key wrapped by the present master key"), "{said}");
    let said = installation.run(&["key", "rewrap"]);
    assert!(said.starts_with("nothing to do"), "{said}");
    assert!(installation.run(&["doctor"]).contains("is needed no more"));
    installation.set(FORMER, None);
    assert!(installation.run(&["key", "rewrap"]).starts_with("nothing to do"));

    assert_eq!(status(&server, &token).await, 200, "the server has noticed nothing");
    server.terminate().await;
    let server = installation.serve().await;
    assert_eq!(status(&server, &token).await, 200, "the new key alone");
    installation.set(MASTER, Some(&old));
    let refused = installation.refuse(&["serve"]);
    assert!(refused.contains("key rewrap"), "{refused}");
}

fn data(installation: &Installation) -> PathBuf {
    installation.dir.path().join("data")
}

#[tokio::test]
async fn the_file_of_the_master_key_is_changed() {
    let installation = Installation::new(Database::Sqlite).await;
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let token = issue(&installation, "Okta", "10y");
    let key = data(&installation).join("master.key");
    let read = || std::fs::read_to_string(&key).unwrap();
    let first = read();
    let said = installation.run(&["key", "rewrap"]);
    assert!(
        said.contains("1 data key wrapped by a new master.key") && said.contains("master.key.former"),
        "{said}"
    );
    let second = read();
    assert_ne!(first, second);
    assert_eq!(std::fs::read_to_string(data(&installation).join("master.key.former")).unwrap(), first);
    assert_eq!(status(&server, &token).await, 200);
    server.terminate().await;
    let server = installation.serve().await;
    assert_eq!(status(&server, &token).await, 200, "the new key alone");

    // Broken off before the database was changed …
    std::fs::write(data(&installation).join("master.key.new"), BASE64_STANDARD.encode([9_u8; 32])).unwrap();
    issue(&installation, "meanwhile", "1y");
    assert_eq!(read(), second);
    installation.run(&["key", "rewrap"]);
    assert_eq!(read(), BASE64_STANDARD.encode([9_u8; 32]));
    // … and after it was, but before the files were.
    std::fs::rename(&key, data(&installation).join("master.key.new")).unwrap();
    std::fs::write(&key, &second).unwrap();
    server.terminate().await;
    let server = installation.serve().await;
    assert_eq!(status(&server, &token).await, 200, "the start tries both");
    installation.run(&["key", "rewrap"]);
    assert_eq!(read(), BASE64_STANDARD.encode([9_u8; 32]));
    assert!(!data(&installation).join("master.key.new").exists());
    let doctor = installation.run(&["doctor"]);
    assert!(doctor.contains("master key opens 1 data key;"), "{doctor}");
    assert_eq!(status(&server, &token).await, 200);
}

async fn a_lost_master_key_is_explained_and_replaced(mut installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let token = issue(&installation, "Okta", "10y");
    let password = installation.run(&["basic", "create", "acme", "--username", "okta@acme"]);
    let confirmed = ["key", "replace", "--lost-master-key", "--confirm", "end-all-tokens"];
    let refused = installation.refuse(&confirmed);
    assert!(refused.contains("nothing is lost"), "{refused}");

    if installation.is_sqlite() {
        std::fs::remove_file(data(&installation).join("master.key")).unwrap();
    } else {
        installation.set("ROLLCALL_MASTER_KEY", Some(&BASE64_STANDARD.encode([1_u8; 32])));
    }
    let refused = installation.refuse(&["serve"]);
    let doctor = installation.fault(&["doctor"]);
    let words = match installation.is_sqlite() {
        true => ["master.key is missing", "put its copy there", "every token that was ever issued ends"],
        false => {
            ["The master key is not the one", "restore the former", "every token that was ever issued ends"]
        }
    };
    for text in [&refused, &doctor] {
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("panic"), "{text}");
    }
    for unconfirmed in [&confirmed[..3], &["key", "replace", "--lost-master-key", "--confirm", "yes"]] {
        let refused = installation.refuse(unconfirmed);
        assert!(
            refused.contains("nothing was changed") && refused.contains("--confirm end-all-tokens"),
            "{refused}"
        );
    }
    installation.refuse(&["tenant", "list"]);
    if installation.is_sqlite() {
        assert!(
            !data(&installation).join("master.key").exists(),
            "another one would only hide what is wrong"
        );
    }
    assert_eq!(installation.json(&["audit", "--json"]), Value::Array(Vec::new()), "it needs no master key");
    let said = installation.run(&confirmed);
    assert!(said.starts_with("new keys were made; 1 token of 1 tenant ended"), "{said}");
    let told = installation.json(&["audit", "--json"]);
    assert_eq!((&told[0]["event"], &told[0]["actor"]["kind"]), (&"keys.replaced".into(), &"cli".into()));

    let server = installation.serve().await;
    assert_eq!(status(&server, &token).await, 401);
    let listed = installation.json(&["token", "list", "acme", "--json"]);
    assert_eq!(listed[0]["state"], "revoked", "{listed}");
    let fresh = issue(&installation, "Okta", "10y");
    assert_eq!(status(&server, &fresh).await, 200);
    let basic = Scim::new(server.base_url("acme"), crate::harness::basic_header("okta@acme", &password));
    assert_eq!(basic.get(LIST).await.0, 200, "passwords do not depend on it");
    assert!(installation.run(&["doctor"]).contains("master key opens 1 data key"));
}

#[tokio::test]
async fn an_operator_rotates_the_keys_in_a_browser() {
    let installation = Installation::new(Database::Sqlite).await;
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", "ada@example.com", "--generate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let token = issue(&installation, "Okta", "10y");
    let next = kid(&installation, "next");
    let browser = Browser::open(1200, 900).await;
    browser.sign_in(&server.origin, "ada@example.com", &password).await;
    browser.follow("Keys").await;
    browser.shows("h1", "Keys").await;
    browser.picture("keys").await;
    browser.follow("Rotate…").await;
    browser.shows("h1", "Rotate the keys?").await;
    browser.picture("keys-rotate").await;
    browser.press("Rotate the keys").await;
    browser.shows(".callout", "The next key signs now.").await;
    browser.shows("tbody tr", &next).await;
    browser.picture("keys-rotated").await;
    assert_eq!(kid(&installation, "active"), next);
    assert_eq!(status(&server, &token).await, 200);
    browser.close().await;
    let phone = Browser::open(390, 900).await;
    phone.sign_in(&server.origin, "ada@example.com", &password).await;
    phone.follow("Keys").await;
    phone.shows("h1", "Keys").await;
    phone.picture("keys-phone").await;
    phone.close().await;
}
