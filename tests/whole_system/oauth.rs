//! OAuth 2.0 client credentials the way Entra ID uses them: an access token for an hour or so, provisioning with it, and
//! another one before it ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    browsing::Browser,
    harness::{Installation, Scim, Server, basic_header, eventually, on_both_databases},
};

on_both_databases!(
    entra_gets_its_tokens_and_provisions,
    a_revoked_client_is_refused_by_another_node,
    a_client_lives_and_dies_on_the_command_line,
    a_client_is_made_in_a_browser
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
const LIST: &str = "/Users?startIndex=1&count=2";
pub(crate) const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// Id and secret as `oauth create` prints them.
pub(crate) fn read(printed: &str) -> (String, String) {
    let (id, secret) = printed.split_once('\n').unwrap();
    let after = |line: &str, name: &str| line.strip_prefix(name).unwrap().to_owned();
    (after(id, "client_id="), after(secret, "client_secret="))
}

/// POSTs a form to the server; gives status and JSON (`Null` when empty).
pub(crate) async fn post(
    server: &Server,
    path: &str,
    authorization: Option<String>,
    form: &[(&str, &str)],
) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = reqwest::Client::new()
        .post(format!("{}{path}", server.origin))
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

/// An access token of a client, by `client_secret_basic`.
async fn token(server: &Server, id: &str, secret: &str) -> String {
    let (status, answer) = post(server, "/oauth/token", Some(basic_header(id, secret)), &[GRANT]).await;
    assert_eq!(status, 200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn entra_gets_its_tokens_and_provisions(installation: Installation) {
    let server = installation.serve_with(&["--access-token-lifetime", "5min"]).await;
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let (id, secret) = read(&installation.run(&["oauth", "create", "acme", "--name", "Entra"]));
    eventually(WITHIN, "a new client", || async {
        post(&server, "/oauth/token", Some(basic_header(&id, &secret)), &[GRANT]).await.0 == 200
    })
    .await;
    let metadata = format!("{}/.well-known/oauth-authorization-server", server.origin);
    let metadata: Value = reqwest::get(&metadata).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["token_endpoint"], format!("{}/oauth/token", server.origin));

    let form = [GRANT, ("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let (status, answer) = post(&server, "/oauth/token", None, &form).await;
    assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &json!("Bearer"), &json!(300)));
    let by_post = answer["access_token"].as_str().unwrap().to_owned();
    let by_basic = token(&server, &id, &secret).await;
    assert_ne!(by_post, by_basic, "a renewed token is another one");
    for (seed, token) in [("1", &by_post), ("2", &by_basic)] {
        let (base_url, authorization) = (server.base_url("acme"), format!("Bearer {token}"));
        let arguments = ["simulate", "entra", "--base-url", &base_url, "--authorization", &authorization];
        let size = ["--users", "6", "--groups", "2", "--seed", seed, "--json"];
        let report = installation.json(&[&arguments[..], &size].concat());
        assert_eq!(report["failures"], json!([]));
    }
    // On the shared host the tenant is the token's.
    let shared = Scim::new(format!("{}/scim/v2", server.origin), format!("Bearer {by_basic}"));
    assert_eq!(shared.get(LIST).await.0, 200);
    let schemes = shared.get("/ServiceProviderConfig").await.1["authenticationSchemes"].clone();
    assert!(schemes.as_array().unwrap().iter().any(|scheme| scheme["type"] == "oauth2"), "{schemes}");

    // A token that is given back is refused, the other one is not.
    let form = [("token", by_post.as_str())];
    assert_eq!(post(&server, "/oauth/revoke", Some(basic_header(&id, &secret)), &form).await.0, 200);
    let given_back = Scim::new(server.base_url("acme"), format!("Bearer {by_post}"));
    assert_eq!(given_back.get(LIST).await.0, 401);
    assert_eq!(shared.get(LIST).await.0, 200);
    assert_eq!(post(&server, "/oauth/token", Some(basic_header(&id, "rcs_x")), &[GRANT]).await.0, 401);
}

async fn a_revoked_client_is_refused_by_another_node(installation: Installation) {
    let (one, other) = (installation.serve().await, installation.serve().await);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    let made: Vec<_> = ["Entra", "Entra next"]
        .map(|name| read(&installation.run(&["oauth", "create", "acme", "--name", name])))
        .into();
    let mut clients = Vec::new();
    for (id, secret) in &made {
        eventually(WITHIN, "a new client", || async {
            post(&one, "/oauth/token", Some(basic_header(id, secret)), &[GRANT]).await.0 == 200
        })
        .await;
        let authorization = format!("Bearer {}", token(&one, id, secret).await);
        let nodes = [&one, &other].map(|node| Scim::new(node.base_url("acme"), &authorization));
        for node in &nodes {
            eventually(WITHIN, "a token of another node", || async { node.get(LIST).await.0 == 200 }).await;
        }
        clients.push(nodes);
    }
    let [first, second] = &clients[..] else { panic!("two clients") };

    // A token that one node takes back is refused by the other.
    let (id, secret) = &made[0];
    let back = token(&one, id, secret).await;
    let there = Scim::new(other.base_url("acme"), format!("Bearer {back}"));
    assert_eq!(there.get(LIST).await.0, 200);
    let form = [("token", back.as_str())];
    assert_eq!(post(&one, "/oauth/revoke", Some(basic_header(id, secret)), &form).await.0, 200);
    eventually(WITHIN, "a revoked token", || async { there.get(LIST).await.0 == 401 }).await;

    // The old client goes without an outage: the new one is in use already.
    installation.run(&["oauth", "revoke", "acme", "Entra"]);
    for node in first {
        eventually(WITHIN, "a revoked client", || async { node.get(LIST).await.0 == 401 }).await;
    }
    assert_eq!(post(&other, "/oauth/token", Some(basic_header(id, secret)), &[GRANT]).await.0, 401);
    for node in second {
        assert_eq!(node.get(LIST).await.0, 200);
    }

    // An inactive tenant's clients are told so, and their tokens are refused everywhere.
    installation.run(&["tenant", "deactivate", "acme"]);
    for node in second {
        eventually(WITHIN, "a deactivated tenant", || async { node.get(LIST).await.0 == 403 }).await;
    }
    let (id, secret) = &made[1];
    let (status, answer) = post(&other, "/oauth/token", Some(basic_header(id, secret)), &[GRANT]).await;
    assert_eq!((status, &answer["error"]), (400, &json!("unauthorized_client")), "{answer}");
}

async fn a_client_lives_and_dies_on_the_command_line(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    installation.run(&["tenant", "create", "maestro", "--profile", "clinical-maestro", "--activate"]);
    let create =
        ["oauth", "create", "acme", "--name", "Entra", "--scope", "scim:read", "--expires-in", "10y"];
    let (id, secret) = read(&installation.run(&create));
    assert!(id.starts_with("rc_") && secret.starts_with("rcs_"));
    let listed = installation.json(&["oauth", "list", "acme", "--json"]);
    assert_eq!((&listed[0]["client_id"], &listed[0]["state"]), (&json!(id), &json!("live")));
    assert_eq!((&listed[0]["name"], &listed[0]["scope"]), (&json!("Entra"), &json!("scim:read")));
    assert!(!listed.to_string().contains(&secret) && !listed.to_string().contains("sha256"), "{listed}");
    assert!(installation.run(&["oauth", "list", "acme"]).contains(&id));
    let public = ["--public-url", "https://scim.example.com"];
    let made =
        installation.json(&[&["oauth", "create", "acme", "--name", "Next", "--json"][..], &public].concat());
    assert_eq!(made["token_endpoint"], "https://scim.example.com/oauth/token");
    assert_eq!(made["scope"], "scim:read scim:write");
    // Where it may come from, and no longer than is allowed.
    let allow = installation.run(&["oauth", "allow", "acme", "next", "--from", "203.0.113.0/24"]);
    assert!(allow.ends_with("from 203.0.113.0/24"), "{allow}");
    installation.run(&["tenant", "set", "acme", "--max-token-lifetime", "90d"]);
    let create =
        ["oauth", "create", "acme", "--name", "Short", "--allow-from", "10.0.0.0/8", "--report-only"];
    installation.run(&create);
    let listed = installation.json(&["oauth", "list", "acme", "--json"]);
    let limits = |row: &Value| {
        (row["allowed_from"].clone(), row["report_only"] == true, row["exceeds_policy"] == true)
    };
    assert_eq!(limits(&listed[0]), (json!(["10.0.0.0/8"]), true, false));
    assert_eq!(limits(&listed[1]), (json!(["203.0.113.0/24"]), false, true));
    let refused = installation.refuse(&["oauth", "create", "acme", "--name", "x", "--expires-in", "1y"]);
    assert!(refused.contains("90 days at most"), "{refused}");
    installation.run(&["oauth", "revoke", "acme", "Short"]);
    installation.run(&["tenant", "set", "acme", "--max-token-lifetime", "none"]);
    for kind in ["token", "basic"] {
        assert_eq!(installation.json(&[kind, "list", "acme", "--json"]), json!([]), "it is no {kind}");
    }
    for (arguments, word) in [
        (&["oauth", "create", "acme", "--name", "ENTRA"][..], "revoke it first"),
        (&["oauth", "create", "acme", "--name", "x", "--expires-in", "11y"], "10y"),
        (&["oauth", "create", "acme", "--name", "x", "--scope", "everything"], "everything"),
        (&["oauth", "create", "maestro", "--name", "x"], "rollcall basic create maestro"),
        (&["oauth", "create", "nobody", "--name", "x"], "tenant list"),
        (&["oauth", "revoke", "acme", "nonesuch"], "oauth list acme"),
        (&["token", "revoke", "acme", "Entra"], "token list acme"),
        (&["tenant", "list", "--access-token-lifetime", "25h"], "5min to 24h"),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
    assert_eq!(installation.run(&["oauth", "revoke", "acme", "entra"]), format!("Entra ({id}) revoked"));
    let next = made["client_id"].as_str().unwrap();
    assert_eq!(installation.run(&["oauth", "revoke", "acme", next]), format!("Next ({next}) revoked"));
    let listed = installation.json(&["oauth", "list", "acme", "--json"]);
    assert!(listed.as_array().unwrap().iter().all(|client| client["state"] == "revoked"), "{listed}");
}

async fn a_client_is_made_in_a_browser(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", "operator@rollcall.example", "--generate"]);
    installation.run(&["tenant", "create", "acme", "--activate"]);
    for (width, name) in [(1440, "wide"), (390, "phone")] {
        let browser = Browser::open(width, 1000).await;
        browser.sign_in(&server.origin, "operator@rollcall.example", &password).await;
        browser.goto(&format!("{}/console/tenants/acme/setup", server.origin)).await;
        browser.fill("#client-name", &format!("Entra {name}")).await;
        browser.click("#client-expires option[value='2y']").await;
        browser.picture(&format!("client-form-{name}")).await;
        browser.press("Make client").await;
        browser.shows("#issued-client", "is made").await;
        browser.picture(&format!("client-issued-{name}")).await;
        let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.client.execute(sideways, Vec::new()).await.unwrap(), json!(0), "at {width}");
        let id = browser.copied("client-id", "#client-name").await;
        let secret = browser.copied("client-secret", "#client-name").await;
        assert_eq!(
            browser.copied("client-token-url", "#client-name").await,
            format!("{}/oauth/token", server.origin)
        );
        let scim =
            Scim::new(server.base_url("acme"), format!("Bearer {}", token(&server, &id, &secret).await));
        assert_eq!(scim.get(LIST).await.0, 200);

        browser.goto(&format!("{}/console/tenants/acme/setup", server.origin)).await;
        assert!(!browser.client.source().await.unwrap().contains(&secret), "shown once");
        browser.shows("#clients", &id).await;
        browser.picture(&format!("clients-{name}")).await;
        browser.click("#clients a.danger").await;
        browser.picture(&format!("client-revoke-{name}")).await;
        browser.fill("dialog[open] input[name=slug]", "acme").await;
        browser.press(&format!("Revoke Entra {name}")).await;
        browser.shows("[role=status]", "The client is revoked").await;
        assert_eq!(scim.get(LIST).await.0, 401);
        browser.close().await;
    }
}
