//! Demands of RFC 7644 that no other file of this folder shows; `docs/conformance.md` lists them all.

use serde_json::{Value, json};

use crate::{
    client::{encode, group, id, patch, user},
    world::{SHARED_HOST, World},
};

on_both!(
    messages_are_not_discovered,
    what_is_created_is_shown_whole,
    a_search_creates_nothing,
    greater_and_less_need_an_order,
    brackets_hold_sub_attributes_of_their_list,
    who_is_not_said_to_be_inactive_is_active,
    what_is_complex_takes_sub_attributes,
    schemas_follow_the_attributes,
    other_protocol_versions_are_refused,
);

/// §3.1: the schemas of messages are none of `/Schemas`.
async fn messages_are_not_discovered(world: World) {
    let okta = world.tenant("acme").await;
    let list = okta.get("/Schemas").await.expect(200);
    let ids: Vec<String> = list["Resources"].as_array().expect("Resources").iter().map(id).collect();
    assert!(ids.len() > 2, "{ids:?}");
    assert!(ids.iter().all(|id| !id.to_lowercase().starts_with("urn:ietf:params:scim:api:")), "{ids:?}");
    for message in ["ListResponse", "SearchRequest", "PatchOp", "BulkRequest", "BulkResponse", "Error"] {
        let path = format!("/Schemas/urn:ietf:params:scim:api:messages:2.0:{message}");
        okta.get(&path).await.expect_error(404, "");
    }
}

/// §3.3, §3.3.1: 201, the whole resource, one address in header and body, the type of the endpoint.
async fn what_is_created_is_shown_whole(world: World) {
    let okta = world.tenant("acme").await;
    for (endpoint, kind, mut body) in
        [("/Users", "User", user("new@example.com")), ("/Groups", "Group", group("New", &[]))]
    {
        body["meta"] = json!({"resourceType": "Device", "location": "https://elsewhere.example"});
        let created = okta.post(endpoint, &body).await;
        let shown = created.expect(201);
        assert_eq!(shown["meta"]["resourceType"], kind);
        assert_eq!(created.header("location"), shown["meta"]["location"]);
        let location = shown["meta"]["location"].as_str().expect("a location");
        assert!(location.ends_with(&format!("{endpoint}/{}", id(&shown))), "{location}");
        assert_eq!(okta.get(&format!("{endpoint}/{}", id(&shown))).await.expect(200), shown);
    }
}

/// §3.4.3: whatever is sent to `.search` is a query.
async fn a_search_creates_nothing(world: World) {
    let okta = world.tenant("acme").await;
    for (endpoint, body) in
        [("/Users", user("new@example.com")), ("/Groups", group("New", &[])), ("/Users", patch(json!([])))]
    {
        okta.post(&format!("{endpoint}/.search"), &body).await.expect_error(400, "invalidSyntax");
        assert_eq!(okta.get(endpoint).await.expect(200)["totalResults"], 0);
    }
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    for endpoint in ["/Users", "/Groups"] {
        assert_eq!(
            okta.post(&format!("{endpoint}/.search"), &search).await.expect(200)["Resources"],
            json!([])
        );
    }
}

/// §3.4.2.2, table 3: booleans and binary values have no order.
async fn greater_and_less_need_an_order(world: World) {
    let okta = world.tenant("acme").await;
    let mut body = user("a@example.com");
    body["x509Certificates"] = json!([{"value": "QUJD"}]);
    okta.post("/Users", &body).await.expect(201);
    for operator in ["gt", "ge", "lt", "le", "GT"] {
        for comparison in [
            format!("active {operator} true"),
            format!("emails.primary {operator} false"),
            format!("emails[primary {operator} true]"),
            format!("x509Certificates.value {operator} \"QUJD\""),
            format!("userName pr and not (x509Certificates[value {operator} \"QUJD\"])"),
        ] {
            let detail = okta.filter("/Users", &comparison).await.expect_error(400, "invalidFilter");
            assert!(!detail.contains("QUJD"), "{detail}");
            let search = json!({"filter": comparison});
            okta.post("/Users/.search", &search).await.expect_error(400, "invalidFilter");
        }
    }
    for comparison in ["active eq true", "x509Certificates.value eq \"QUJD\""] {
        assert_eq!(okta.filter("/Users", comparison).await.expect(200)["totalResults"], 1, "{comparison}");
    }
}

/// §3.4.2.2, table 5.
async fn brackets_hold_sub_attributes_of_their_list(world: World) {
    let okta = world.tenant("acme").await;
    let mut body = user("a@example.com");
    body["emails"] = json!([
        {"value": "w@example.com", "type": "work", "primary": true}, {"value": "h@example.com", "type": "home"},
    ]);
    okta.post("/Users", &body).await.expect(201);
    for wrong in [
        "emails[]",
        "emails[\"work\"]",
        "emails[type]",
        "emails[noSuchName eq \"work\"]",
        "emails[userName eq \"a@example.com\"]",
        "emails[emails.type eq \"work\"]",
        "emails[type eq \"work\" or]",
    ] {
        let filter = format!("userName pr and {wrong}");
        okta.filter("/Users", &filter).await.expect_error(400, "invalidFilter");
    }
    for (filter, found) in [
        ("emails[type eq \"work\" and value sw \"w\"]", 1),
        ("emails[type eq \"work\" and value sw \"h\"]", 0),
        ("emails[(type eq \"fax\" or type eq \"home\") and not (primary eq true)]", 1),
        ("emails[not (type eq \"work\") and primary eq true]", 0),
    ] {
        assert_eq!(okta.filter("/Users", filter).await.expect(200)["totalResults"], found, "{filter}");
    }
}

/// §3.4.2.2: nothing is made up on reading, and an account without `active` is found among the active ones.
async fn who_is_not_said_to_be_inactive_is_active(world: World) {
    let okta = world.tenant("acme").await;
    let found = async |filter: &str| okta.filter("/Users", filter).await.expect(200)["totalResults"].clone();
    let mut body = user("a@example.com");
    body.as_object_mut().expect("an object").remove("active");
    let created = okta.post("/Users", &body).await.expect(201);
    assert_eq!(created.get("active"), None);
    let path = format!("/Users/{}", id(&created));
    for (value, active) in [(None, 1), (Some(true), 1), (Some(false), 0)] {
        if let Some(value) = value {
            let body = patch(json!([{"op": "replace", "path": "active", "value": value}]));
            assert_eq!(okta.patch(&path, &body).await.expect(200)["active"], value);
        }
        assert_eq!(found("active eq true").await, active, "{value:?}");
        assert_eq!(found("active ne false").await, active, "{value:?}");
        assert_eq!(found("active eq false").await, 1 - active, "{value:?}");
        assert_eq!(found("not (active eq true)").await, 1 - active, "{value:?}");
    }
    // Any other attribute that is left out has no value.
    for filter in ["title pr", "title eq \"\"", "preferredLanguage pr", "name.middleName pr"] {
        assert_eq!(found(filter).await, 0, "{filter}");
    }
}

/// §3.5.2.1, §3.5.2.3: a complex attribute, or the whole resource, is changed by an object.
async fn what_is_complex_takes_sub_attributes(world: World) {
    let okta = world.tenant("acme").await;
    let path = format!("/Users/{}", id(&okta.create_user("a@example.com").await));
    for op in ["add", "replace"] {
        let before = okta.get(&path).await;
        for operation in [
            json!({"op": op, "path": "name", "value": "Ann Lee"}),
            json!({"op": op, "path": "name", "value": 7}),
            json!({"op": op, "path": "name", "value": [["Ann"]]}),
            json!({"op": op, "value": "Ann Lee"}),
            json!({"op": op, "value": true}),
            json!({"op": op, "path": "name"}),
            json!({"op": op}),
        ] {
            let reply = okta.patch(&path, &patch(json!([operation]))).await;
            reply.expect_error(400, "invalidValue");
            assert_eq!(okta.get(&path).await.json(), before.json(), "{operation}");
        }
        let body = patch(json!([{"op": op, "path": "name", "value": {"middleName": op}}]));
        let name = okta.patch(&path, &body).await.expect(200)["name"].clone();
        assert_eq!(name, json!({"familyName": "Family", "givenName": "Given", "middleName": op}));
    }
}

/// §3.5.2: `schemas` is what the attributes make of it, also between two operations.
async fn schemas_follow_the_attributes(world: World) {
    const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let okta = world.tenant("acme").await;
    let path = format!("/Users/{}", id(&okta.create_user("a@example.com").await));
    let patched = async |operations: Value| okta.patch(&path, &patch(operations)).await;
    let before = okta.get(&path).await;
    let named = json!([{"op": "add", "path": "schemas", "value": [ENTERPRISE]}]);
    assert_eq!(patched(named).await.expect(200), before.json(), "an extension without a value is not listed");
    patched(json!([{"op": "remove", "path": "schemas"}])).await.expect_error(400, "mutability");

    let department = format!("{ENTERPRISE}:department");
    let both = json!([
        {"op": "add", "path": "schemas", "value": [ENTERPRISE]},
        {"op": "add", "path": department, "value": "Surgery"},
        {"op": "replace", "path": format!("{USER}:title"), "value": "Dr"},
        {"op": "replace", "value": {(ENTERPRISE): {"division": "East"}}},
    ]);
    let changed = patched(both).await.expect(200);
    assert_eq!(changed["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(changed[ENTERPRISE], json!({"department": "Surgery", "division": "East"}));
    assert_eq!(changed["title"], "Dr");
    let gone = json!([
        {"op": "remove", "path": department},
        {"op": "remove", "path": format!("{ENTERPRISE}:division")},
    ]);
    assert_eq!(patched(gone).await.expect(200)["schemas"], json!([USER]));
}

/// §3.13: only version 2 has a place below `/scim`.
async fn other_protocol_versions_are_refused(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("a@example.com").await;
    for base in ["/t/acme/scim/v1", "/t/acme/scim/v3", "/t/acme/scim/v2.1", "/t/acme/scim/v20", "/scim/v1"] {
        let other = okta.at(SHARED_HOST, base);
        other.get("/Users").await.expect_error(404, "");
        other.post("/Users", &user("b@example.com")).await.expect_error(404, "");
        let filter = encode("userName pr");
        other.get(&format!("/Users?filter={filter}")).await.expect_error(404, "");
    }
    for base in ["/t/acme/scim/v2", "/t/acme/scim", "/scim/v2", "/scim"] {
        assert_eq!(okta.at(SHARED_HOST, base).get("/Users").await.expect(200)["totalResults"], 1, "{base}");
    }
}
