//! Okta's "SCIM 2.0 SPEC Test", step by step.

use serde_json::{Value, json};

use crate::{
    client::{Reply, encode, id},
    world::World,
};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

on_both!(spec_test);

#[track_caller]
fn check_list(reply: &Reply) -> Value {
    let list = reply.expect(200);
    assert_eq!(list["schemas"], json!([LIST]), "{reply:?}");
    for number in ["totalResults", "startIndex", "itemsPerPage"] {
        assert!(list[number].is_u64(), "{number}: {reply:?}");
    }
    assert!(list["Resources"].is_array(), "{reply:?}");
    list
}

#[track_caller]
fn check_complete(user: &Value) {
    assert!(user["id"].as_str().is_some_and(|id| !id.is_empty()), "{user}");
    assert!(user["name"]["familyName"].is_string() && user["name"]["givenName"].is_string(), "{user}");
    assert!(user["userName"].is_string() && user["emails"][0]["value"].is_string(), "{user}");
    assert!(user["active"].is_boolean(), "{user}");
}

async fn spec_test(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("somebody@example.com").await;

    // 1, 2: a first user, then the same by id
    let list = check_list(&okta.get("/Users?count=1&startIndex=1").await);
    let first = &list["Resources"][0];
    check_complete(first);
    let again = okta.get(&format!("/Users/{}", id(first))).await.expect(200);
    check_complete(&again);
    assert_eq!(again["id"], first["id"]);

    // 3, 4, 5: nobody
    let list = check_list(&okta.filter("/Users", "userName eq \"abcdefgh@atko.com\"").await);
    assert_eq!(list["totalResults"], 0);
    okta.get("/Users/010101001010101011001010101011").await.expect_error(404, "");
    let name = "Runscope300Qwerty123@atko.com";
    let list = check_list(&okta.filter("/Users", &format!("userName eq \"{name}\"")).await);
    assert_eq!(list["totalResults"], 0);

    // 6, 7, 8: create, read, create again
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "name": {"givenName": "Runscope300", "familyName": "Qwerty123"},
        "emails": [{"primary": true, "value": name, "type": "work"}],
        "displayName": "Runscope300 Qwerty123", "active": true,
    });
    let created = okta.call_with("POST", "/Users", Some(&body), ("content-type", "application/json")).await;
    let created = created.expect(201);
    assert_eq!(created["active"], true);
    assert_eq!(created["userName"], name);
    assert_eq!(created["name"]["givenName"], "Runscope300");
    assert_eq!(created["name"]["familyName"], "Qwerty123");
    let schemas = created["schemas"].as_array().expect("schemas");
    assert!(schemas.contains(&json!("urn:ietf:params:scim:schemas:core:2.0:User")));
    let read = okta.get(&format!("/Users/{}", id(&created))).await.expect(200);
    assert_eq!(read, created);
    let again = okta.post("/Users", &body).await;
    assert!(again.expect_error(409, "uniqueness").contains("userName"), "{again:?}");

    // 9: case of the value
    for spelling in [name.to_uppercase(), name.to_lowercase()] {
        let list = check_list(&okta.filter("/Users", &format!("userName eq \"{spelling}\"")).await);
        assert_eq!(list["totalResults"], 1, "{spelling}");
        assert_eq!(list["Resources"][0]["id"], created["id"]);
    }

    // 10: groups
    check_list(&okta.get("/Groups").await);

    // 11: a wrong credential
    let stranger = okta.with_authorization(Some("non-token"));
    let path = format!("/Users?filter={}", encode("userName eq \"a@b.c\""));
    let refused = stranger.get(&path).await;
    refused.expect_error(401, "");
    assert_eq!(refused.json()["status"], "401");

    // 12: an unknown id
    let missing = okta.get("/Users/00919288221112222").await;
    missing.expect_error(404, "");
    assert_eq!(missing.json()["status"], "404");
}
