//! The console in a real browser: from signing in to a token that works, and then does not.

use serde_json::json;

use crate::{
    browsing::Browser,
    harness::{Installation, Scim, basic_header, on_both_databases},
};

on_both_databases!(
    a_token_lives_and_dies,
    credentials_are_copied_and_rotated,
    people_see_who_has_which_role,
    a_person_deletes_an_inactive_user_for_good
);

const EMAIL: &str = "operator@rollcall.example";

async fn a_token_lives_and_dies(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let browser = Browser::open(1440, 1000).await;

    // A wrong password is refused, and says nothing about which of the two was wrong.
    browser.goto(&format!("{}/console/", server.origin)).await;
    browser.fill("#email", EMAIL).await;
    browser.fill("#password", "not the password").await;
    browser.press("Sign in").await;
    browser.shows("[role=alert]", "wrong").await;

    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.click("a[href='/console/tenants/new']").await;
    browser.fill("#name", "Northwind Hospital").await;
    browser.fill("#slug", "northwind").await;
    browser.click("input[name=profile][value=envi]").await;
    browser.press("Create tenant").await;
    browser.press("Activate").await;
    browser.shows("main", "Active: the identity provider is served").await;
    // Envi offers the page with the connection data to some domains only.
    browser.shows("main", "SCIM Configuration, where credentials are made, is not offered yet").await;
    browser.shows("main a.button.primary", "Set the account’s properties").await;
    browser.click(".links a[href$='/settings']").await;
    browser.click("#property-domain-type option[value='Simple']").await;
    browser.click("#property-authentication option[value='HTTP Redirect']").await;
    browser.press("Save").await;
    browser.shows("[role=status]", "saved").await;
    browser.click("main a[href='/console/tenants/northwind']").await;
    browser.click(".links a[href$='/setup']").await;
    browser.fill("#new-token #name", "Okta production").await;
    browser.click("#expires option[value='10y']").await;
    browser.press("Make token").await;

    let token = browser.text("#token-only").await;
    assert!(token.starts_with("rcl_"), "a token");
    assert_eq!(browser.text("#token-bearer").await, format!("Bearer {token}"));
    let base_url = browser.text("#base-url").await;
    assert_eq!(base_url, format!("{}/t/northwind/scim", server.origin));
    browser.picture("token").await;
    let scim = Scim::new(&base_url, format!("Bearer {token}"));
    let (status, list) = scim.get("/Users?startIndex=1&count=2").await;
    assert_eq!((status, &list["totalResults"]), (200, &json!(0)));

    // Shown once: the page does not have it any more.
    browser.goto(&format!("{}/console/tenants/northwind/setup", server.origin)).await;
    assert!(!browser.client.source().await.unwrap().contains(&token));
    assert!(browser.text("#tokens").await.contains("Okta production"));
    browser.picture("setup").await;

    // It is the only live token: the slug has to be typed.
    browser.click("#tokens a.danger").await;
    browser.fill("dialog[open] input[name=slug]", "northwind").await;
    browser.picture("revoke").await;
    browser.press("Revoke Okta production").await;
    browser.shows("#tokens", "Revoked").await;
    assert_eq!(scim.get("/Users?startIndex=1&count=2").await.0, 401, "refused by the next request");
    browser.close().await;
}

/// What the copy buttons put on the clipboard, pasted elsewhere, opens the tenant.
async fn credentials_are_copied_and_rotated(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    for (slug, profile) in [("maestro", "clinical-maestro"), ("envi", "envi")] {
        installation.run(&["tenant", "create", slug, "--profile", profile, "--activate"]);
    }
    installation.run(&["tenant", "set", "envi", "--property", "domain-type=Simple"]);
    installation.run(&["tenant", "set", "envi", "--property", "authentication=WS Trust"]);
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;

    let setup = format!("{}/console/tenants/maestro/setup", server.origin);
    browser.goto(&setup).await;
    browser.shows("#valid", "No").await;
    browser.fill("#username", "okta@maestro").await;
    browser.press("Make user name and password").await;
    browser.shows("#valid", "Yes").await;
    let password = browser.copied("login-password", "#username").await;
    assert_eq!(password, browser.text("#login-password").await);
    assert_eq!(browser.copied("login-username", "#username").await, "okta@maestro");
    browser.picture("login").await;
    let maestro = Scim::new(server.base_url("maestro"), basic_header("okta@maestro", &password));
    let test = "/Users?startIndex=1&count=2";
    assert_eq!(maestro.get(test).await.0, 200);
    browser.goto(&setup).await;
    assert!(!browser.client.source().await.unwrap().contains(&password));
    browser.click("#logins a.danger").await;
    browser.fill("dialog[open] input[name=slug]", "maestro").await;
    browser.press("Revoke okta@maestro").await;
    browser.shows("#valid", "No").await;
    assert_eq!(maestro.get(test).await.0, 401);

    browser.goto(&format!("{}/console/tenants/envi/setup", server.origin)).await;
    browser.fill("#new-token #name", "Okta production").await;
    browser.press("Make token").await;
    let first = browser.copied("token-bearer", "#new-token #name").await;
    assert!(first.starts_with("Bearer rcl_"), "what Okta's Header Auth app wants");
    let old = Scim::new(server.base_url("envi"), &first);
    assert_eq!(old.get(test).await.0, 200);
    browser.click("a[data-dialog^=rotate]").await;
    browser.click("dialog[open] option[value='1h']").await;
    browser.picture("rotate").await;
    browser.press("Rotate Okta production").await;
    browser.shows("#issued", "Okta production").await;
    let second = format!("Bearer {}", browser.copied("token-only", "#new-token #name").await);
    assert_ne!(second, first);
    browser.shows("#tokens", "Until ").await;
    browser.picture("rotated").await;
    let new = Scim::new(server.base_url("envi"), &second);
    assert_eq!((old.get(test).await.0, new.get(test).await.0), (200, 200));
    browser.close().await;
}

async fn people_see_who_has_which_role(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("envi"), installation.tenant("envi", "envi"));
    let simple = ["--property", "domain-type=Simple", "--property", "authentication=WS Trust"];
    installation.run(&[&["tenant", "set", "envi"][..], &simple].concat());
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@envi.example",
        "name": {"givenName": "Ada", "familyName": "<script>alert(1)</script>"},
        "emails": [{"value": "ada@envi.example", "type": "work", "primary": true}], "active": true,
    });
    let ada = scim.create("/Users", user).await;
    for name in ["Envi_Manager", "Everyone"] {
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
            "members": [{"value": ada}],
        });
        scim.create("/Groups", group).await;
    }

    // Phone width: nothing may stick out sideways.
    for (width, name) in [(1440, "wide"), (390, "phone")] {
        let browser = Browser::open(width, 900).await;
        browser.sign_in(&server.origin, EMAIL, &password).await;
        let pages = [
            ("installation", "/console/".to_owned(), "Requests in the last 24 hours"),
            ("tenants", "/console/tenants".to_owned(), "envi"),
            ("domains", "/console/tenants/envi/domains".to_owned(), "Add host name"),
            ("delete-tenant", "/console/tenants/envi/delete".to_owned(), "to confirm"),
            ("deleted-tenants", "/console/deleted-tenants".to_owned(), "None can be restored"),
            ("setup", "/console/tenants/envi/setup".to_owned(), "Test API Credentials"),
            ("users", "/console/tenants/envi/users".to_owned(), "Manager"),
            ("user", format!("/console/tenants/envi/users/{ada}"), "Envi_Manager"),
            ("groups", "/console/tenants/envi/groups".to_owned(), "Everyone"),
            ("overview", "/console/tenants/envi".to_owned(), "SCIM Configuration"),
            ("edit", "/console/tenants/envi/setup/edit".to_owned(), "User Role Prefix"),
            ("profile", "/console/tenants/envi/profile".to_owned(), "Try a user"),
            ("version", "/console/tenants/envi/profile/versions/1".to_owned(), "Envi_"),
            ("value-sets", "/console/tenants/envi/value-sets".to_owned(), "Roles of Envi"),
            ("value-set", "/console/tenants/envi/value-sets/roles".to_owned(), "CSV file"),
            ("roles", "/console/tenants/envi/roles?group=envi_buyer".to_owned(), "would give"),
            ("settings", "/console/tenants/envi/settings".to_owned(), "Domain type"),
        ];
        for (page, path, word) in pages {
            browser.goto(&format!("{}{path}", server.origin)).await;
            let text = browser.text("body").await;
            assert!(text.contains(word), "{page}: {text}");
            browser.picture(&format!("{page}-{name}")).await;
            let sideways =
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let sideways = browser.client.execute(sideways, Vec::new()).await.unwrap();
            assert_eq!(sideways, json!(0), "{page} at {width}");
        }
        browser.close().await;
    }
}

/// Clinical Maestro's guide: who is taken away stays as an inactive user; its data are deleted by support alone.
async fn a_person_deletes_an_inactive_user_for_good(installation: Installation) {
    let server = installation.serve().await;
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
    let scim = Scim::new(server.base_url("maestro"), installation.tenant("maestro", "clinical-maestro"));
    let mut ids = Vec::new();
    for (name, given) in [("ada@clinic.example", "Ada"), ("bo@clinic.example", "Bo")] {
        let user = json!({"userName": name, "givenName": given, "familyName": "Lee", "nickName": "x", "locale": "en"});
        ids.push(scim.create("/Users", user).await);
    }
    assert_eq!(scim.send("DELETE", &format!("/Users/{}", ids[0]), None).await.0, 204);

    let browser = Browser::open(390, 900).await;
    browser.sign_in(&server.origin, EMAIL, &password).await;
    browser.goto(&format!("{}/console/tenants/maestro/users", server.origin)).await;
    browser.shows("#views [aria-current]", "Internal contacts 1").await;
    browser.shows("#results", "bo@clinic.example").await;
    assert!(!browser.text("#results").await.contains("ada@"), "no internal contact any more");
    browser.fill("#q", "ada").await;
    browser.shows("#results", "No user fits").await;
    browser.picture("users-search-phone").await;
    browser.click("#results a[href*='inactive']").await;
    browser.shows("#views [aria-current]", "Inactive users").await;
    browser.click("#results tbody a").await;
    browser.shows("main", "was left out: Clinical Maestro has no such attribute").await;
    browser.picture("user-inactive-phone").await;
    browser.click("main a[href$='/purge']").await;
    browser.fill("#user_name", "ada").await;
    browser.press("Delete permanently").await;
    browser.shows("#problems", "That is not the user name").await;
    browser.picture("purge-phone").await;
    for page in ["users", &format!("users/{}", ids[0]), &format!("users/{}/purge", ids[0])] {
        browser.goto(&format!("{}/console/tenants/maestro/{page}", server.origin)).await;
        let sideways = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.client.execute(sideways, Vec::new()).await.unwrap(), json!(0), "{page}");
    }
    assert_eq!(scim.get(&format!("/Users/{}", ids[0])).await.0, 200, "still kept");
    browser.fill("#user_name", "ada@clinic.example").await;
    browser.press("Delete permanently").await;
    browser.shows(".notice[role=status]", "deleted for good").await;
    assert_eq!(scim.get(&format!("/Users/{}", ids[0])).await.0, 404);
    assert_eq!(scim.get(&format!("/Users/{}", ids[1])).await.0, 200);
    browser.close().await;
}
