//! `/api/v1` of a running server: the vendor's application makes a customer by itself, and reads who may do what.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Installation, PATIENCE, Scim, Server, eventually, on_both_databases};

on_both_databases!(
    a_customer_is_made_by_a_program,
    platform_tokens_live_and_die,
    the_command_line_tells_what_is_wrong
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
const LIST: &str = "/Users?startIndex=1&count=2";

/// A program with a token.
pub(crate) fn program(server: &Server, token: &str) -> Program {
    let http = reqwest::Client::new();
    Program { http, base: format!("{}/api/v1", server.origin), token: token.to_owned() }
}

pub(crate) struct Program {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Program {
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }
}

async fn a_customer_is_made_by_a_program(installation: Installation) {
    let server = installation.serve().await;
    let token =
        installation.run(&["token", "create", "--platform", "--name", "Onboarding", "--expires-in", "90d"]);
    assert_eq!(token.lines().count(), 1, "the token alone");
    assert!(token.starts_with("rcl_"));
    let vendor = program(&server, &token);
    eventually(WITHIN, "a new platform token", || async { vendor.get("/tenants").await.0 == 200 }).await;

    let new = json!({"slug": "acme", "name": "Acme Hospital", "profile": "generic", "activate": true});
    let (status, tenant) = vendor.send("POST", "/tenants", Some(new)).await;
    assert_eq!(status, 201, "{tenant}");
    let base_url = tenant["baseUrl"].as_str().unwrap();
    assert_eq!(base_url, server.base_url("acme"));
    let (status, made) =
        vendor.send("POST", "/tenants/acme/credentials/tokens", Some(json!({"name": "Okta"}))).await;
    assert_eq!(status, 201, "{made}");

    // Its identity provider connects with what the program was given, at once.
    let okta = Scim::new(base_url, format!("Bearer {}", made["token"].as_str().unwrap()));
    let ann = okta.create("/Users", json!({"userName": "ann@example.com"})).await;
    let (status, found) = vendor.get("/tenants/acme/users?userName=ann@example.com").await;
    assert_eq!((status, &found["items"][0]["user"]["id"]), (200, &json!(ann)));
    let mut shown = installation.json(&["user", "show", "acme", "ann@example.com", "--json"]);
    shown["user"]["meta"]["location"] = json!(format!("{base_url}/Users/{ann}"));
    let mut told = vendor.get(&format!("/tenants/acme/users/{ann}")).await.1;
    assert!(told.as_object_mut().unwrap().remove("position").is_some_and(|position| position.is_i64()));
    assert_eq!(told, shown, "one and the same");
    // Neither opens the other's door.
    let swapped = Scim::new(base_url, format!("Bearer {token}"));
    assert_eq!(swapped.get(LIST).await.0, 401);
    let tenants = program(&server, made["token"].as_str().unwrap());
    assert_eq!(tenants.get("/tenants").await.0, 403);

    // Revoked by the program, refused at once by the node that revoked it.
    let id = made["credential"]["id"].as_str().unwrap();
    let path = format!("/tenants/acme/credentials/{id}");
    assert_eq!(vendor.send("DELETE", &path, None).await.0, 204);
    assert_eq!(okta.get(LIST).await.0, 401);
    assert_eq!(installation.json(&["token", "list", "acme", "--json"])[0]["state"], "revoked");
    assert_eq!(vendor.send("PATCH", "/tenants/acme", Some(json!({"status": "inactive"}))).await.0, 200);

    // Open to everybody, and the same as the file in the documentation.
    let document: Value =
        reqwest::get(format!("{}/api/v1/openapi.json", server.origin)).await.unwrap().json().await.unwrap();
    let kept: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    assert_eq!(document, kept);
}

async fn platform_tokens_live_and_die(installation: Installation) {
    let server = installation.serve().await;
    let create =
        ["token", "create", "--platform", "--name", "Billing", "--scope", "directory:read admin:read"];
    let first = installation.run(&create);
    let old = program(&server, &first);
    eventually(WITHIN, "a new platform token", || async { old.get("/tenants").await.0 == 200 }).await;
    assert_eq!(old.send("POST", "/tenants", Some(json!({"slug": "acme"}))).await.0, 403);

    let second = installation.run(&["token", "rotate", "--platform", "billing", "--grace", "1h"]);
    let new = program(&server, &second);
    eventually(WITHIN, "a new platform token", || async { new.get("/tenants").await.0 == 200 }).await;
    assert_eq!(old.get("/tenants").await.0, 200, "for another hour");
    let listed = installation.json(&["token", "list", "--platform", "--json"]);
    assert_eq!((&listed[0]["replaced"], &listed[1]["replaced"]), (&json!(false), &json!(true)));
    assert_eq!(listed[0]["scope"], "directory:read admin:read");
    assert!(!listed.to_string().contains(&second));
    assert!(installation.run(&["token", "list", "--platform"]).contains("live, rotated"));

    let hint = listed[1]["hint"].as_str().unwrap();
    installation.run(&["token", "revoke", "--platform", "Billing", "--hint", hint]);
    eventually(WITHIN, "a revoked token", || async { old.get("/tenants").await.0 == 401 }).await;
    assert_eq!(new.get("/tenants").await.0, 200);
    installation.run(&["token", "revoke", "--platform", "Billing"]);
    eventually(WITHIN, "a revoked token", || async { new.get("/tenants").await.0 == 401 }).await;

    // What comes from elsewhere is refused; here everything comes from this machine.
    let far = ["token", "create", "--platform", "--name", "Far", "--allow-from", "203.0.113.0/24"];
    let near = ["token", "create", "--platform", "--name", "Near", "--allow-from", "127.0.0.0/8,::1"];
    let (far, near) = (installation.run(&far), installation.run(&near));
    let (far, near) = (program(&server, &far), program(&server, &near));
    eventually(WITHIN, "a token for this machine", || async { near.get("/tenants").await.0 == 200 }).await;
    assert_eq!(far.get("/tenants").await.0, 401);
    let said = installation.run(&["token", "allow", "--platform", "far", "--report-only"]);
    assert!(said.ends_with("from 203.0.113.0/24, elsewhere only reported"), "{said}");
    eventually(WITHIN, "a list that only reports", || async { far.get("/tenants").await.0 == 200 }).await;
    installation.run(&["token", "allow", "--platform", "Near", "--from", "203.0.113.0/24"]);
    eventually(WITHIN, "a list that is enforced", || async { near.get("/tenants").await.0 == 401 }).await;

    // What happened to the installation is told, whichever door it came by.
    let (status, rotated) = far.send("POST", "/keys/rotate", Some(json!({}))).await;
    assert_eq!(status, 200, "{rotated}");
    installation.run(&["key", "rotate"]);
    let trail = installation.json(&["audit", "--json"]);
    let told: Vec<_> =
        trail.as_array().unwrap().iter().map(|one| (&one["event"], &one["actor"]["name"])).collect();
    assert_eq!(told[0], (&json!("signing-key.rotated"), &json!("command line")));
    assert_eq!(told[1], (&json!("signing-key.rotated"), &json!("Far")));
    assert_eq!(
        (told[2].0, &trail[2]["payload"]["state"]["name"]),
        (&json!("platform-token.updated"), &json!("Near"))
    );
    let of_key = ["audit", "--json", "--object", rotated["active"].as_str().unwrap()];
    assert_eq!(installation.json(&of_key), json!([trail[1]]));
    let table = installation.run(&["audit", "--limit", "3"]);
    assert!(table.contains("platform token Far") && !table.contains("platform-token.created"), "{table}");
    // An entry is served once it has its number.
    let entries = trail.as_array().unwrap().len();
    eventually(PATIENCE, "the trail", || async {
        far.get("/audit?limit=200").await.1["items"].as_array().unwrap().len() == entries
    })
    .await;
}

async fn the_command_line_tells_what_is_wrong(installation: Installation) {
    installation.run(&["migrate"]);
    for (arguments, word) in [
        (&["token", "create", "--platform", "--name", "x", "--scope", "scim:read"][..], "admin:*"),
        (&["token", "create", "--platform", "--name", "x", "--expires-in", "11y"], "10y"),
        (&["token", "create", "--name", "x"], "<SLUG>"),
        (&["token", "revoke", "--platform", "none"], "token list --platform"),
        (&["token", "revoke", "acme"], "--platform NAME"),
        (&["token", "rotate", "--platform", "none"], "token list --platform"),
        (&["token", "allow", "--platform", "none", "--from-anywhere"], "token list --platform"),
        (&["token", "allow", "acme", "--from-anywhere"], "--platform NAME"),
        (&["audit", "--limit", "0"], "--limit"),
        (&["token", "rotate", "--platform", "acme", "none"], "no tenant"),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}
