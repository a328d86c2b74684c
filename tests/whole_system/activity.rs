//! The page of requests in a real browser: they come while somebody looks, say why they failed, and hold no secret.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, Scim, on_both_databases},
};

on_both_databases!(requests_come_while_somebody_looks, requests_are_only_counted_where_none_are_kept);

const EMAIL: &str = "operator@rollcall.example";

fn user(name: &str) -> serde_json::Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "password": "hunter2-hunter2",
    })
}

async fn requests_come_while_somebody_looks(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    let activity = format!("{}/console/tenants/acme/activity", server.origin);
    browser.goto(&activity).await;
    browser.shows("main", "Nothing has been heard yet").await;
    browser.shows("[data-state-of=requests]", "Live").await;

    scim.create("/Users", user("ann@example.com")).await;
    browser.shows("#requests", "201 Created").await;
    assert!(!browser.text("#requests").await.contains("No request is kept"));
    browser.picture("activity-live").await;

    // Paused, nothing comes; afterwards what came meanwhile is there.
    browser.press("Pause").await;
    browser.shows("[data-state-of=requests]", "Paused").await;
    let (status, _) = scim.send("POST", "/Users", Some(user("ANN@example.com"))).await;
    assert_eq!(status, 409);
    // A page that is loaded now has it, so the paused one could have it.
    let other = Browser::open(390, 800).await;
    other.sign_in(&server.origin, EMAIL, &password).await;
    other.goto(&activity).await;
    other.shows("#requests", "409 Conflict").await;
    other.picture("activity-phone").await;
    other.close().await;
    assert!(!browser.text("#requests").await.contains("409"));
    browser.press("Pause").await;
    browser.shows("#requests", "Somebody else here has this user name already").await;

    browser.click("#requests tr:first-child a").await;
    browser.shows("main", "What to do:").await;
    browser.shows("main", "•••").await;
    assert!(!browser.client.source().await.unwrap().contains("hunter2"));
    browser.picture("request").await;

    // Today's rules, asked about what was sent.
    browser.follow("Try it against today’s rules…").await;
    browser.fill("#body", &json!({"userName": ""}).to_string()).await;
    browser.press("Check").await;
    browser.shows("main", "Would be refused (400)").await;
    browser.picture("check").await;
    let (_, list) = scim.get("/Users").await;
    assert_eq!(list["totalResults"], 1, "nothing was written");

    // Somebody who looks does not hold up a server that stops.
    browser.goto(&activity).await;
    browser.shows("[data-state-of=requests]", "Live").await;
    let (status, took) = server.terminate().await;
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
    browser.close().await;
}

async fn requests_are_only_counted_where_none_are_kept(installation: Installation) {
    let server = installation.serve_with(&["--request-log-days", "0"]).await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    scim.create("/Users", user("ann@example.com")).await;
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/acme/activity", server.origin)).await;
    browser.shows("main", "Requests are not kept.").await;
    browser.shows("#requests", "No request is kept").await;
    assert!(browser.client.find_all(Locator::Css("[data-live]")).await.unwrap().is_empty());
    browser.close().await;
}
