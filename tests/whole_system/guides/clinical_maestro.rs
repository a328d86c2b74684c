//! Clinical Maestro Okta Integration Configuration Guide.

use serde_json::{Value, json};

use super::{every_feature_holds, okta::Okta, prepared, step};
use crate::{
    browsing::Browser,
    harness::{Installation, Server, basic_header, on_both_databases},
};

on_both_databases!(clinical_maestro_step_by_step_in_a_browser, clinical_maestro_by_the_simulator);

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const SUPPORT: &str = "support@maestro.example";
const HOME: &str = "/console/tenants/northwind";

/// The eight attributes of the guide's table, as SCIM has them.
fn person(name: &str) -> Value {
    json!({
        "userName": format!("{name}@northwind.example"),
        "name": {"givenName": name, "familyName": "Reyes"},
        "emails": [{"primary": true, "value": format!("{name}@northwind.example"), "type": "work"}],
        "title": "Coordinator",
        "phoneNumbers": [{"primary": true, "value": "+1-415-555-0143", "type": "mobile"}],
        ENTERPRISE: {"department": "Cardiology"},
    })
}

async fn clinical_maestro_step_by_step_in_a_browser(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "northwind", "--profile", "clinical-maestro", "--activate"]);
    let sign_in = installation.run(&["admin", "create", SUPPORT, "--generate"]);
    let server = installation.serve_with(&["--tenant-domain", "maestro.example"]).await;
    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, SUPPORT, &sign_in).await;

    step(
        "Configuration Steps",
        "A support representative will provide you with a username and password specific to …",
    );
    browser.goto(&format!("{}{HOME}/setup", server.origin)).await;
    browser.fill("#username", "okta@northwind").await;
    browser.press("Make user name and password").await;
    browser.picture("maestro-login").await;
    let username = browser.text("#login-username").await;
    let password = browser.text("#login-password").await;
    assert_eq!(browser.copied("login-password", "#new-login #username").await, password);
    // Nobody makes tokens for this product.
    let refused = installation.refuse(&["token", "create", "northwind", "--name", "Okta"]);
    assert!(refused.contains("basic create"), "{refused}");

    step("1 a–d", "Go to the Applications menu in Okta … Click on the Add button");
    step("1 e", "Enter the subdomain of Clinical Maestro");
    let port = server.origin.rsplit(':').next().unwrap();
    let base_url = format!("http://northwind.maestro.example:{port}/scim/v2");
    assert_eq!(browser.text("#base-url-host").await, base_url);
    step("2–5", "Click on the Provisioning tab … Click on Enable API Integration");
    step("6", "Enter the base URL, username and password provided by Clinical Maestro Support");
    step("7", "Click Test API Credentials; if successful, a verification message appears");
    for wrong in [
        basic_header(&username, "not the password"),
        basic_header("somebody", &password),
        format!("Bearer {password}"),
    ] {
        assert_eq!(Okta::configured(&base_url, &wrong).test_api_credentials().await, 401);
    }
    let okta = Okta::configured(&base_url, &basic_header(&username, &password));
    assert_eq!(okta.test_api_credentials().await, 200);
    step("8", "Click Save");

    step("9–10", "Create a Group which will contain all the users … Assign the group to Clinical Maestro");
    let (_, types) = okta.scim.get("/ResourceTypes").await;
    assert_eq!(types["totalResults"], 1, "the group stays in Okta: {types}");
    let ann = contacts_come_and_go(&browser, &server, &okta).await;
    attributes_and_mapping(&okta, &ann).await;
    permanent_deletion(&browser, &server, &okta, &ann).await;
    browser.close().await;
}

/// Step 11, seen in the console's lists.
async fn contacts_come_and_go(browser: &Browser, server: &Server, okta: &Okta) -> Value {
    let list = |status: &str| format!("{}{HOME}/users?status={status}", server.origin);
    step("11 d", "Hover on a user and click the + … buttons to assign … user");
    let ann = okta.assign(person("ann")).await;
    let bo = okta.assign(person("bo")).await;
    step(
        "11",
        "the internal contact corresponding to the user should appear in the Internal Contacts in Maestro",
    );
    browser.goto(&list("active")).await;
    browser.shows("#views [aria-current]", "Internal contacts").await;
    let contacts = browser.text("#results").await;
    assert!(contacts.contains("ann@") && contacts.contains("bo@"), "{contacts}");
    browser.picture("maestro-contacts").await;

    step("11 d", "… or – buttons to … de-assign user from group");
    let gone = okta.unassign(&ann).await;
    step("11", "the corresponding contact should disappear from the Internal Contacts list, in Maestro");
    browser.goto(&list("active")).await;
    let contacts = browser.text("#results").await;
    assert!(!contacts.contains("ann@") && contacts.contains("bo@"), "{contacts}");

    step("Note", "their data will remain available as an 'inactive user'");
    browser.goto(&list("inactive")).await;
    browser.shows("#views [aria-current]", "Inactive users").await;
    assert!(browser.text("#results").await.contains("ann@"));
    for attribute in ["userName", "name", "emails", "title", "phoneNumbers", ENTERPRISE] {
        assert_eq!(gone[attribute], ann[attribute]);
    }
    step("11 d", "Hover on a user and click the + …");
    let back = okta.assign_again(&ann).await;
    assert_eq!((&back["active"], &back["id"]), (&json!(true), &ann["id"]));
    // Even DELETE, which Okta never sends, makes an inactive user and no more.
    let (status, _) = okta.scim.send("DELETE", &format!("/Users/{}", bo["id"].as_str().unwrap()), None).await;
    assert_eq!((status, &okta.read(&bo).await["active"]), (204, &json!(false)));
    back
}

async fn attributes_and_mapping(okta: &Okta, ann: &Value) {
    step("Attributes and Mapping", "The following Okta attributes are supported");
    let sent = person("ann");
    for attribute in ["userName", "name", "emails", "title", "phoneNumbers", ENTERPRISE] {
        assert_eq!(ann[attribute], sent[attribute], "as it was sent");
    }
    // By the table's own variable names.
    let named = json!({
        "userName": "ann@northwind.example", "givenName": "Anna", "familyName": "Reyes-Hart",
        "email": "anna@northwind.example", "title": "Lead", "department": "Radiology",
        "primaryPhone": "+1-415-555-0199", "primaryPhoneType": "work",
    });
    let named = okta.update(ann, named).await;
    assert_eq!(named["name"], json!({"givenName": "Anna", "familyName": "Reyes-Hart"}));
    assert_eq!(
        named["emails"],
        json!([{"value": "anna@northwind.example", "type": "work", "primary": true}])
    );
    assert_eq!(named["phoneNumbers"], json!([{"value": "+1-415-555-0199", "type": "work", "primary": true}]));
    assert_eq!((&named["title"], &named[ENTERPRISE]["department"]), (&json!("Lead"), &json!("Radiology")));

    // And no more than these: neither kept nor announced.
    let more =
        json!({"nickName": "Annie", "addresses": [{"locality": "Oslo"}], ENTERPRISE: {"costCenter": "7"}});
    let same = okta.update(ann, more).await;
    assert!(same.get("nickName").is_none() && same.get("addresses").is_none(), "{same}");
    assert_eq!(same[ENTERPRISE], json!({"department": "Radiology"}));
    let (_, schemas) = okta.scim.get("/Schemas").await;
    let mut offered = Vec::new();
    for schema in schemas["Resources"].as_array().unwrap() {
        offered
            .extend(schema["attributes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()));
    }
    offered.sort_unstable();
    assert_eq!(offered, ["active", "department", "emails", "name", "phoneNumbers", "title", "userName"]);
}

async fn permanent_deletion(browser: &Browser, server: &Server, okta: &Okta, ann: &Value) {
    step("Note", "To permanently delete user data, contact Clinical Maestro Support");
    okta.unassign(ann).await;
    let id = ann["id"].as_str().unwrap();
    let page = format!("{}{HOME}/users/{id}", server.origin);
    browser.goto(&page).await;
    browser.click("a[href$='/purge']").await;
    browser.fill("#user_name", "somebody@northwind.example").await;
    browser.press("Delete permanently").await;
    browser.shows("[role=alert]", "user name").await;
    assert_eq!(okta.read(ann).await["active"], false, "nothing happened yet");
    browser.fill("#user_name", "ann@northwind.example").await;
    browser.picture("maestro-delete").await;
    browser.press("Delete permanently").await;
    browser.shows("h1", "northwind").await;
    assert_eq!(okta.scim.get(&format!("/Users/{id}")).await.0, 404);
    assert!(okta.find("ann@northwind.example").await.is_none());
    let again = okta.assign(person("ann")).await;
    assert_ne!(again["id"], ann["id"], "nothing of the old user is left");
}

async fn clinical_maestro_by_the_simulator(installation: Installation) {
    prepared(&installation, "maestro", "clinical-maestro");
    let password = installation.run(&["basic", "create", "maestro", "--username", "okta@maestro"]);
    let server = installation.serve().await;
    every_feature_holds(
        "clinical-maestro",
        server.base_url("maestro"),
        basic_header("okta@maestro", &password),
    )
    .await;
}
