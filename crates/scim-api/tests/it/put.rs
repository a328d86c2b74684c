//! PUT (RFC 7644 §3.5.1).

use serde_json::json;

use crate::{
    client::{at, id, user},
    profiles::{ENTERPRISE, GROUP, USER, generic},
    world::World,
};

on_both!(
    nobody_is_created,
    what_is_left_out_is_cleared,
    active_left_out_stays,
    what_is_required_must_be_there,
    an_echo_is_no_change,
);

async fn nobody_is_created(world: World) {
    let okta = world.tenant("acme").await;
    let unknown = "00000000-0000-7000-8000-000000000000";
    okta.put(&format!("/Users/{unknown}"), &user("new@x")).await.expect_error(404, "");
    okta.put("/Users/not-a-uuid", &user("new@x")).await.expect_error(404, "");
    let team = json!({"schemas": [GROUP], "displayName": "G"});
    okta.put(&format!("/Groups/{unknown}"), &team).await.expect_error(404, "");
    for endpoint in ["/Users", "/Groups"] {
        assert_eq!(okta.get(endpoint).await.expect(200)["totalResults"], 0);
    }
    okta.call("PUT", "/Users", Some(&user("new@x"))).await.expect_error(405, "");
}

async fn what_is_left_out_is_cleared(world: World) {
    let okta = world.tenant("acme").await;
    let mut full = user("full@x");
    full["title"] = json!("Dr");
    full["phoneNumbers"] = json!([{"value": "1", "type": "work"}]);
    full["schemas"] = json!([USER, ENTERPRISE]);
    full[ENTERPRISE] = json!({"department": "Surgery", "manager": {"value": "7"}});
    let created = okta.post("/Users", &full).await.expect(201);
    let path = format!("/Users/{}", id(&created));
    let reply =
        okta.put(&path, &json!({"schemas": [USER], "userName": "full@x", "name": {"givenName": "G"}})).await;
    let answer = reply.expect(200);
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["schemas", "id", "userName", "name", "active", "groups", "meta"], "the whole resource");
    assert_eq!(answer["name"], json!({"givenName": "G"}), "a complex attribute is replaced as a whole");
    assert_eq!((&answer["id"], &answer["meta"]["created"]), (&created["id"], &created["meta"]["created"]));
    assert_eq!(okta.get(&path).await.expect(200), answer);

    let ann = id(&okta.create_user("ann@x").await);
    let mut team = okta.create_group("G", &[&ann]).await;
    let path = format!("/Groups/{}", id(&team));
    team["externalId"] = json!("e");
    okta.put(&path, &team).await.expect(200);
    let cleared = okta.put(&path, &json!({"schemas": [GROUP], "displayName": "G"})).await.expect(200);
    assert_eq!((at(&cleared, "/externalId"), &cleared["members"]), (json!(null), &json!([])));
}

async fn active_left_out_stays(world: World) {
    let okta = world.tenant("acme").await;
    let mut body = user("off@x");
    body["active"] = json!(false);
    let path = format!("/Users/{}", id(&okta.post("/Users", &body).await.expect(201)));
    body.as_object_mut().expect("an object").remove("active");
    assert_eq!(okta.put(&path, &body).await.expect(200)["active"], false, "nobody is reactivated by silence");
    body["active"] = json!(null);
    assert_eq!(okta.put(&path, &body).await.expect(200)["active"], false);
    body["active"] = json!(true);
    assert_eq!(okta.put(&path, &body).await.expect(200)["active"], true);
}

async fn what_is_required_must_be_there(world: World) {
    let profile = generic("").replace("[user]", "[user]\nrequired = [\"name.givenName\", \"emails\"]");
    let okta = world.tenant_with(&profile, "acme").await;
    let created = okta.create_user("need@x").await;
    let path = format!("/Users/{}", id(&created));
    for (name, pointer) in
        [("userName", "/userName"), ("name.givenName", "/name/givenName"), ("emails", "/emails")]
    {
        for value in [json!(null), json!("")] {
            let mut body = user("need@x");
            *body.pointer_mut(pointer).expect(pointer) = value;
            let refused = okta.put(&path, &body).await.expect_error(400, "invalidValue");
            assert!(refused.contains(name), "{name}: {refused}");
        }
    }
    let mut blank = user("  ");
    blank["emails"] = json!([{"type": "work"}]);
    let refused = okta.put(&path, &blank).await.expect_error(400, "invalidValue");
    assert!(refused.contains("userName") && refused.contains("emails"), "all at once: {refused}");
    assert_eq!(okta.get(&path).await.expect(200), created);
}

async fn an_echo_is_no_change(world: World) {
    let okta = world.tenant("acme").await;
    let mut full = user("echo@x");
    full["schemas"] = json!([USER, ENTERPRISE]);
    full[ENTERPRISE] = json!({"manager": {"value": "7"}});
    full["roles"] = json!([{"value": "r", "primary": "True"}, "s"]);
    let user_id = id(&okta.post("/Users", &full).await.expect(201));
    let group_id = id(&okta.create_group("G", &[&user_id]).await);
    for path in [format!("/Users/{user_id}"), format!("/Groups/{group_id}")] {
        let before = okta.get(&path).await;
        let events = world.events(&okta).await;
        for _ in 0..2 {
            let after = okta.put(&path, &before.expect(200)).await;
            assert_eq!(after.expect(200), before.json(), "same version, same lastModified");
            assert_eq!(after.header("etag"), before.header("etag"));
        }
        assert_eq!(world.events(&okta).await, events, "no event");
    }
}
