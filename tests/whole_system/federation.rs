//! A directory's own tokens against a running server, from an issuer on loopback that the operator has opened.

use std::time::Duration;

use issuer_testing::{Issuer, TestKey};
use serde_json::{Value, json};

use crate::harness::{Installation, Scim, eventually, on_both_databases};

on_both_databases!(
    users_are_provisioned_with_the_directorys_tokens,
    the_operator_decides_where_keys_come_from
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
const DIRECTORY: &str = "3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10";
const AUDIENCE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
const OPEN: [&str; 2] = ["--egress-allow", "127.0.0.0/8"];

fn claims(issuer: &str, directory: &str) -> Value {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    json!({ "aud": AUDIENCE, "iss": issuer, "tid": directory, "nbf": now, "exp": now + 3600 })
}

fn header(key: &TestKey, issuer: &str, directory: &str) -> String {
    format!("Bearer {}", key.token(&claims(issuer, directory)))
}

/// Status and sentence, without the request's id.
async fn answer(scim: &Scim) -> (u16, String) {
    let (status, body) = scim.get("/Users").await;
    let detail = body["detail"].as_str().unwrap();
    (status, detail.split(" (request id").next().unwrap().to_owned())
}

async fn users_are_provisioned_with_the_directorys_tokens(installation: Installation) {
    let server =
        installation.serve_with(&[&OPEN[..], &["--tenant-domain", "tenants.example"]].concat()).await;
    let key = TestKey::rsa("k1");
    let issuer = Issuer::start(&[&key]);
    let iss = issuer.of(DIRECTORY);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let other = installation.tenant("other", "generic");
    let at = |base_url: String| Scim::new(base_url, header(&key, &iss, DIRECTORY));
    let entra = at(server.base_url("acme"));
    let anybody = answer(&entra).await;
    assert_eq!(anybody.0, 401, "nobody trusts it yet");

    let set = ["federation", "set", "acme", "--directory", DIRECTORY, "--issuer", &iss];
    let from = ["--allow-from", "127.0.0.0/8"];
    let name = installation.run(&[&set[..], &from, &OPEN].concat());
    assert_eq!(name, format!("Entra ID (directory {DIRECTORY})"));
    eventually(WITHIN, "a trusted directory", || async { entra.get("/Users").await.0 == 200 }).await;
    let ann = entra.create("/Users", json!({"userName": "ann@example.com"})).await;
    assert_eq!(entra.get(&format!("/Users/{ann}")).await.1["userName"], "ann@example.com");

    // At every address that names the tenant, and at no other.
    let own = format!("{}/scim/v2", server.origin);
    let host = at(own.replace("127.0.0.1", "acme.tenants.example"));
    assert_eq!(host.get("/Users").await.0, 200);
    for (scim, place) in [
        (at(own), "the shared host"),
        (at(server.base_url("other")), "another tenant"),
        (at(server.base_url("nobody")), "no tenant"),
    ] {
        assert_eq!(answer(&scim).await, anybody, "{place}");
    }
    let stranger = Scim::new(server.base_url("acme"), header(&TestKey::rsa("k1"), &iss, DIRECTORY));
    assert_eq!(stranger.get("/Users").await.0, 401, "another key of the same name");

    // It is a credential like others.
    let shown = installation.json(&["federation", "show", "acme", "--json"]);
    assert_eq!((&shown["directory"], &shown["issuer"]), (&json!(DIRECTORY), &json!(iss)));
    assert_eq!((&shown["audience"], &shown["state"]), (&json!(AUDIENCE), &json!("live")));
    assert_eq!((&shown["allowed_from"], &shown["report_only"]), (&json!(["127.0.0.0/8"]), &json!(false)));
    let table = installation.run(&["federation", "show", "acme"]);
    assert!(table.contains(DIRECTORY) && table.contains("from 127.0.0.0/8"), "{table}");
    assert_eq!(installation.json(&["token", "list", "acme", "--json"])[0]["name"], name);
    let refused = installation.refuse(&["token", "rotate", "acme", &name]);
    assert!(refused.contains("identity provider's own tokens"), "{refused}");
    let set = ["federation", "set", "other", "--directory", DIRECTORY];
    let refused = installation.refuse(&set);
    assert!(refused.contains("another tenant") && !refused.contains("acme"), "{refused}");

    assert_eq!(installation.run(&["federation", "remove", "acme"]), "removed");
    eventually(WITHIN, "a directory that is no longer trusted", || async {
        entra.get("/Users").await.0 == 401
    })
    .await;
    assert_eq!(installation.json(&["federation", "show", "acme", "--json"]), json!(null));
    for command in ["show", "remove"] {
        assert!(
            installation.refuse(&["federation", command, "acme"]).contains("takes no tokens"),
            "{command}"
        );
    }
    let other = Scim::new(server.base_url("other"), other);
    assert_eq!(other.get("/Users").await.0, 200, "nobody else is touched");
}

/// Whoever may name an issuer must not reach what only the server can reach.
async fn the_operator_decides_where_keys_come_from(installation: Installation) {
    let key = TestKey::rsa("k1");
    let issuer = Issuer::start(&[&key]);
    let iss = issuer.of(DIRECTORY);
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let set = ["federation", "set", "acme", "--directory", DIRECTORY, "--issuer", &iss];
    assert!(installation.refuse(&set).contains("ROLLCALL_EGRESS_ALLOW"));
    // A command for which the network is open can set it; the server still does not go there.
    installation.run(&[&set[..], &OPEN].concat());
    assert_eq!(issuer.fetches(), 1);
    let server = installation.serve().await;
    let entra = Scim::new(server.base_url("acme"), header(&key, &iss, DIRECTORY));
    for _ in 0..3 {
        assert_eq!(entra.get("/Users").await.0, 401);
    }
    assert_eq!(issuer.fetches(), 1);
    for (arguments, word) in [
        (&["federation", "set", "acme", "--directory", "acme.onmicrosoft.com"][..], "Tenant ID"),
        (
            &["federation", "set", "acme", "--directory", DIRECTORY, "--issuer", "https://10.0.0.1/"],
            "10.0.0.1",
        ),
        (&["federation", "set", "acme", "--directory", DIRECTORY, "--expires-in", "11y"], "10y"),
        (&["federation", "set", "nobody", "--directory", DIRECTORY], "tenant list"),
        (&["federation", "show", "acme", "--egress-allow", "everywhere"], "CIDR"),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}
