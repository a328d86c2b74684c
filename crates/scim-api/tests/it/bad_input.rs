//! What a client can get wrong: always a SCIM error, never a change.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    client::{Client, id, patch, user},
    world::World,
};

on_both!(bodies, resources, routes_and_methods, odd_texts, other_peoples_ids);

async fn raw(okta: &Client, content_type: &str, body: impl Into<Body>) -> crate::client::Reply {
    let mut request = okta.request("POST", "/Users", Some(&Value::Null));
    *request.body_mut() = body.into();
    request.headers_mut().remove("content-type");
    if !content_type.is_empty() {
        request.headers_mut().insert("content-type", content_type.parse().expect("a header value"));
    }
    okta.send(request).await
}

async fn count(okta: &Client) -> Value {
    okta.get("/Users?count=0").await.expect(200)["totalResults"].clone()
}

async fn bodies(world: World) {
    let okta = world.tenant("acme").await;
    let good = user("a@example.com").to_string();
    for content_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
        raw(&okta, content_type, good.clone()).await.expect_error(415, "");
    }
    for body in ["{", "{\"userName\": }", "not json", "", "{}{}"] {
        raw(&okta, "application/scim+json", body).await.expect_error(400, "invalidSyntax");
    }
    let detail =
        raw(&okta, "application/json", "{\n  \"userName\": }").await.expect_error(400, "invalidSyntax");
    assert!(detail.contains("line 2 column 15"), "{detail}");
    raw(&okta, "application/json", &b"{\"userName\":\"\xff\"}"[..]).await.expect_error(400, "invalidSyntax");
    raw(&okta, "application/json", "[".repeat(200)).await.expect_error(400, "invalidSyntax");
    for body in ["[]", "\"text\"", "null", "1"] {
        raw(&okta, "application/json", body).await.expect_error(400, "invalidSyntax");
    }
    let big = vec![b' '; scim_api::MAX_BYTES + 1];
    raw(&okta, "application/json", big).await.expect_error(413, "");
    assert_eq!(count(&okta).await, 0, "nothing was written");

    let marked = [b"\xEF\xBB\xBF", good.as_bytes()].concat();
    raw(&okta, "Application/SCIM+JSON;charset=UTF-8", marked).await.expect(201);
    let other = user("b@example.com").to_string();
    raw(&okta, "text/json", other).await.expect(201);
}

async fn resources(world: World) {
    let okta = world.tenant("acme").await;
    let kept = okta.create_user("Kept@example.com").await;
    let path = format!("/Users/{}", id(&kept));

    let mut nameless = user("x");
    nameless.as_object_mut().expect("an object").remove("userName");
    let detail = okta.post("/Users", &nameless).await.expect_error(400, "invalidValue");
    assert!(detail.contains("userName"), "{detail}");
    let detail = okta.put(&path, &nameless).await.expect_error(400, "invalidValue");
    assert!(detail.contains("userName"), "{detail}");

    let mut odd = user("x@example.com");
    odd["name"]["givenName"] = json!({"a": 1});
    odd["emails"][0]["primary"] = json!("perhaps");
    let detail = okta.post("/Users", &odd).await.expect_error(400, "invalidValue");
    assert!(detail.contains("name.givenName") && detail.contains("emails"), "all at once: {detail}");

    for name in ["kept@example.com", "KEPT@EXAMPLE.COM"] {
        okta.post("/Users", &user(name)).await.expect_error(409, "uniqueness");
    }
    let other = okta.create_user("other@example.com").await;
    let other = format!("/Users/{}", id(&other));
    let rename = patch(json!([{"op": "replace", "path": "userName", "value": "KEPT@example.com"}]));
    okta.patch(&other, &rename).await.expect_error(409, "uniqueness");
    okta.put(&other, &user("kept@example.com")).await.expect_error(409, "uniqueness");

    okta.post("/Groups", &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]}))
        .await
        .expect_error(400, "invalidValue");
    assert_eq!(okta.get(&path).await.expect(200), kept);
    assert_eq!(count(&okta).await, 2);
    assert_eq!(okta.get("/Groups?count=0").await.expect(200)["totalResults"], 0);
}

async fn routes_and_methods(world: World) {
    let okta = world.tenant("acme").await;
    for path in ["/Nothing", "/Users/a/b", "/Schemas/urn:x", "/ResourceTypes/Device"] {
        okta.get(path).await.expect_error(404, "");
    }
    let hint = okta.get("/users").await.expect_error(404, "");
    assert!(hint.contains("/Users"), "{hint}");

    let table = [
        ("DELETE", "/Users", "GET, HEAD, POST"),
        ("POST", "/Users/1", "GET, HEAD, PUT, PATCH, DELETE"),
        ("PUT", "/Schemas", "GET, HEAD"),
        ("GET", "/Users/.search", "POST"),
        ("OPTIONS", "/Groups", "GET, HEAD, POST"),
        ("TRACE", "/Bulk", "POST"),
    ];
    for (method, path, allow) in table {
        let reply = okta.call(method, path, None).await;
        reply.expect_error(405, "");
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
    for (method, path) in [("GET", "/Me"), ("PATCH", "/Me"), ("POST", "/.search"), ("GET", "")] {
        okta.call(method, path, None).await.expect_error(501, "");
    }
}

async fn odd_texts(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("a@example.com").await;
    for filter in [
        "userName eq",
        "userName eq a@example.com",
        "userName like \"a\"",
        "(userName pr",
        "noSuchAttribute eq \"a\"",
        "",
    ] {
        okta.filter("/Users", filter).await.expect_error(400, "invalidFilter");
    }
    assert_eq!(okta.filter("/Users", "userName eq \"\"").await.expect(200)["totalResults"], 0);
    // A NUL is stored and searched by neither database.
    okta.get("/Users?filter=userName%20eq%20%22%00%22").await.expect_error(400, "invalidValue");
    for endpoint in ["/Users", "/Groups"] {
        let status = okta.filter(endpoint, "externalId eq \"\\u0000\"").await.status.as_u16();
        assert!(matches!(status, 200 | 400), "{endpoint}: {status}");
        for sort in ["noSuchAttribute", "%22", "members", ""] {
            let reply = okta.get(&format!("{endpoint}?sortBy={sort}")).await;
            assert!(matches!(reply.status.as_u16(), 200 | 400), "{reply:?}");
        }
    }
    let mut nul = user("nul@example.com");
    nul["title"] = json!("a\0b");
    okta.post("/Users", &nul).await.expect_error(400, "invalidValue");

    for id in ["x", "%00", "%2e%2e", "'", "%ff", "00000000-0000-0000-0000-000000000000", &"9".repeat(3000)] {
        for endpoint in ["/Users", "/Groups"] {
            let path = format!("{endpoint}/{id}");
            okta.get(&path).await.expect_error(404, "");
            okta.delete(&path).await.expect_error(404, "");
            okta.put(&path, &user("b@example.com")).await.expect_error(404, "");
            let body = patch(json!([{"op": "replace", "value": {"displayName": "x"}}]));
            okta.patch(&path, &body).await.expect_error(404, "");
        }
    }
}

async fn other_peoples_ids(world: World) {
    let acme = world.tenant("acme").await;
    let beta = world.tenant("beta").await;
    let mine = acme.create_user("same@example.com").await;
    let theirs = beta.create_user("same@example.com").await;
    assert_ne!(mine["id"], theirs["id"]);
    let path = format!("/Users/{}", id(&theirs));
    acme.get(&path).await.expect_error(404, "");
    acme.delete(&path).await.expect_error(404, "");
    acme.put(&path, &theirs).await.expect_error(404, "");
    beta.get(&path).await.expect(200);
}
