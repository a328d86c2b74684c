//! Roles and entitlements that an identity provider discovers and assigns to users itself, as Okta Identity Governance
//! does.

use provisioning::ProfileSource;
use serde_json::{Value, json};

use crate::{
    client::{Client, encode, id, user},
    world::{BOTH_SCOPES, World, context},
};

on_both!(
    the_catalogues_are_discovered,
    pages_and_filters,
    they_are_read_and_nothing_else,
    roles_are_assigned_in_every_verb,
    what_is_not_in_the_catalogue_is_refused,
    the_lists_are_the_tenants_own,
    other_products_have_none
);

const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";
const ENTITLEMENT: &str = "urn:okta:scim:schemas:core:1.0:Entitlement";

const FILE: &str = r#"
name = "doors"
title = "Doors"
summary = "Doors and who opens them."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[resource-types]
roles = true
entitlements = true

[roles]
prefix = "Door_"
catalogue = "roles"
protected = ["Owner"]

[[roles.rule]]
group = "Door owners"
role = "Owner"

[entitlements]
catalogue = "licences"

[[value-set]]
name = "roles"
title = "Roles"
values = ["Guard", { value = "Porter/Night", label = "Night porter" }, "Owner", "Straße & Co"]

[[value-set]]
name = "licences"
title = "Licences"
values = [{ value = "lic-1", label = "Van" }, "lic-2"]
"#;

async fn doors(world: &World, slug: &str) -> Client {
    let (tenants, text) = (&world.state.tenants, ProfileSource::Text(FILE));
    tenants.create(slug, None, text, "lenient", true, &context()).await.expect("a tenant");
    world.client(slug, BOTH_SCOPES).await
}

fn ids(list: &Value) -> Vec<&str> {
    list["Resources"].as_array().expect("Resources").iter().filter_map(|one| one["id"].as_str()).collect()
}

async fn the_catalogues_are_discovered(world: World) {
    let okta = doors(&world, "doors").await;
    let types = okta.get("/ResourceTypes").await.expect(200);
    assert_eq!(ids(&types), ["User", "Group", "Role", "Entitlement"]);
    let base = "https://scim.example.com/t/doors/scim/v2";
    for (kind, schema) in [("Role", ROLE), ("Entitlement", ENTITLEMENT)] {
        let one = okta.get(&format!("/ResourceTypes/{kind}")).await.expect(200);
        let endpoint = one["endpoint"].as_str().expect("an endpoint").to_owned();
        assert_eq!((one["name"].as_str(), one["schema"].as_str()), (Some(kind), Some(schema)));
        assert_eq!(one["meta"]["location"], format!("{base}/ResourceTypes/{kind}"));
        let schemas = okta.get("/Schemas").await.expect(200);
        assert!(ids(&schemas).contains(&schema), "{schemas}");
        assert_eq!(okta.get(&format!("/Schemas/{schema}")).await.expect(200)["name"], kind);

        let list = okta.get(&format!("{endpoint}?count=100&startIndex=1")).await.expect(200);
        for resource in list["Resources"].as_array().expect("Resources") {
            assert_eq!(resource["schemas"], json!([schema]));
            assert_eq!(resource["type"], kind);
            assert_eq!(resource["meta"]["resourceType"], kind);
            let location = resource["meta"]["location"].as_str().expect("a location");
            let path = location.strip_prefix(base).expect("below the base URL");
            assert_eq!(okta.get(path).await.expect(200), *resource, "{location}");
        }
    }
    let roles = okta.get("/Roles").await.expect(200);
    assert_eq!(
        ids(&roles),
        ["Guard", "Porter/Night", "Straße & Co"],
        "a protected role is given by groups alone"
    );
    assert_eq!(roles["Resources"][1]["displayName"], "Night porter");
    assert_eq!(ids(&okta.get("/Entitlements").await.expect(200)), ["lic-1", "lic-2"]);
}

async fn pages_and_filters(world: World) {
    let okta = doors(&world, "doors").await;
    for (query, wanted, start) in [
        ("?count=1&startIndex=1", &["Guard"][..], 1),
        ("?count=1&startIndex=3", &["Straße & Co"], 3),
        ("?count=5&startIndex=4", &[], 4),
        ("?count=0", &[], 1),
        ("?startIndex=99999999999999999999", &[], i64::MAX),
        ("?sortBy=displayName&sortOrder=descending", &["Guard", "Porter/Night", "Straße & Co"], 1),
    ] {
        let list = okta.get(&format!("/Roles{query}")).await.expect(200);
        assert_eq!(ids(&list), wanted, "{query}");
        let numbers = [&list["totalResults"], &list["startIndex"]].map(Value::as_i64);
        assert_eq!(numbers, [Some(3), Some(start)], "{query}");
        assert_eq!(list["itemsPerPage"], wanted.len(), "{query}");
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    }
    let found = async |filter: &str| {
        let list = okta.filter("/Roles", filter).await.expect(200);
        assert_eq!(list["totalResults"], ids(&list).len());
        ids(&list).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("displayName eq \"NIGHT porter\"").await, ["Porter/Night"]);
    assert_eq!(found("id eq \"Guard\" or displayName co \"&\"").await, ["Guard", "Straße & Co"]);
    assert_eq!(found("type eq \"Entitlement\"").await, <[String; 0]>::default());
    for filter in ["userName eq \"x\"", "members pr", "displayName", "displayName eq x"] {
        let detail = okta.filter("/Roles", filter).await.expect_error(400, "invalidFilter");
        assert!(detail.contains("column"), "{detail}");
    }
    okta.get("/Roles?count=many").await.expect_error(400, "invalidValue");
    okta.get("/Entitlements?cursor").await.expect_error(400, "invalidCursor");
}

async fn they_are_read_and_nothing_else(world: World) {
    let okta = doors(&world, "doors").await;
    for path in ["/Roles", "/Roles/Guard", "/Entitlements", "/Entitlements/lic-1"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let reply = okta.call(method, path, Some(&json!({"displayName": "Cook"}))).await;
            reply.expect_error(405, "");
            assert_eq!(reply.header("allow"), "GET, HEAD", "{method} {path}");
        }
        assert_eq!(okta.call("HEAD", path, None).await.status, 200, "{path}");
    }
    for id in ["guard", "Owner", "Cook", "lic-1"] {
        okta.get(&format!("/Roles/{id}")).await.expect_error(404, "");
    }
    let writer = world.client("doors", "scim:write").await;
    writer.get("/Roles").await.expect_error(403, "");
}

async fn roles_are_assigned_in_every_verb(world: World) {
    let okta = doors(&world, "doors").await;
    let role = |value: &str, display: &str| json!({"value": value, "display": display, "type": "Role"});
    let (guard, porter) = (role("Guard", "Guard"), role("Porter/Night", "Night porter"));
    let mut body = user("ann@doors.example");
    body["roles"] = json!([guard]);
    body["entitlements"] = json!([{"value": "lic-1", "display": "Van", "type": "Entitlement"}]);
    let ann = okta.post("/Users", &body).await.expect(201);
    assert_eq!((&ann["roles"], &ann["entitlements"]), (&body["roles"], &body["entitlements"]));

    let path = format!("/Users/{}", id(&ann));
    let roles = async || okta.get(&path).await.expect(200)["roles"].clone();
    okta.operate(&path, json!([{"op": "add", "path": "roles", "value": [porter]}])).await.expect(200);
    assert_eq!(roles().await, json!([guard, porter]));
    okta.operate(&path, json!([{"op": "remove", "path": "roles[value eq \"Guard\"]"}])).await.expect(200);
    assert_eq!(roles().await, json!([porter]));
    okta.operate(&path, json!([{"op": "replace", "value": {"roles": [guard]}}])).await.expect(200);
    assert_eq!(roles().await, json!([guard]));
    body["roles"] = json!([porter, {"value": "straSSe & co"}]);
    okta.put(&path, &body).await.expect(200);
    assert_eq!(roles().await, json!([porter, {"value": "Straße & Co"}]), "in the spelling of the catalogue");
    let found = okta.filter("/Users", "roles.value eq \"porter/night\"").await.expect(200);
    assert_eq!(found["totalResults"], 1);
    body["roles"] = json!([]);
    okta.put(&path, &body).await.expect(200);
    assert_eq!(roles().await, Value::Null);
}

async fn what_is_not_in_the_catalogue_is_refused(world: World) {
    let okta = doors(&world, "doors").await;
    let ann = okta.create_user("ann@doors.example").await;
    let path = format!("/Users/{}", id(&ann));
    let mut body = user("bo@doors.example");
    body["roles"] = json!([{"value": "Guard"}, {"value": "Cook"}]);
    body["entitlements"] = json!([{"value": "lic-9"}]);
    let unknown =
        "roles[1].value: is not in the tenant's value set \"roles\"; send Guard, Porter/Night, Straße & Co.";
    for reply in [okta.post("/Users", &body).await, okta.put(&path, &body).await] {
        let detail = reply.expect_error(400, "invalidValue");
        assert!(detail.contains(unknown), "{detail}");
        let other =
            "entitlements[0].value: is not in the tenant's value set \"licences\"; send lic-1, lic-2.";
        assert!(detail.contains(other), "{detail}");
        assert!(!detail.contains("Cook") && !detail.contains("Owner"), "{detail}");
    }
    let add = |value: &str| json!([{"op": "add", "path": "roles", "value": [{"value": value}]}]);
    let detail = okta.operate(&path, add("Cook")).await.expect_error(400, "invalidValue");
    assert!(detail.contains("roles[0].value: "), "{detail}");
    // A protected role is taken by the group that a rule names, and in no other way.
    let detail = okta.operate(&path, add("OWNER")).await.expect_error(400, "invalidValue");
    assert!(detail.contains("roles[0].value: is a protected role"), "{detail}");
    assert_eq!(okta.get(&path).await.expect(200)["roles"], Value::Null);
    okta.create_group("Door owners", &[&id(&ann)]).await;
    let scope = world.scope(&okta).await;
    let granted = scope.roles_of_user(id(&ann).parse().expect("an id")).await.expect("roles");
    assert_eq!(granted.iter().map(|grant| grant.role.name.as_str()).collect::<Vec<_>>(), ["Owner"]);
}

async fn the_lists_are_the_tenants_own(world: World) {
    let (doors_a, doors_b) = (doors(&world, "doors-a").await, doors(&world, "doors-b").await);
    let tenant = world.state.tenants.by_slug("doors-a").await.expect("a look-up").expect("a tenant");
    let values = vec!["Cook".into(), "owner".into()];
    world.state.tenants.set_value_set(&tenant, "roles", values, &context()).await.expect("filled");
    assert_eq!(ids(&doors_a.get("/Roles").await.expect(200)), ["Cook"]);
    assert_eq!(ids(&doors_b.get("/Roles").await.expect(200)), ["Guard", "Porter/Night", "Straße & Co"]);
    doors_b.get("/Roles/Cook").await.expect_error(404, "");
    doors_a.get(&format!("/Roles/{}", encode("Guard"))).await.expect_error(404, "");
    let cook = |name: &str| json!({"userName": name, "roles": [{"value": "cook"}]});
    let ann = doors_a.post("/Users", &cook("ann")).await.expect(201);
    assert_eq!(ann["roles"], json!([{"value": "Cook"}]));
    doors_b.post("/Users", &cook("ann")).await.expect_error(400, "invalidValue");

    // What a list has lost stands in nobody's way who is turned off, and is told at the next other change.
    let values = vec!["Baker".into()];
    world.state.tenants.set_value_set(&tenant, "roles", values, &context()).await.expect("filled");
    let path = format!("/Users/{}", id(&ann));
    let set = |name: &str, value: Value| json!([{"op": "replace", "path": name, "value": value}]);
    doors_a.operate(&path, set("title", json!("x"))).await.expect_error(400, "invalidValue");
    doors_a.operate(&path, set("active", json!(false))).await.expect(200);
    let both = json!([
        {"op": "replace", "path": "roles", "value": [{"value": "baker"}]},
        {"op": "replace", "path": "active", "value": true},
    ]);
    assert_eq!(doors_a.operate(&path, both).await.expect(200)["roles"], json!([{"value": "Baker"}]));
}

async fn other_products_have_none(world: World) {
    for profile in ["generic", "envi", "epic-emp", "mdscripts", "eptura-engage"] {
        let okta = world.tenant_of(profile, profile).await;
        let types = okta.get("/ResourceTypes").await.expect(200);
        assert!(!types.to_string().contains("okta") && !ids(&types).contains(&"Role"), "{types}");
        okta.get("/ResourceTypes/Role").await.expect_error(404, "");
        assert!(!okta.get("/Schemas").await.expect(200).to_string().contains(ROLE), "{profile}");
        okta.get(&format!("/Schemas/{ENTITLEMENT}")).await.expect_error(404, "");
        for path in ["/Roles?count=1&startIndex=1", "/Entitlements", "/Roles/Guard", "/Entitlements/x"] {
            let detail = okta.get(path).await.expect_error(404, "");
            assert!(detail.contains("/ResourceTypes"), "{detail}");
        }
    }
    // There roles are an attribute like any other.
    let okta = world.client("generic", BOTH_SCOPES).await;
    let mut body = user("ann@example.com");
    body["roles"] = json!([{"value": "Whatever"}]);
    assert_eq!(okta.post("/Users", &body).await.expect(201)["roles"], body["roles"]);
}
