//! The audit trail in a real browser and on the command line: what was done is found, proven, and what somebody does to the
//! database is named.

use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, PATIENCE, Scim, eventually, on_both_databases},
};

on_both_databases!(what_was_done_is_found_and_proven, trails_are_verified_on_the_command_line);

const EMAIL: &str = "operator@rollcall.example";

async fn what_was_done_is_found_and_proven(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let user = json!({"userName": "ann@acme.example", "title": "Nurse", "active": true});
    let ann = scim.create("/Users", user).await;
    let change = json!({"Operations": [{"op": "replace", "path": "title", "value": "Head nurse"}]});
    assert_eq!(scim.send("PATCH", &format!("/Users/{ann}"), Some(change)).await.0, 200);

    let audit = format!("{}/console/tenants/acme/audit", server.origin);
    let browser = Browser::open(1440, 1100).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    // The server numbers what was committed by itself.
    eventually(PATIENCE, "the change has its number", || async {
        browser.goto(&audit).await;
        browser.text("#results").await.contains("User updated")
    })
    .await;
    browser.shows("#results", "token Okta").await;
    browser.fill("#q", "ANN@").await;
    eventually(PATIENCE, "only what is asked for", || async {
        !browser.text("#results").await.contains("Credential made")
    })
    .await;
    browser.click("#results tbody th a").await;
    browser.shows("h1", "User updated").await;
    browser.shows(".before-after", "Head nurse").await;
    browser.picture("audit-entry").await;

    // The result comes to the page that asked for it.
    browser.goto(&audit).await;
    browser.press("Verify").await;
    browser.shows("#chain", "nothing was changed, removed, moved or inserted").await;
    browser.picture("audit-whole").await;

    let database = installation.database().await;
    if installation.is_sqlite() {
        database.execute_unprepared("DROP TRIGGER audit_append_only").await.unwrap();
    }
    let forge = "UPDATE audit SET actor_name = 'nobody' WHERE event = 'user.updated'";
    assert_eq!(database.execute_unprepared(forge).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();
    browser.press("Verify").await;
    browser.shows("#chain", "is not what was written").await;
    browser.picture("audit-fault").await;
    browser.click("#chain .callout a").await;
    browser.shows("[role=alert]", "Do not rely on what stands here").await;
    browser.shows("h1", "User updated").await;
    browser.close().await;

    let phone = Browser::open(390, 900).await;
    phone.sign_in(&server.origin, EMAIL, &password).await;
    let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    for (name, path) in [("audit", ""), ("audit-entry", "/2"), ("audit-none", "?q=nobody-of-that-name")] {
        phone.goto(&format!("{audit}{path}")).await;
        phone.picture(&format!("{name}-phone")).await;
        assert_eq!(phone.client.execute(sideways, Vec::new()).await.unwrap(), json!(0), "{name}");
    }
    phone.goto(&format!("{}/console/audit", server.origin)).await;
    phone.shows("#results", "Person entered").await;
    assert_eq!(phone.client.execute(sideways, Vec::new()).await.unwrap(), json!(0), "the installation's");
    phone.close().await;
}

async fn trails_are_verified_on_the_command_line(installation: Installation) {
    installation.run(&["migrate"]);
    installation.tenant("acme", "generic");
    installation.tenant("beta", "generic");
    let waiting = installation.run(&["audit", "verify", "--tenant", "acme"]);
    assert!(waiting.contains("wait for their number"), "{waiting}");
    let server = installation.serve().await;
    eventually(PATIENCE, "everything has its number", || async {
        !installation.run(&["audit", "verify", "--all"]).contains("wait for their number")
    })
    .await;
    let whole = installation.run(&["audit", "verify", "--tenant", "acme"]);
    assert!(whole.starts_with("acme: whole, 2 entries"), "{whole}");
    let end = whole.lines().find_map(|line| line.strip_prefix("  end ")).unwrap().to_owned();
    installation.run(&["audit", "verify", "--tenant", "acme", "--expect", &end]);
    let other = format!("2:{}", "0".repeat(64));
    let rewritten = installation.fault(&["audit", "verify", "--tenant", "acme", "--expect", &other]);
    assert!(rewritten.contains("Entry 2 had another hash"), "{rewritten}");
    assert!(
        installation
            .refuse(&["audit", "verify", "--tenant", "acme", "--expect", "3"])
            .contains("NUMBER:HASH")
    );
    assert!(installation.refuse(&["audit", "verify", "--tenant", "none"]).contains("no tenant"));
    let shown = installation.run(&["audit", "--tenant", "acme"]);
    assert!(shown.contains("tenant.created") && shown.contains("credential.created"), "{shown}");
    drop(server);

    let database = installation.database().await;
    if installation.is_sqlite() {
        database.execute_unprepared("DROP TRIGGER audit_keeps").await.unwrap();
    }
    let slug = "(SELECT id FROM tenants WHERE slug = 'acme')";
    let remove = format!("DELETE FROM audit WHERE seq = 2 AND tenant_id = {slug}");
    assert_eq!(database.execute_unprepared(&remove).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();
    let fault = installation.fault(&["audit", "verify", "--tenant", "acme"]);
    assert!(fault.starts_with("acme: not whole. Entry 2 is missing"), "{fault}");
    let all = installation.fault(&["audit", "verify", "--all"]);
    assert!(
        all.contains("installation: whole") && all.contains("beta: whole") && all.contains("1 not whole"),
        "{all}"
    );
    let told: serde_json::Value =
        serde_json::from_str(&installation.fault(&["audit", "verify", "--all", "--json"])).unwrap();
    let acme = told.as_array().unwrap().iter().find(|one| one["trail"] == "acme").unwrap();
    assert_eq!((&acme["verified"], &acme["fault"]["number"]), (&json!(1), &json!(2)));

    // The trail of a tenant stays when the tenant goes, and so does the check of it.
    installation.run(&["tenant", "delete", "acme"]);
    let all = installation.fault(&["audit", "verify", "--all"]);
    assert!(all.contains("acme: not whole. Entry 2 is missing") && all.contains("beta: whole"), "{all}");
    assert!(installation.fault(&["audit", "verify", "--tenant", "acme"]).starts_with("acme: not whole"));
    assert!(installation.run(&["audit", "--tenant", "acme"]).contains("tenant.deleted"));
}
