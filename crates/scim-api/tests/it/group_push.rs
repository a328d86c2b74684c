//! Groups as Okta pushes them.

use serde_json::{Value, json};

use crate::{
    client::{Client, id, patch},
    world::World,
};

on_both!(
    catalogue_push,
    wizard_push,
    roles_follow_the_prefix,
    large_changes_are_answered_without_a_body,
    no_groups_no_endpoint,
);

fn members(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> =
        members.iter().map(|member| member["value"].as_str().unwrap_or_default().to_owned()).collect();
    ids.sort();
    ids
}

async fn three_users(okta: &Client) -> [String; 3] {
    let mut ids = ["u1@example.com", "u2@example.com", "u3@example.com"].map(str::to_owned);
    for name in &mut ids {
        *name = id(&okta.create_user(name).await);
    }
    ids
}

async fn catalogue_push(world: World) {
    let okta = world.tenant("acme").await;
    let [one, two, three] = three_users(&okta).await;

    let found = okta.filter("/Groups", "displayName eq \"Nurses\"").await.expect(200);
    assert_eq!(found["totalResults"], 0);
    let created = okta.create_group("Nurses", &[]).await;
    assert_eq!(members(&created), [""; 0]);
    let path = format!("/Groups/{}", id(&created));
    assert_eq!(okta.get(&path).await.expect(200)["displayName"], "Nurses");
    assert_eq!(okta.filter("/Groups", "displayName eq \"NURSES\"").await.expect(200)["totalResults"], 1);
    okta.post("/Groups", &crate::client::group("nurses", &[])).await.expect_error(409, "uniqueness");

    // Members in, together with the name that Okta always repeats.
    let body = patch(json!([
        {"op": "replace", "value": {"id": created["id"], "displayName": "Nurses"}},
        {"op": "add", "path": "members", "value": [{"value": one, "display": "u1"}, {"value": two}]},
    ]));
    let answer = okta.patch(&path, &body).await.expect(200);
    assert_eq!(members(&answer), [one.clone(), two.clone()]);
    let user = okta.get(&format!("/Users/{one}")).await.expect(200);
    assert_eq!(user["groups"][0]["value"], created["id"]);
    assert_eq!(user["groups"][0]["display"], "Nurses");

    // One out, one in.
    let body = patch(json!([
        {"op": "remove", "path": format!("members[value eq \"{one}\"]")},
        {"op": "add", "path": "members", "value": [{"value": three, "display": "u3@example.com"}]},
    ]));
    assert_eq!(members(&okta.patch(&path, &body).await.expect(200)), [two.clone(), three.clone()]);

    // The same again: nothing changes, not even the version.
    let before = okta.get(&path).await;
    let again = patch(json!([{"op": "add", "path": "members", "value": [{"value": three}]}]));
    assert_eq!(okta.patch(&path, &again).await.header("etag"), before.header("etag"));

    // Rename.
    let body = patch(json!([{"op": "replace", "value": {"id": created["id"], "displayName": "Carers"}}]));
    let renamed = okta.patch(&path, &body).await.expect(200);
    assert_eq!(renamed["displayName"], "Carers");
    assert_eq!(members(&renamed).len(), 2);

    // Push Now overwrites, an empty list clears.
    let body = patch(json!([{"op": "replace", "path": "members", "value": [{"value": one}]}]));
    assert_eq!(members(&okta.patch(&path, &body).await.expect(200)), [one.as_str()]);
    let body = patch(
        json!([{"op": "replace", "value": {"members": [], "id": created["id"], "displayName": "Carers"}}]),
    );
    assert_eq!(members(&okta.patch(&path, &body).await.expect(200)), [""; 0]);

    // Unknown members are left out.
    let body =
        patch(json!([{"op": "add", "path": "members", "value": [{"value": "no-such-id"}, {"value": two}]}]));
    assert_eq!(members(&okta.patch(&path, &body).await.expect(200)), [two.as_str()]);

    // Without members nobody reads them.
    let answer = okta.get(&format!("{path}?excludedAttributes=members")).await.expect(200);
    assert!(answer.get("members").is_none());

    // Deleted: the group is gone, its members stay.
    assert_eq!(okta.delete(&path).await.status, 204);
    okta.get(&path).await.expect_error(404, "");
    let user = okta.get(&format!("/Users/{two}")).await.expect(200);
    assert!(user["groups"].as_array().is_none_or(Vec::is_empty), "{user}");
}

async fn wizard_push(world: World) {
    let okta = world.tenant("acme").await;
    let [one, two, three] = three_users(&okta).await;
    let created = okta.create_group("Nurses", &[&one, &two]).await;
    let path = format!("/Groups/{}", id(&created));
    assert_eq!(members(&created), [one.clone(), two.clone()]);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": created["id"], "displayName": "Nurses",
        "members": [{"value": two, "display": "u2"}, {"value": three, "display": "u3"}],
    });
    let reply = okta.put(&path, &body).await;
    assert_eq!(members(&reply.expect(200)), [two.clone(), three]);
    assert_eq!(reply.header("etag"), reply.json()["meta"]["version"]);
    let body = json!({"schemas": body["schemas"], "displayName": "Nurses", "members": []});
    assert_eq!(members(&okta.put(&path, &body).await.expect(200)), [""; 0]);
}

async fn roles_follow_the_prefix(world: World) {
    let okta = world.tenant_of("envi", "acme").await;
    let user = id(&okta.create_user("envi@example.com").await);
    let roles = async || {
        let user = user.parse().expect("an id");
        let grants = world.scope(&okta).await.roles_of_user(user).await.expect("roles");
        grants.into_iter().map(|grant| grant.role.name).collect::<Vec<_>>()
    };
    let manager = okta.create_group("Envi_Manager", &[&user]).await;
    okta.create_group("envi_testing", &[&user]).await;
    okta.create_group("Everyone", &[&user]).await;
    assert_eq!(roles().await, ["Manager", "testing"]);
    let body = patch(json!([{"op": "remove", "path": format!("members[value eq \"{user}\"]")}]));
    okta.patch(&format!("/Groups/{}", id(&manager)), &body).await.expect(200);
    assert_eq!(roles().await, ["testing"]);
}

async fn large_changes_are_answered_without_a_body(world: World) {
    let okta = world.tenant("acme").await;
    let [one, ..] = three_users(&okta).await;
    let path = format!("/Groups/{}", id(&okta.create_group("Big", &[]).await));
    let mut values: Vec<Value> = (0..100).map(|n| json!({"value": format!("unknown-{n}")})).collect();
    values.push(json!({"value": one}));
    let body = patch(json!([{"op": "add", "path": "members", "value": values}]));

    let reply = okta.patch(&path, &body).await;
    assert_eq!(reply.status, 204);
    let read = okta.get(&path).await;
    assert_eq!(reply.header("etag"), read.header("etag"));
    assert_eq!(reply.header("location"), read.header("location"));
    assert_eq!(members(&read.json()), [one.as_str()]);

    let named = okta.patch(&format!("{path}?attributes=members"), &body).await.expect(200);
    assert_eq!(members(&named), [one]);
}

async fn no_groups_no_endpoint(world: World) {
    let okta = world.tenant_of("epic-emp", "acme").await;
    okta.get("/Groups").await.expect_error(404, "");
    okta.post("/Groups", &crate::client::group("A", &[])).await.expect_error(404, "");
    let types = okta.get("/ResourceTypes").await.expect(200);
    assert_eq!(types["totalResults"], 1, "{types}");
}
