//! Envi: Okta SCIM Integration Guide. Its last chapter comes first here, since the others use its token.

use serde_json::{Value, json};

use super::{
    COPY_TOKEN, every_feature_holds,
    okta::{Okta, members},
    prepared, step,
};
use crate::{
    browsing::Browser,
    harness::{Installation, PATIENCE, Server, eventually, on_both_databases},
};

on_both_databases!(
    envi_step_by_step_in_a_browser,
    envi_refuses_groups_without_the_prefix_by_setting,
    envi_by_the_simulator,
);

const OPERATOR: &str = "operator@envi.example";
const HOME: &str = "/console/tenants/envi";

fn person(name: &str) -> Value {
    let address = format!("{}@hospital.example", name.to_lowercase());
    json!({
        "userName": address, "name": {"givenName": name, "familyName": "Lee"},
        "emails": [{"primary": true, "value": address, "type": "work"}],
    })
}

/// The names of a user's roles, and of the groups that gave them, in order.
fn roles(installation: &Installation, user: &Value) -> Vec<(String, String)> {
    let name = user["userName"].as_str().unwrap();
    let shown = installation.json(&["user", "show", "envi", name, "--json"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let grants = shown["roles"].as_array().unwrap().iter();
    let mut pairs: Vec<_> =
        grants.map(|grant| (text(&grant["role"]), text(&grant["via"]["display"]))).collect();
    pairs.sort();
    pairs
}

fn granted(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(role, via)| ((*role).to_owned(), (*via).to_owned())).collect()
}

async fn envi_step_by_step_in_a_browser(installation: Installation) {
    let run = |arguments: &[&str]| installation.run(arguments);
    run(&["migrate"]);
    run(&["tenant", "create", "envi", "--profile", "envi", "--name", "envi.com"]);
    run(&["value-set", "set", "envi", "organizations", "For Testing Purpose", "Northwind Supply"]);
    run(&["value-set", "set", "envi", "roles", "Manager", "Buyer"]);
    let password = run(&["admin", "create", OPERATOR, "--generate"]);
    let server = installation.serve().await;
    let browser = Browser::open(1440, 1000).await;

    let (base_url, token) = envi_configuration(&browser, &server, &password).await;
    let okta = okta_configuration(&base_url, &token).await;
    let users = user_provisioning(&okta).await;
    group_provisioning(&okta, &installation, &users).await;

    // What the console shows of it in the end.
    browser.goto(&format!("{}{HOME}/groups", server.origin)).await;
    browser.shows("main", "envi_managed").await;
    browser.picture("envi-groups").await;
    browser.close().await;
}

/// Chapter "Envi Configuration", steps 1 to 5: the base URL, and the token as it was copied.
async fn envi_configuration(browser: &Browser, server: &Server, password: &str) -> (String, String) {
    step("Envi Configuration 1", "Sign in to the Envi application");
    browser.sign_in(&server.origin, OPERATOR, password).await;

    step("Envi Configuration 2", "Go to My Profile > My Domain > Recourses tab");
    let home = format!("{}{HOME}", server.origin);
    browser.goto(&home).await;
    browser.shows("main", "Resources").await;

    step(
        "Envi Configuration 3",
        "Note: The link is only available for domains with the Simple domain type and …",
    );
    for (domain, authentication, offered) in [
        ("Not set", "Not set", false),
        ("Other", "HTTP Redirect", false),
        ("Simple", "Other", false),
        ("Simple", "WS Trust", true),
        ("Simple", "HTTP Redirect", true),
    ] {
        browser.goto(&format!("{home}/settings")).await;
        browser.choose("select[name$='domain-type']", domain).await;
        browser.choose("select[name$='authentication']", authentication).await;
        browser.press("Save").await;
        browser.shows("[role=status]", "saved").await;
        browser.goto(&home).await;
        assert_eq!(browser.has_link("SCIM Configuration").await, offered, "{domain}, {authentication}");
    }
    step("Envi Configuration 3", "On the Recourses tab, select the SCIM Configuration link");
    browser.picture("envi-resources").await;
    browser.follow("SCIM Configuration").await;

    step(
        "Envi Configuration 4",
        "By default, a new configuration will be Inactive and will contain no organizations",
    );
    browser.shows("main", "User Role Prefix").await;
    let page = browser.text("main").await;
    for word in ["Inactive", "none", "No", "Envi_"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    step("Envi Configuration 4 a", "Select Edit");
    browser.follow("Edit").await;
    step("Envi Configuration 4 b", "In the Status dropdown, select Active");
    browser.choose("#status", "Active").await;
    step("Envi Configuration 4 c", "In the Organization dropdown, select a needed organization");
    assert_eq!(browser.options("#organization").await[1..], ["For Testing Purpose", "Northwind Supply"]);
    browser.choose("#organization", "For Testing Purpose").await;
    browser.picture("envi-edit").await;
    step("Envi Configuration 4 d", "Select Update");
    browser.press("Update").await;
    browser.shows("main", "For Testing Purpose").await;
    assert_eq!(browser.text("#valid").await, "No");

    step("Envi Configuration 5", "Once you have updated SCIM configurations, select the Create Token, …");
    browser.press("Create Token").await;
    browser.shows("main", "Copy Token").await;
    assert_eq!(browser.text("#valid").await, "Yes");
    step("Envi Configuration 5", "… then Copy Token button");
    browser.picture("envi-token").await;
    let shown = browser.text("#token-bearer").await;
    browser.click(COPY_TOKEN).await;
    browser.shows("#live", "copied").await;
    let pasted = browser.pasted("#new-token #name").await;
    assert_eq!(pasted, shown, "as this product's app wants it: with Bearer");
    let base_url = browser.text("#base-url").await;

    // Later there is nothing to copy: the page offers a new token in place of the old one.
    browser.goto(&format!("{home}/setup")).await;
    assert!(!browser.client.source().await.unwrap().contains(&pasted["Bearer ".len()..]));
    assert!(browser.text("#tokens").await.contains("Rotate"));
    (base_url, pasted)
}

/// Chapter "Okta Configuration", steps 1 to 13.
async fn okta_configuration(base_url: &str, pasted: &str) -> Okta {
    step("Okta Configuration 1–7", "Sign in to the Okta site … select the Configure API Integration button");
    step(
        "Okta Configuration 8 a",
        "Select the Enable API integration checkbox to make additional boxes appear",
    );
    step("Okta Configuration 8 b", "enter the base URL of the Envi SCIM server + /scim");
    assert!(base_url.ends_with("/scim"), "{base_url}");
    step("Okta Configuration 8 c", "enter the SCIM token … in the following format: Bearer your token");
    let token = pasted.strip_prefix("Bearer ").unwrap();
    step("Okta Configuration 8 d", "Select Test API Credentials");
    // The app sends the field word for word: the guide's format, and what people paste by mistake.
    for field in [pasted, token, &format!("Bearer {pasted}"), &format!("bearer  {token} ")] {
        let status = Okta::configured(base_url, field).test_api_credentials().await;
        assert_eq!(status, 200, "{} words", field.split_whitespace().count());
    }
    for field in ["Bearer", "Bearer your token", "your token"] {
        assert_eq!(Okta::configured(base_url, field).test_api_credentials().await, 401, "{field}");
    }
    step(
        "Okta Configuration 9–11",
        "After a successful test connection, you will see the message … select To App",
    );
    step(
        "Okta Configuration 12",
        "Select Enable in the following checkboxes: Create Users, Update User Attributes, …",
    );
    let okta = Okta::configured(base_url, pasted);
    let first = okta.assign(person("First")).await;
    let updated = okta.update(&first, json!({"name": {"familyName": "Lee-Hart"}})).await;
    assert_eq!(updated["name"], json!({"givenName": "First", "familyName": "Lee-Hart"}));
    assert_eq!(okta.unassign(&first).await["active"], false);
    assert_eq!(okta.assign_again(&first).await["active"], true, "Accounts can be reactivated");
    let linked = okta.assign(person("First")).await;
    assert_eq!(linked["id"], first["id"], "Creates or links a user");

    step(
        "Okta Configuration 13",
        "remove all attributes, except for … userName, givenName, familyName, email, and emailType",
    );
    let mut more = person("More");
    more["emails"][0]["type"] = json!("");
    let beside =
        json!({"displayName": "More Lee", "title": "Buyer", "locale": "en-US", "department": "Supply"});
    more.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
    let kept = okta.assign(more).await;
    let mut keys: Vec<&str> = kept.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["active", "emails", "externalId", "groups", "id", "meta", "name", "schemas", "userName"]
    );
    assert!(kept["emails"][0].get("type").is_none(), "an empty type is none: {kept}");
    okta
}

/// Chapter "Provisioning", "User Provisioning": groups of people in Okta, and who is assigned through them.
async fn user_provisioning(okta: &Okta) -> Vec<Value> {
    step(
        "User Provisioning 1–3",
        "Go to Directory > Groups … select +Add Group. Enter the Name and Description",
    );
    step("User Provisioning 4–5", "Manage People. Add needed users from the Not Members and Members lists");
    step("User Provisioning 6", "select Assign and Assign to Groups");
    let mut users = Vec::new();
    for name in ["Ada", "Bo", "Cy"] {
        users.push(okta.assign(person(name)).await);
    }
    assert!(users.iter().all(|user| user["active"] == true));
    users
}

/// Chapter "Provisioning", "Group Provisioning".
async fn group_provisioning(okta: &Okta, installation: &Installation, users: &[Value]) {
    let [ada, bo, cy] = users else { panic!("three were made") };
    step("Group Provisioning 1", "select Push Groups and select Find groups by rule option");
    step("Group Provisioning 2", "In the Group name box, set starts with … enter Envi_");
    let managers = okta.push_group("Envi_Manager", &[ada, bo]).await;
    // The guide's own picture shows envi_managed with the prefix Envi_.
    okta.push_group("envi_managed", &[ada]).await;
    okta.push_group("ENVI_buyer", &[bo]).await;
    step(
        "Group Provisioning 2, note",
        "all names of groups that participate … should start with the Envi prefix (Envi_)",
    );
    let everyone = okta.push_group("Everyone", &[ada, bo, cy]).await;
    assert_eq!(members(&everyone).len(), 3, "kept as a group");
    assert_eq!(
        roles(installation, ada),
        granted(&[("Manager", "Envi_Manager"), ("managed", "envi_managed")])
    );
    assert_eq!(roles(installation, bo), granted(&[("Buyer", "ENVI_buyer"), ("Manager", "Envi_Manager")]));
    assert_eq!(roles(installation, cy), []);

    step("Group Provisioning 3", "To verify the list of groups pushed to Envi, select By rule");
    let (_, list) = okta.scim.get("/Groups?startIndex=1&count=100").await;
    let mut names: Vec<&str> = list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["displayName"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["ENVI_buyer", "Envi_Manager", "Everyone", "envi_managed"]);

    // Who leaves the group loses its role and no other.
    let id = managers["id"].as_str().unwrap();
    let leave = json!([{"op": "remove", "path": format!("members[value eq {}]", bo["id"])}]);
    okta.change_group(id, leave).await;
    assert_eq!(roles(installation, bo), granted(&[("Buyer", "ENVI_buyer")]));
    // Who is deactivated stays in the groups, and has the roles again on return.
    okta.unassign(ada).await;
    okta.assign_again(ada).await;
    assert_eq!(roles(installation, ada).len(), 2);
}

/// "all names of groups that participate in the provisioning should start with the Envi prefix": what happens to others
/// is a setting of the tenant's own copy of the profile.
async fn envi_refuses_groups_without_the_prefix_by_setting(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "envi", "--profile", "envi", "--activate"]);
    let kept = installation.run(&["profile", "show", "envi"]);
    let refusing = kept.replace("unmatched-group = \"keep\"", "unmatched-group = \"reject\"");
    assert_ne!(kept, refusing);
    let file = installation.dir.path().join("envi.toml");
    std::fs::write(&file, refusing).unwrap();
    installation.run(&["profile", "set", "envi", &file.display().to_string()]);
    let token = installation.run(&["token", "create", "envi", "--name", "Okta"]);
    let server = installation.serve().await;
    let okta = Okta::configured(&format!("{}/t/envi/scim", server.origin), &format!("Bearer {token}"));
    let ada = okta.assign(person("Ada")).await;
    okta.push_group("envi_testing", &[&ada]).await;
    let everyone = json!({"displayName": "Everyone", "members": []});
    let (status, answer) = okta.scim.send("POST", "/Groups", Some(everyone)).await;
    assert_eq!((status, &answer["scimType"]), (400, &json!("invalidValue")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("displayName"), "{answer}");
    assert_eq!(roles(&installation, &ada), granted(&[("testing", "envi_testing")]));
}

async fn envi_by_the_simulator(installation: Installation) {
    prepared(&installation, "envi", "envi");
    let token = installation.run(&["token", "create", "envi", "--name", "Okta"]);
    let server = installation.serve().await;
    every_feature_holds("envi", format!("{}/t/envi/scim", server.origin), format!("Bearer {token}")).await;
    // A tenant that is switched off is not served, whatever its page says.
    installation.run(&["tenant", "deactivate", "envi"]);
    let okta = Okta::configured(&format!("{}/t/envi/scim", server.origin), &format!("Bearer {token}"));
    eventually(PATIENCE, "Status: Inactive", || async { okta.test_api_credentials().await == 403 }).await;
}
