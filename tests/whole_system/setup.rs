//! The set-up page in a real browser: its checklist ticks while somebody looks, and a link opens it to a customer.

use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, PATIENCE, Scim, eventually, on_both_databases},
};

on_both_databases!(
    the_checklist_ticks_while_somebody_looks,
    a_link_opens_the_page_to_a_customer,
    a_link_that_has_expired_says_so
);

const EMAIL: &str = "operator@rollcall.example";
const HOME: &str = "/console/tenants/northwind";

/// Waits until a line of the checklist is ticked, with no other page loaded.
async fn ticks(browser: &Browser, step: &str) {
    let css = format!("#progress .tick-done[data-step='{step}']");
    browser.text(&css).await;
    let marked = browser.client.execute("return window.stillHere === true", Vec::new()).await.unwrap();
    assert_eq!(marked, json!(true), "the page was loaded anew at {step}");
}

async fn stay(browser: &Browser) {
    browser.client.execute("window.stillHere = true", Vec::new()).await.unwrap();
}

async fn the_checklist_ticks_while_somebody_looks(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let browser = Browser::open(1440, 1200).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/new", server.origin)).await;
    browser.fill("#name", "Northwind Hospital").await;
    browser.fill("#slug", "northwind").await;
    browser.click("input[name=profile][value=generic]").await;
    browser.press("Create tenant").await;
    browser.shows("h1", "Northwind Hospital").await;
    browser.goto(&format!("{}{HOME}/setup", server.origin)).await;
    browser.shows("#progress", "Nothing has happened yet.").await;
    browser.fill("#new-token #name", "Okta production").await;
    browser.press("Make token").await;
    let token = browser.text("#token-only").await;
    browser.shows("#progress", "The tenant is inactive").await;
    browser.press("Activate").await;
    browser.shows(".notice", "The tenant is active").await;
    browser.goto(&format!("{}{HOME}/setup", server.origin)).await;
    browser.shows("#progress", "nobody has called with it yet").await;
    stay(&browser).await;

    // A mistake is told as well as what goes right.
    let wrong = Scim::new(server.base_url("northwind"), format!("Bearer {}", &token[..token.len() - 9]));
    assert_eq!(wrong.get("/Users?startIndex=1&count=2").await.0, 401);
    browser.shows("#progress", "401").await;
    browser.picture("setup-refused").await;

    let scim = Scim::new(server.base_url("northwind"), format!("Bearer {token}"));
    assert_eq!(scim.get("/Users?startIndex=1&count=2").await.0, 200);
    ticks(&browser, "call").await;
    browser.shows("#progress", "No user has come yet.").await;
    browser.picture("setup-first-call").await;
    assert_eq!(scim.get("/Users?filter=userName%20eq%20%22ann%40x.example%22").await.0, 200);
    ticks(&browser, "lookup").await;
    let refused = scim.send("POST", "/Users", Some(json!({"displayName": "Ann"}))).await;
    assert_eq!(refused.0, 400);
    browser.shows("#progress", "Users are refused: 400").await;
    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann@x.example"});
    let ann = scim.create("/Users", user).await;
    ticks(&browser, "user").await;
    browser.shows("#progress", "assigning a group is not pushing it").await;
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Nurses"});
    let nurses = scim.create("/Groups", group).await;
    ticks(&browser, "group").await;
    let join = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": [{"value": ann}]}]});
    let joined = scim.send("PATCH", &format!("/Groups/{nurses}"), Some(join)).await;
    assert!(matches!(joined.0, 200 | 204), "{joined:?}");
    ticks(&browser, "membership").await;
    browser.shows("#progress", "7 of 7 done").await;
    browser.picture("setup-done").await;
    browser.close().await;
}

/// A link to northwind's page, as the operator copies it.
async fn link(browser: &Browser, origin: &str) -> String {
    browser.goto(&format!("{origin}{HOME}/setup")).await;
    browser.fill("#note", "Ines").await;
    browser.press("Make setup link").await;
    browser.text("#setup-link").await
}

async fn a_link_opens_the_page_to_a_customer(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    installation.run(&["tenant", "create", "northwind", "--profile", "eptura-engage", "--activate"]);
    let operator = Browser::open(1440, 1200).await;
    operator.sign_in(&server.origin, EMAIL, &password).await;
    let url = link(&operator, &server.origin).await;
    operator.picture("setup-link").await;

    let customer = Browser::open(390, 844).await;
    customer.goto(&url).await;
    customer.picture("setup-door").await;
    customer.press("Open the set-up page").await;
    customer.shows("h1", "Connect your identity provider to Eptura Engage").await;
    assert_eq!(customer.client.current_url().await.unwrap().as_str(), format!("{}/setup", server.origin));
    let base_url = customer.text("#base-url").await;
    assert_eq!(base_url, format!("{}/t/northwind/scim/api/V1", server.origin));
    customer.choose("#expires", "10 years").await;
    customer.press("Make the token").await;
    let token = customer.text("#token-only").await;
    customer.picture("setup-guest-token").await;
    // The same form, sent once more.
    let again = "const form = document.createElement('form'); form.method = 'post'; form.action = '/setup/token'; \
                 form.innerHTML = '<input name=expires value=1y>'; document.body.append(form); form.submit();";
    customer.client.execute("window.onbeforeunload = null", Vec::new()).await.unwrap();
    customer.follow("I have saved it").await;
    customer.shows("#make", "has made its token").await;
    customer.client.execute(again, Vec::new()).await.unwrap();
    customer.shows("[role=alert]", "has made its one credential already").await;

    customer.goto(&format!("{}/setup", server.origin)).await;
    stay(&customer).await;
    let scim = Scim::new(&base_url, format!("Bearer {token}"));
    assert_eq!(scim.get("/Users?startIndex=1&count=2").await.0, 200);
    ticks(&customer, "call").await;
    customer.picture("setup-guest").await;
    // Another page of the console is not theirs.
    customer.goto(&format!("{}{HOME}/users", server.origin)).await;
    customer.shows("h1", "Sign in").await;

    // The operator takes it back while the customer looks.
    customer.goto(&format!("{}/setup", server.origin)).await;
    customer.shows("#progress", "First call").await;
    operator.goto(&format!("{}{HOME}/setup", server.origin)).await;
    operator.shows("#setup-links", "Used").await;
    operator.click("#setup-links button.danger").await;
    operator.shows("#setup-links", "Revoked").await;
    customer.shows("#progress", "The setup link has ended.").await;
    customer.goto(&format!("{}/setup", server.origin)).await;
    customer.shows("h1", "This setup link opens nothing any more").await;
    assert_eq!(scim.get("/Users?startIndex=1&count=2").await.0, 200, "its token is another matter");
    customer.close().await;
    operator.close().await;
}

async fn a_link_that_has_expired_says_so(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    installation.run(&["tenant", "create", "northwind", "--activate"]);
    let browser = Browser::open(1440, 1200).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    let url = link(&browser, &server.origin).await;
    browser.follow("I have sent it").await;
    browser.goto(&url).await;
    browser.shows("h1", "Connect your identity provider").await;

    // A week passes for the link.
    let database = installation.database().await;
    let aged =
        "UPDATE setup_links SET created_at = created_at - 604800000, expires_at = expires_at - 604800000";
    database.execute_unprepared(aged).await.unwrap();
    // A form that was open all the time is as old as the link.
    browser.press("Open the set-up page").await;
    browser.shows("h1", "This setup link opens nothing any more").await;
    browser.shows("main", "ask whoever sent it to you for a new link").await;
    browser.picture("setup-expired").await;
    eventually(PATIENCE, "the link", || async {
        browser.goto(&url).await;
        browser.text("h1").await.contains("opens nothing")
    })
    .await;
    browser.goto(&format!("{}{HOME}/setup", server.origin)).await;
    browser.shows("#setup-links", "Expired").await;
    browser.close().await;
}
