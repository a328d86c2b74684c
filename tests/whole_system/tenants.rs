//! The overview, a host name of a tenant's own, and the end of a tenant, in a real browser and by the command line.

use name_testing::NameServer;
use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, PATIENCE, Scim, eventually, on_both_databases},
};

on_both_databases!(
    the_overview_counts_what_arrives,
    a_host_name_is_proven_by_the_name_service,
    a_tenant_is_deleted_and_restored,
    the_command_line_does_the_same
);

const EMAIL: &str = "operator@rollcall.example";
const HOST: &str = "scim.acme.example";

async fn the_overview_counts_what_arrives(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.shows("main", "What to do first").await;
    browser.picture("installation-empty").await;

    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    for number in 0..12 {
        scim.create("/Users", json!({"userName": format!("u{number}@acme.example")})).await;
    }
    for _ in 0..8 {
        let taken = scim.send("POST", "/Users", Some(json!({"userName": "u1@acme.example"}))).await;
        assert_eq!(taken.0, 409);
    }
    let overview = format!("{}/console/", server.origin);
    let counted = async || {
        browser.goto(&overview).await;
        let text = browser.text("main").await;
        text.contains("8 of 20 requests in 24 hours failed (40 %)")
            && text.contains("409 uniqueness, POST /Users")
    };
    eventually(PATIENCE, "the journal is written", counted).await;
    let text = browser.text("main").await;
    assert!(text.contains("8 failed (40 %)"), "{text}");
    browser.picture("installation-failing").await;
    browser.click(".plot-numbers summary").await;
    browser.shows(".plot-numbers tbody tr:last-child", "20").await;
    browser.follow("The last 7 days").await;
    browser.shows("#plot-title", "7 days").await;

    browser.goto(&format!("{}/console/tenants/acme", server.origin)).await;
    browser.shows("main", "The last request failed").await;
    browser.picture("overview-failing").await;
    browser.close().await;
}

async fn a_host_name_is_proven_by_the_name_service(mut installation: Installation) {
    let names = NameServer::start().await;
    installation.set("ROLLCALL_DNS_SERVERS", Some(&names.address().to_string()));
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let (acme, other) = (installation.tenant("acme", "generic"), installation.tenant("other", "generic"));
    let base_url = server.origin.replace("127.0.0.1", HOST) + "/scim/v2";
    let at = |authorization: &str| Scim::new(base_url.clone(), authorization);
    assert_eq!(at(&other).get("/Users").await.0, 200, "a name like any other");

    let browser = Browser::open(390, 900).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/acme/settings", server.origin)).await;
    browser.follow("Host names").await;
    browser.fill("#host", "SCIM.acme.example").await;
    browser.press("Add host name").await;
    browser.shows("main", "Not proven").await;
    let text = browser.text("#text-0").await;
    assert_eq!(browser.text("#record-0").await, "_rollcall.scim.acme.example");
    browser.press("Check now").await;
    browser.shows("main", "There is no TXT record of that name yet").await;
    browser.picture("domains-phone").await;
    names.set("_rollcall.scim.acme.example", &["v=spf1 -all", &text]);
    let proven = async || {
        browser.press("Check").await;
        browser.shows("main", HOST).await;
        browser.text("main").await.contains("The host name is proven")
    };
    eventually(PATIENCE, "the proof is found", proven).await;
    assert_eq!(browser.text("#base-url-0").await, base_url);
    browser.close().await;

    assert_eq!(at(&other).get("/Users").await.0, 401, "another tenant's");
    let (status, made) = at(&acme).send("POST", "/Users", Some(json!({"userName": "u@acme.example"}))).await;
    assert_eq!(status, 201);
    assert!(made["meta"]["location"].as_str().unwrap().starts_with(&base_url), "{made}");
}

async fn a_tenant_is_deleted_and_restored(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    scim.create("/Users", json!({"userName": "u@acme.example"})).await;

    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/acme/settings", server.origin)).await;
    browser.click("a[href$='/delete']").await;
    browser.fill("#confirm", "acm").await;
    browser.press("Delete acme").await;
    browser.shows("#problems", "nothing was deleted").await;
    assert_eq!(scim.get("/Users").await.0, 200);
    browser.picture("delete-tenant").await;
    browser.fill("#confirm", "acme").await;
    browser.press("Delete acme").await;
    browser.shows("h1", "Deleted tenants").await;
    assert_eq!(scim.get("/Users").await.0, 401, "as one that never was");
    browser.picture("deleted-tenants").await;
    assert!(installation.refuse(&["tenant", "activate", "acme"]).contains("there is no tenant"));

    browser.press("Restore").await;
    browser.shows("[role=status]", "The tenant is restored").await;
    assert_eq!(scim.get("/Users").await.0, 403, "inactive");
    browser.press("Activate").await;
    browser.shows("main", "Active: the identity provider is served").await;
    assert_eq!(scim.get("/Users").await.1["totalResults"], 1);
    browser.close().await;
}

async fn the_command_line_does_the_same(mut installation: Installation) {
    let names = NameServer::start().await;
    installation.set("ROLLCALL_DNS_SERVERS", Some(&names.address().to_string()));
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let server = installation.serve().await;

    let record = installation.run(&["domain", "add", "acme", HOST]);
    let (name, text) = record.split_once(" TXT ").unwrap();
    assert_eq!(name, "_rollcall.scim.acme.example");
    assert!(
        installation.refuse(&["domain", "add", "acme", "https://x.example"]).contains("without https://")
    );
    assert!(installation.fault(&["domain", "check", "acme", HOST]).contains("unproven"));
    names.set(name, &[text]);
    // The name server answers in this thread.
    let proven = async || {
        let mut check = installation.command(&["domain", "check", "acme", HOST]);
        tokio::task::spawn_blocking(move || check.output()).await.unwrap().unwrap().status.success()
    };
    eventually(PATIENCE, "the proof is found", proven).await;
    let listed = installation.json(&["domain", "list", "acme", "--json"]);
    assert_eq!((&listed[0]["host"], &listed[0]["state"]), (&json!(HOST), &json!("proven")));
    let base_url = server.origin.replace("127.0.0.1", HOST) + "/scim/v2";
    let scim = Scim::new(&base_url, &authorization);
    let located = async || {
        let (_, config) = scim.get("/ServiceProviderConfig").await;
        config["meta"]["location"].as_str().unwrap().starts_with(&base_url)
    };
    eventually(PATIENCE, "every node knows it", located).await;
    assert_eq!(installation.run(&["domain", "remove", "acme", HOST]), "removed");
    assert!(installation.refuse(&["domain", "remove", "acme", HOST]).contains("none of the host names"));

    let deleted = installation.run(&["tenant", "delete", "acme"]);
    assert_eq!(deleted, "acme deleted; `rollcall tenant restore acme` brings it back within 30 days");
    let scim = Scim::new(server.base_url("acme"), &authorization);
    eventually(PATIENCE, "every node knows it", async || scim.get("/Users").await.0 == 401).await;
    assert_eq!(installation.json(&["tenant", "list", "--json"]), json!([]));
    assert_eq!(installation.json(&["tenant", "list", "--deleted", "--json"])[0]["slug"], "acme");
    assert!(installation.refuse(&["tenant", "create", "acme"]).contains("never reused"));
    assert_eq!(installation.run(&["tenant", "restore", "acme"]), "acme inactive");
    assert!(installation.refuse(&["tenant", "restore", "acme"]).contains("no deleted tenant"));
    eventually(PATIENCE, "every node knows it", async || scim.get("/Users").await.0 == 403).await;
}
