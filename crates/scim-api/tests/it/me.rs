//! A token that is bound to a user reaches this user, and nobody else.

use scim_api::ROUTES;
use serde_json::{Value, json};

use crate::{
    client::{Client, group, id, patch, user},
    world::{BOTH_SCOPES, World, context},
};

on_both!(
    me_is_the_user,
    me_is_changed_as_the_user_is,
    conditions_hold,
    scopes_hold,
    nobody_else_is_reached,
    who_is_gone_is_not_found,
    who_is_deactivated_stays_so,
    a_product_that_deactivates,
    a_token_that_is_bound_to_nobody,
    changes_at_once,
);

/// The tenant's own client, a user, and a client with this user's token.
async fn ann(world: &World) -> (Client, Value, Client) {
    let okta = world.tenant("acme").await;
    let ann = okta.create_user("ann@example.com").await;
    let client = world.personal_client("acme", BOTH_SCOPES, &id(&ann)).await;
    (okta, ann, client)
}

fn path(user: &Value) -> String {
    format!("/Users/{}", id(user))
}

fn set(attribute: &str, value: impl Into<Value>) -> Value {
    patch(json!([{"op": "replace", "path": attribute, "value": value.into()}]))
}

async fn me_is_the_user(world: World) {
    let (okta, ann, client) = ann(&world).await;
    okta.create_group("Staff", &[&id(&ann)]).await;
    let (as_user, me) = (okta.get(&path(&ann)).await, client.get("/Me").await);
    assert_eq!(me.expect(200), as_user.expect(200));
    assert_eq!(me.json()["groups"][0]["display"], "Staff");
    for header in ["location", "etag"] {
        assert_eq!(me.header(header), as_user.header(header));
    }
    assert!(me.header("location").ends_with(&path(&ann)), "the permanent address: {me:?}");

    let head = client.call("HEAD", "/Me", None).await;
    assert_eq!((head.status.as_u16(), head.header("etag")), (200, me.header("etag")));
    let same = client.call_with("GET", "/Me", None, ("if-none-match", me.header("etag"))).await;
    assert_eq!(same.status, 304);
    let projected = client.get("/Me?attributes=userName").await.expect(200);
    assert_eq!(projected["userName"], "ann@example.com");
    assert_eq!(projected.get("emails"), None);
    assert_eq!(client.get("/Me?excludedAttributes=emails,groups").await.expect(200).get("emails"), None);
    client.get("/Me?attributes=a&excludedAttributes=b").await.expect_error(400, "invalidValue");
}

async fn me_is_changed_as_the_user_is(world: World) {
    let (okta, ann, client) = ann(&world).await;
    let other = okta.create_user("other@example.com").await;

    let patched = client.patch("/Me", &set("title", "Dr")).await;
    assert_eq!(patched.expect(200)["title"], "Dr");
    assert!(patched.header("location").ends_with(&path(&ann)));
    assert_eq!(okta.get(&path(&ann)).await.expect(200), patched.json());

    let mut body = user("ann@example.com");
    body["nickName"] = "Annie".into();
    body["id"] = other["id"].clone();
    body["groups"] = json!([{"value": "x"}]);
    let replaced = client.put("/Me?attributes=nickName", &body).await;
    assert_eq!(replaced.expect(200)["nickName"], "Annie");
    assert_eq!(replaced.json()["id"], ann["id"]);
    assert_eq!(replaced.json().get("userName"), None);
    let now = okta.get(&path(&ann)).await.expect(200);
    assert_eq!((now.get("title"), &now["meta"]["version"]), (None, &json!(replaced.header("etag"))));

    client.patch("/Me", &set("userName", "other@example.com")).await.expect_error(409, "uniqueness");
    client.patch("/Me", &set("nonsense", 1)).await.expect_error(400, "invalidPath");
    client.put("/Me", &json!({"displayName": "x"})).await.expect_error(400, "invalidValue");

    let trail = world.scope(&okta).await.audit(Some(&id(&ann)), 100).await.expect("audit");
    let credentials = world.scope(&okta).await.credentials().await.expect("credentials");
    let token = credentials.iter().find(|credential| credential.user.is_some()).expect("the token");
    assert_eq!((trail[0].event.as_str(), &trail[0].actor.id), ("user.updated", &token.id.to_string()));

    assert_eq!(client.delete("/Me").await.status, 204);
    okta.get(&path(&ann)).await.expect_error(404, "");
    okta.get(&path(&other)).await.expect(200);
}

async fn conditions_hold(world: World) {
    let (okta, ann, client) = ann(&world).await;
    let stale = ann["meta"]["version"].as_str().expect("a version");
    let now = client.patch("/Me", &set("title", "Dr")).await;
    let (title, body) = (set("title", "Stale"), user("ann@example.com"));
    for tag in [stale, "W/\"99\"", "no tag"] {
        for (method, body) in [("PATCH", Some(&title)), ("PUT", Some(&body)), ("DELETE", None)] {
            client.call_with(method, "/Me", body, ("if-match", tag)).await.expect_error(412, "");
        }
    }
    assert_eq!(okta.get(&path(&ann)).await.expect(200), now.json());
    let tags = format!("{stale}, {}", now.header("etag"));
    client.call_with("PATCH", "/Me", Some(&set("title", "A")), ("if-match", &tags)).await.expect(200);
    client.call_with("PATCH", "/Me", Some(&set("title", "B")), ("if-match", "*")).await.expect(200);
}

async fn scopes_hold(world: World) {
    let (okta, ann, _) = ann(&world).await;
    let reader = world.personal_client("acme", "scim:read", &id(&ann)).await;
    let writer = world.personal_client("acme", "scim:write", &id(&ann)).await;
    reader.get("/Me").await.expect(200);
    assert!(reader.patch("/Me", &set("title", "x")).await.expect_error(403, "").contains("scim:write"));
    assert!(reader.delete("/Me").await.expect_error(403, "").contains("scim:write"));
    assert!(writer.get("/Me").await.expect_error(403, "").contains("scim:read"));
    writer.patch("/Me", &set("title", "x")).await.expect(200);
    okta.get(&path(&ann)).await.expect(200);
}

/// Every route but `/Me` and discovery, with the ids of others and with one's own.
async fn nobody_else_is_reached(world: World) {
    let (okta, ann, client) = ann(&world).await;
    let other = okta.create_user("other@example.com").await;
    let staff = okta.create_group("Staff", &[&id(&other)]).await;
    let beta = world.tenant("beta").await;
    let stranger = beta.create_user("ann@example.com").await;
    let users = async || okta.get("/Users?sortBy=id").await.expect(200);
    let groups = async || okta.get("/Groups").await.expect(200);
    let before = (users().await, groups().await);

    let mut refused = 0;
    for (method, route) in ROUTES {
        let discovery = ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"];
        for of in [&ann, &other, &staff, &stranger] {
            let path = route.replace("{id}", &id(of));
            let body = match *route {
                "/Me" => continue,
                "/Groups" | "/Groups/{id}" => group("Mine", &[&id(&ann)]),
                "/Bulk" => {
                    json!({"Operations": [{"method": "DELETE", "path": format!("/Users/{}", id(of))}]})
                }
                _ => user("new@example.com"),
            };
            let reply = client.call(method, &path, (*method != "GET").then_some(&body)).await;
            if discovery.iter().any(|open| path.starts_with(open)) {
                assert!(matches!(reply.status.as_u16(), 200 | 404), "{reply:?}");
                continue;
            }
            let detail = reply.expect_error(403, "");
            assert!(detail.contains("bound to one user") && detail.contains("/Me"), "{detail}");
            assert!(detail.contains(&format!("{method} {route}")), "{detail}");
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
    client.get("/Users?filter=id%20pr").await.expect_error(403, "");
    assert_eq!((users().await, groups().await), before);

    // At another tenant's address it is what any other stranger's token is.
    client.at(&beta.host, &beta.base).get("/Me").await.expect_error(401, "");
    let discovered = client.get("/ServiceProviderConfig").await;
    assert_eq!(discovered.expect(200), okta.get("/ServiceProviderConfig").await.expect(200));
    assert_eq!(client.get("/Schemas").await.expect(200), okta.get("/Schemas").await.expect(200));
}

async fn every_method_finds_nobody(client: &Client) {
    let (title, body) = (set("title", "x"), user("ann@example.com"));
    let attempts = [("GET", None), ("PATCH", Some(&title)), ("PUT", Some(&body)), ("DELETE", None)];
    for (method, body) in attempts {
        client.call(method, "/Me", body).await.expect_error(404, "");
    }
    assert_eq!(client.call("HEAD", "/Me", None).await.status, 404);
    client.get("/Users").await.expect_error(403, "");
}

async fn who_is_gone_is_not_found(world: World) {
    let (okta, ann, client) = ann(&world).await;
    assert_eq!(okta.delete(&path(&ann)).await.status, 204);
    every_method_finds_nobody(&client).await;
    // Somebody else has the name now.
    let next = okta.create_user("ann@example.com").await;
    every_method_finds_nobody(&client).await;
    assert_eq!(okta.get(&path(&next)).await.expect(200), next);

    let bob = okta.create_user("bob@example.com").await;
    let client = world.personal_client("acme", BOTH_SCOPES, &id(&bob)).await;
    client.get("/Me").await.expect(200);
    let purged =
        world.scope(&okta).await.purge_user(id(&bob).parse().expect("an id"), None, &context()).await;
    assert!(purged.expect("a purge"));
    every_method_finds_nobody(&client).await;
    okta.get("/Users").await.expect(200);
}

async fn who_is_deactivated_stays_so(world: World) {
    let (okta, ann, client) = ann(&world).await;
    okta.patch(&path(&ann), &set("active", false)).await.expect(200);
    assert_eq!(client.get("/Me").await.expect(200)["active"], false);
    let (active, body) = (set("active", true), user("ann@example.com"));
    for (method, body) in [("PATCH", Some(&active)), ("PUT", Some(&body)), ("DELETE", None)] {
        let detail = client.call(method, "/Me", body).await.expect_error(403, "");
        assert!(detail.contains("deactivated"), "{detail}");
        client.call_with(method, "/Me", body, ("if-match", "*")).await.expect_error(403, "");
    }
    assert_eq!(okta.get(&path(&ann)).await.expect(200)["active"], false);
    okta.patch(&path(&ann), &active).await.expect(200);
    client.patch("/Me", &set("title", "Back")).await.expect(200);
}

async fn a_product_that_deactivates(world: World) {
    let epic = world.tenant_of("epic-emp", "epic").await;
    let ann = epic.create_user("ann@example.com").await;
    let client = world.personal_client("epic", BOTH_SCOPES, &id(&ann)).await;
    assert_eq!(client.delete("/Me").await.status, 204);
    assert_eq!(client.get("/Me").await.expect(200)["active"], false);
    client.delete("/Me").await.expect_error(403, "");
}

async fn a_token_that_is_bound_to_nobody(world: World) {
    let (okta, ann, client) = ann(&world).await;
    let body = user("new@example.com");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let detail = okta.call(method, "/Me", (method != "GET").then_some(&body)).await.expect_error(501, "");
        assert!(detail.contains("bound to nobody") && detail.contains("/Users/{id}"), "{detail}");
    }
    let detail = client.post("/Me", &body).await.expect_error(501, "");
    assert!(detail.contains("POST to /Users"), "{detail}");
    assert_eq!(client.call("OPTIONS", "/Me", None).await.status, 405);
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 1);
    assert_eq!(okta.get(&path(&ann)).await.expect(200), ann);
}

/// Without `If-Match`, changes that meet are all made.
async fn changes_at_once(world: World) {
    let (okta, ann, client) = ann(&world).await;
    let changes =
        ["title", "nickName", "userType", "locale"].map(|attribute| (attribute, set(attribute, "en-GB")));
    let sent = changes.iter().map(|(_, body)| client.patch("/Me", body));
    for reply in futures::future::join_all(sent).await {
        reply.expect(200);
    }
    let now = okta.get(&path(&ann)).await.expect(200);
    for (attribute, _) in &changes {
        assert_eq!(now[attribute], "en-GB", "{now}");
    }
}
