//! People look for people in the console, in a real browser: search as you type, roles and what other rules would do, a
//! file with errors, deleting for good.

use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, Scim, on_both_databases},
};

on_both_databases!(
    people_are_found_while_somebody_types,
    a_file_with_errors_comes_in_step_by_step,
    other_role_rules_are_seen_before_they_are_saved,
    who_was_deleted_is_deleted_for_good_by_name
);

const EMAIL: &str = "operator@rollcall.example";

fn user(name: &str, given: &str, family: &str) -> serde_json::Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
        "name": {"givenName": given, "familyName": family},
        "emails": [{"value": name, "type": "work", "primary": true}],
    })
}

async fn fits(browser: &Browser, page: &str) {
    let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.client.execute(sideways, Vec::new()).await.unwrap(), json!(0), "{page}");
}

async fn people_are_found_while_somebody_types(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    for (name, given, family) in [
        ("ada@x.example", "Ada", "Lovelace"),
        ("bo@x.example", "Bo", "Okafor"),
        ("cy@x.example", "Cy", "Lee"),
    ] {
        scim.create("/Users", user(name, given, family)).await;
    }
    let users = format!("{}/console/tenants/acme/users", server.origin);
    for (width, name) in [(1440, "wide"), (390, "phone")] {
        let browser = Browser::open(width, 900).await;
        browser.sign_in(&server.origin, EMAIL, &password).await;
        browser.goto(&users).await;
        browser.shows("#count", "3 users").await;
        browser.fill("#q", "okaf").await;
        browser.shows("#count", "1 user").await;
        let found = browser.text("#results").await;
        assert!(found.contains("bo@x.example") && !found.contains("ada@"), "{found}");
        browser.picture(&format!("users-found-{name}")).await;
        // The address is a link to what is seen.
        let address = browser.client.current_url().await.unwrap();
        assert!(address.as_str().contains("q=okaf"), "{address}");
        browser.fill("#q", "love").await;
        browser.shows("#results", "ada@x.example").await;
        browser.fill("#q", "lace").await;
        browser.shows("#results", "No user fits").await;
        browser.click("#results a.primary").await;
        browser.shows("#results", "ada@x.example").await;
        browser.goto(&users).await;
        browser.click("details.filter summary").await;
        browser.fill("#filter", "userName is \"ada\"").await;
        browser.press("Filter").await;
        browser.shows("#filter-problem", "At character 10").await;
        browser.picture(&format!("users-filter-{name}")).await;
        fits(&browser, "users").await;
        browser.click("details.filter .chips a").await;
        browser.shows("#results", "cy@x.example").await;
        browser.close().await;
    }
}

async fn a_file_with_errors_comes_in_step_by_step(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let file = installation.dir.path().join("people.csv");
    std::fs::write(
        &file,
        "Login,First name,Shoe size\nada@x.example,Ada,38\n,Nobody,40\nbo@x.example,Bo,44\n",
    )
    .unwrap();
    let browser = Browser::open(390, 900).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/acme/import", server.origin)).await;
    browser.attach("#file", &file).await;
    browser.press("Upload").await;
    browser.shows("#columns", "What the columns hold").await;
    assert_eq!(browser.value("#column-0").await, "userName");
    assert_eq!(browser.value("#column-1").await, "name.givenName");
    assert_eq!(browser.value("#column-2").await, "");
    browser.picture("import-map-phone").await;
    fits(&browser, "columns").await;
    browser.press("Try").await;
    browser.shows("#outcome", "Nothing is written yet").await;
    let told = browser.text("#run").await;
    for word in ["Made", "2", "Login", "is required"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    browser.picture("import-tried-phone").await;
    fits(&browser, "trial").await;
    assert_eq!(scim.get("/Users").await.1["totalResults"], 0, "nothing is written");
    browser.press("Import").await;
    browser.shows("#outcome", "The import is done").await;
    assert_eq!(scim.get("/Users").await.1["totalResults"], 2);
    browser.picture("import-done-phone").await;
    browser.follow("Go to the users").await;
    browser.shows("#results", "ada@x.example").await;
    browser.close().await;
}

async fn other_role_rules_are_seen_before_they_are_saved(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("envi"), installation.tenant("envi", "envi"));
    let ada = scim.create("/Users", user("ada@envi.example", "Ada", "Lee")).await;
    for name in ["Envi_Manager", "Everyone"] {
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
            "members": [{"value": ada}],
        });
        scim.create("/Groups", group).await;
    }
    let browser = Browser::open(1440, 1200).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/envi/roles", server.origin)).await;
    browser.shows("main", "the name does not start with Envi_").await;
    browser.click("#edit summary").await;
    browser.fill("#wanted-0", "everyone").await;
    browser.fill("#role-0", "Reader").await;
    browser.press("Show what it would do").await;
    browser.shows("#preview", "1 person gains Reader").await;
    browser.picture("roles-preview-wide").await;
    let shown = installation.json(&["user", "show", "envi", "ada@envi.example", "--json"]);
    assert_eq!(shown["roles"].as_array().map(Vec::len), Some(1), "nothing is saved: {shown}");
    browser.press("Save these rules").await;
    browser.shows("[role=status]", "The rules are saved").await;
    browser.follow("Reader").await;
    browser.shows("main", "a rule names the group").await;
    browser.follow("ada@envi.example").await;
    browser.shows("main", "the name begins with Envi_").await;
    browser.picture("user-roles-wide").await;
    browser.close().await;
}

async fn who_was_deleted_is_deleted_for_good_by_name(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let ada = scim.create("/Users", user("ada@x.example", "Ada", "Lee")).await;
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/acme/users/{ada}", server.origin)).await;
    browser.press("Deactivate").await;
    browser.shows(".notice[role=status]", "The user is inactive").await;
    assert_eq!(scim.get(&format!("/Users/{ada}")).await.1["active"], false);
    browser.picture("user-inactive-wide").await;
    browser.click("main a[href$='/delete']").await;
    browser.press("Delete").await;
    browser.shows("#deleted", "Deleted").await;
    assert_eq!(scim.get(&format!("/Users/{ada}")).await.0, 404);
    browser.click("main a[href$='/purge']").await;
    browser.fill("#user_name", "ADA").await;
    browser.press("Delete permanently").await;
    browser.shows("#problems", "That is not the user name").await;
    browser.fill("#user_name", "ada@x.example").await;
    browser.press("Delete permanently").await;
    browser.shows(".notice[role=status]", "deleted for good").await;
    browser.goto(&format!("{}/console/tenants/acme/users/{ada}", server.origin)).await;
    browser.shows("h1", "Not found").await;
    browser.close().await;
}
