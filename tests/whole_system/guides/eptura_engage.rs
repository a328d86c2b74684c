//! Eptura Knowledge Center: About SCIM provisioning for Okta.

use serde_json::{Value, json};

use super::{
    every_feature_holds,
    okta::{Okta, members},
    prepared, step,
};
use crate::{
    browsing::Browser,
    harness::{Installation, on_both_databases},
};

on_both_databases!(
    eptura_engage_step_by_step,
    eptura_engage_tells_who_was_skipped_in_a_browser,
    eptura_engage_by_the_simulator,
);

fn person(name: &str) -> Value {
    json!({
        "userName": name, "name": {"givenName": "Ada", "familyName": "Okafor"}, "displayName": "Ada Okafor",
        "emails": [{"primary": true, "value": name, "type": "work"}],
    })
}

async fn eptura_engage_step_by_step(installation: Installation) {
    step("Prerequisites", "Long-lived SCIM token generated from SCIM Token Provider (up to 10 years)");
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "condeco", "--profile", "eptura-engage", "--activate"]);
    let token = installation.run(&["token", "create", "condeco", "--name", "Okta", "--expires-in", "10y"]);
    let too_long =
        installation.refuse(&["token", "create", "condeco", "--name", "Long", "--expires-in", "11y"]);
    assert!(too_long.contains("10"), "{too_long}");
    let listed = installation.json(&["token", "list", "condeco", "--json"]);
    let year = |time: &Value| time.as_str().unwrap()[..4].parse::<i32>().unwrap();
    assert_eq!(year(&listed[0]["expires"]) - year(&listed[0]["created"]), 10, "{listed}");

    step("Prerequisites", "Eptura Engage SCIM API URL e.g. https://<CONDECO-SCIM-Domain>/scim/api/V1/");
    let server = installation.serve().await;
    // The tenant's own path, and the product's shared host where the token says which tenant is meant.
    let own = format!("{}/t/condeco/scim/api/V1/", server.origin);
    let shared = format!("{}/scim/api/V1/", server.origin);
    for base_url in [&own, &shared] {
        let okta = Okta::configured(base_url, &format!("Bearer {token}"));
        assert_eq!(okta.test_api_credentials().await, 200, "{base_url}");
        assert_eq!(
            Okta::configured(base_url, "Bearer rcl_no").test_api_credentials().await,
            401,
            "{base_url}"
        );
    }
    let okta = Okta::configured(&own, &format!("Bearer {token}"));

    let users = create_users(&okta).await;
    delete_users(&okta).await;
    update_user_attributes(&okta, &users[0]).await;
    deactivate_users(&okta, &users[2]).await;
    push_group(&okta, &users).await;
}

async fn create_users(okta: &Okta) -> Vec<Value> {
    step("Supported actions: Create users", "Eptura Engage requires a unique username for each user");
    let mut users = Vec::new();
    for name in ["ada@condeco.example", "bo@condeco.example", "cy@condeco.example"] {
        users.push(okta.assign(person(name)).await);
    }
    step(
        "Supported actions: Create users",
        "If the username already exists …, the SCIM User creation is rejected",
    );
    for taken in ["ada@condeco.example", "ADA@Condeco.example"] {
        let (status, answer) = okta.post(person(taken)).await;
        assert_eq!((status, &answer["scimType"]), (409, &json!("uniqueness")), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("userName"), "{answer}");
    }
    assert_eq!(okta.read(&users[0]).await, users[0], "the one who was there is as before");
    users
}

async fn delete_users(okta: &Okta) {
    step("Supported actions: Delete users", "Delete users");
    let user = okta.assign(person("gone@condeco.example")).await;
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    assert_eq!(okta.scim.send("DELETE", &path, None).await, (204, Value::Null));
    assert_eq!(okta.scim.get(&path).await.0, 404);
    assert!(okta.find("gone@condeco.example").await.is_none());
    // The name is free for somebody else, who gets another id.
    let other = okta.assign(person("gone@condeco.example")).await;
    assert_ne!(other["id"], user["id"]);
}

async fn update_user_attributes(okta: &Okta, ada: &Value) {
    step(
        "Supported actions: Update user attributes",
        "Any update attributes applied to users in Okta are … updated",
    );
    let changed =
        json!({"name": {"familyName": "Nwosu"}, "displayName": "Ada Nwosu", "title": "Facilities Lead"});
    let updated = okta.update(ada, changed).await;
    assert_eq!(updated["name"], json!({"givenName": "Ada", "familyName": "Nwosu"}));
    assert_eq!(
        (&updated["displayName"], &updated["title"]),
        (&json!("Ada Nwosu"), &json!("Facilities Lead"))
    );
}

async fn deactivate_users(okta: &Okta, cy: &Value) {
    step("Supported actions: Deactivate Users", "Deactivating a user … through Okta, deactivates the user");
    assert_eq!(okta.unassign(cy).await["active"], false);
    assert_eq!(okta.find("cy@condeco.example").await.unwrap()["id"], cy["id"], "still there for Okta");
    assert_eq!(okta.assign_again(cy).await["active"], true);
}

async fn push_group(okta: &Okta, users: &[Value]) {
    step(
        "Supported actions: Push Group",
        "Push group automatically creates a corresponding group in Eptura Engage",
    );
    let [ada, bo, _] = users else { unreachable!("three were made") };
    let nobody = json!({"id": "00000000-0000-4000-8000-0000000000aa", "userName": "dee@condeco.example"});
    step(
        "Supported actions: Push Group",
        "Any group members (who exist in Eptura Engage) are automatically mapped",
    );
    let group = okta.push_group("Reception", &[ada, &nobody, bo]).await;
    assert_eq!(group["displayName"], "Reception");
    let mut expected = [ada["id"].as_str().unwrap(), bo["id"].as_str().unwrap()];
    expected.sort_unstable();
    assert_eq!(members(&group), expected, "who does not exist is skipped, the others arrive");

    // A member who arrives later joins at the next push; no second group appears.
    let dee = okta.assign(person("dee@condeco.example")).await;
    let again = okta.push_group("Reception", &[ada, &dee, bo]).await;
    assert_eq!(again["id"], group["id"]);
    let mut expected = [ada, bo, &dee].map(|user| user["id"].as_str().unwrap());
    expected.sort_unstable();
    assert_eq!(members(&again), expected);
    let groups = okta.read(&dee).await["groups"].clone();
    assert_eq!(groups[0]["display"], "Reception", "{groups}");
}

/// "Any group members (who exist in Eptura Engage)": who was left out is told on the group's page.
async fn eptura_engage_tells_who_was_skipped_in_a_browser(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "condeco", "--profile", "eptura-engage", "--activate"]);
    let token = installation.run(&["token", "create", "condeco", "--name", "Okta"]);
    let email = "operator@condeco.example";
    let password = installation.run(&["admin", "create", email, "--generate"]);
    let server = installation.serve().await;
    let base_url = format!("{}/t/condeco/scim/api/V1", server.origin);
    let okta = Okta::configured(&base_url, &format!("Bearer {token}"));
    let ada = okta.assign(person("ada@condeco.example")).await;
    let nobody = json!({"id": "00000000-0000-4000-8000-0000000000aa", "userName": "dee@condeco.example"});
    let group = okta.push_group("Reception", &[&ada, &nobody]).await;
    assert_eq!(members(&group).len(), 1);

    let browser = Browser::open(1440, 1000).await;
    browser.sign_in(&server.origin, email, &password).await;
    let page = format!("{}/console/tenants/condeco/groups/{}", server.origin, group["id"].as_str().unwrap());
    browser.goto(&page).await;
    browser.shows("main", "00000000-0000-4000-8000-0000000000aa").await;
    browser.picture("eptura-skipped").await;
    browser.close().await;
}

async fn eptura_engage_by_the_simulator(installation: Installation) {
    prepared(&installation, "engage", "eptura-engage");
    let token = installation.run(&["token", "create", "engage", "--name", "Okta", "--expires-in", "10y"]);
    let server = installation.serve().await;
    let base_url = format!("{}/t/engage/scim/api/V1", server.origin);
    every_feature_holds("eptura-engage", base_url, format!("Bearer {token}")).await;
}
