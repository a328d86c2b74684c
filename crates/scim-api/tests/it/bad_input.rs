//! What a client can get wrong: always a SCIM error, never a change.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    client::{Client, encode, group, id, patch, user},
    profiles::{ENTERPRISE, USER},
    world::World,
};

on_both!(
    bodies,
    a_key_is_there_once,
    resources,
    sizes,
    long_names,
    headers_of_any_kind,
    routes_and_methods,
    odd_texts,
    odd_queries,
    other_peoples_ids,
);

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

/// Sends a body as it is, to any endpoint.
async fn raw_to(okta: &Client, method: &str, path: &str, body: &str) -> crate::client::Reply {
    let mut request = okta.request(method, path, Some(&Value::Null));
    *request.body_mut() = body.to_owned().into();
    okta.send(request).await
}

async fn a_key_is_there_once(world: World) {
    let okta = world.tenant("acme").await;
    let kept = okta.create_user("kept@x").await;
    let team = okta.create_group("G", &[&id(&kept)]).await;
    let one = format!("/Users/{}", id(&kept));
    let many = format!("/Groups/{}", id(&team));
    let patch_op = "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"]";
    let schemas = format!("\"schemas\":[\"{USER}\"]");
    let table: [(&str, &str, String, &str); 14] = [
        (
            "POST",
            "/Users",
            format!("{{{schemas},\"userName\":\"a\",\"userName\":\"b\"}}"),
            "userName is there twice",
        ),
        (
            "POST",
            "/Users",
            format!("{{{schemas},\"userName\":\"a\",\"userName\":\"a\"}}"),
            "userName is there twice",
        ),
        (
            "POST",
            "/Users",
            format!("{{{schemas},\n\"userName\":\"a\",\n \"username\":\"b\"}}"),
            "username is there twice, also as \"userName\"; names regard no case, so send it once at line 3 column 11",
        ),
        (
            "POST",
            "/Users",
            format!("{{{schemas},\"SCHEMAS\":[],\"userName\":\"a\"}}"),
            "SCHEMAS is there twice",
        ),
        (
            "POST",
            "/Users",
            format!("{{{schemas},\"userName\":\"a\",\"name\":{{\"givenName\":\"a\",\"givenName\":null}}}}"),
            "name.givenName is there twice",
        ),
        (
            "POST",
            "/Users",
            format!("{{{schemas},\"userName\":\"a\",\"emails\":[{{}},{{\"value\":\"a\",\"Value\":\"b\"}}]}}"),
            "emails[1].Value is there twice",
        ),
        (
            "POST",
            "/Users",
            format!(
                "{{{schemas},\"userName\":\"a\",\"{ENTERPRISE}\":{{}},\"{}\":{{}}}}",
                ENTERPRISE.to_uppercase()
            ),
            "is there twice",
        ),
        (
            "POST",
            "/Users",
            format!("{{{schemas},\"userName\":\"a\",\"x\":[[{{\"y\":1,\"y\":2}}]]}}"),
            "x[0][0].y is there twice",
        ),
        (
            "PUT",
            &one,
            format!("{{{schemas},\"userName\":\"a\",\"active\":true,\"active\":false}}"),
            "active is there twice",
        ),
        (
            "PATCH",
            &one,
            format!(
                "{{{patch_op},\"Operations\":[{{\"op\":\"add\",\"path\":\"title\",\"value\":\"a\",\"value\":\"b\"}}]}}"
            ),
            "Operations[0].value is there twice",
        ),
        (
            "PATCH",
            &one,
            format!(
                "{{{patch_op},\"Operations\":[{{\"op\":\"add\",\"value\":{{\"title\":\"a\",\"TITLE\":\"b\"}}}}]}}"
            ),
            "Operations[0].value.TITLE is there twice",
        ),
        (
            "PATCH",
            &many,
            format!(
                "{{{patch_op},\"Operations\":[],\"operations\":[{{\"op\":\"remove\",\"path\":\"members\"}}]}}"
            ),
            "operations is there twice, also as \"Operations\"",
        ),
        (
            "POST",
            "/Users/.search",
            "{\"filter\":\"userName pr\",\"filter\":\"id pr\"}".into(),
            "filter is there twice",
        ),
        ("POST", "/Groups/.search", "{\"count\":1,\"Count\":2}".into(), "Count is there twice"),
    ];
    for (method, path, body, wanted) in table {
        let refused = raw_to(&okta, method, path, &body).await.expect_error(400, "invalidSyntax");
        assert!(refused.contains(wanted), "{body}: {refused}");
        assert!(refused.contains("at line "), "{refused}");
    }
    assert_eq!(count(&okta).await, 1);
    assert_eq!(okta.get(&one).await.json()["meta"], kept["meta"], "nothing was changed");
    assert_eq!(okta.get(&many).await.expect(200), team);
}

async fn sizes(world: World) {
    let okta = world.tenant("acme").await;
    let kept = okta.create_user("kept@x").await;
    let one = format!("/Users/{}", id(&kept));
    let team = format!("/Groups/{}", id(&okta.create_group("G", &[]).await));
    let with = |name: &str, value: Value| {
        let mut body = user("big@x");
        body[name] = value;
        body
    };
    let elements = |count: usize| -> Value {
        (0..count).map(|n| json!({"value": format!("e{n}@an-address.example.com")})).collect()
    };
    let large: Value =
        (0..4).map(|n| json!({"value": n.to_string(), "display": "x".repeat(65_500)})).collect();
    let mut deep = json!("x");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let keys: Value =
        (0..20_000).map(|n| (format!("k{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    for (body, status, scim_type) in [
        (with("userName", "x".repeat(1024 * 1024).into()), 400, "invalidValue"),
        (with("userName", "x".repeat(1025).into()), 400, "invalidValue"),
        (with("externalId", "x".repeat(1025).into()), 400, "invalidValue"),
        (with("displayName", "x".repeat(64 * 1024 + 1).into()), 400, "invalidValue"),
        (with("emails", elements(100_000)), 400, "invalidValue"),
        (with("emails", elements(10_000)), 413, ""),
        (with("emails", large), 413, ""),
        (with("unknown", deep.clone()), 400, "invalidSyntax"),
        (with("unknown", keys.clone()), 413, ""),
        (keys, 413, ""),
        (json!(vec![0; 1_000_001]), 413, ""),
    ] {
        for (method, path) in [("POST", "/Users"), ("PUT", one.as_str())] {
            let detail = okta.call(method, path, Some(&body)).await.expect_error(status, scim_type);
            assert!(detail.len() < 2_000, "{}", detail.len());
        }
    }
    let path = format!("emails[value eq \"{}\"].type", "x".repeat(10_000));
    let brackets = format!("emails[{}value pr{}]", "(".repeat(1000), ")".repeat(1000));
    let add = |path: &str| json!([{"op": "add", "path": path, "value": "x"}]);
    let same =
        |count: usize| -> Value { (0..count).map(|_| json!({"op": "remove", "path": "title"})).collect() };
    for (operations, status, scim_type) in [
        (add(&path), 400, "invalidPath"),
        (add(&"x".repeat(10_000)), 400, "invalidPath"),
        (add(&"x.".repeat(4_000)), 400, "invalidPath"),
        (add(&brackets), 400, "invalidFilter"),
        (same(10_001), 413, ""),
        (json!([{"op": "add", "path": "emails", "value": elements(100_000)}]), 400, "invalidValue"),
        (json!([{"op": "add", "path": "userName", "value": "x".repeat(1024 * 1024)}]), 400, "invalidValue"),
        (json!([{"op": "add", "value": deep}]), 400, "invalidSyntax"),
        (json!([{"op": "x".repeat(100_000)}]), 400, "invalidSyntax"),
    ] {
        let detail = okta.operate(&one, operations).await.expect_error(status, scim_type);
        assert!(detail.len() < 2_000, "{}", detail.len());
    }
    okta.operate(&one, same(10_000)).await.expect(200);
    let named = group("H", &["x".repeat(300).as_str()]);
    okta.post("/Groups", &named).await.expect_error(400, "invalidValue");
    okta.post("/Groups", &group(&"x".repeat(1025), &[])).await.expect_error(400, "invalidValue");
    okta.operate(
        &team,
        json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", "x".repeat(5_000))}]),
    )
    .await
    .expect(200);
    assert_eq!(okta.get(&one).await.expect(200), kept);
    assert_eq!(count(&okta).await, 1);
}

async fn long_names(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("a@x").await;
    let long = "x".repeat(100_000);
    let commas = ",".repeat(100_000);
    let names = vec!["userName"; 12_000].join(",");
    for (body, scim_type) in [
        (json!({"sortBy": long}), "invalidValue"),
        (json!({"sortBy": "a.".repeat(50_000)}), "invalidValue"),
        (json!({"attributes": [long]}), "invalidValue"),
        (json!({"attributes": commas}), "invalidValue"),
        (json!({"attributes": names}), "invalidValue"),
        (json!({"excludedAttributes": vec!["name"; 20_000]}), "invalidValue"),
        (json!({"filter": long}), "invalidFilter"),
        (json!({"filter": format!("userName eq \"{long}\"")}), "invalidFilter"),
        (json!({"filter": "(".repeat(8_000)}), "invalidFilter"),
        (json!({"sortOrder": long}), "invalidValue"),
        (json!({"count": long}), "invalidValue"),
        (json!({"startIndex": "1.0"}), "invalidValue"),
        (json!({"startIndex": 1e300}), "invalidValue"),
    ] {
        for endpoint in ["/Users/.search", "/Groups/.search"] {
            let detail = okta.post(endpoint, &body).await.expect_error(400, scim_type);
            assert!(detail.len() < 1_000, "{}", detail.len());
        }
    }
    // As much as a URL may hold.
    let long = "x".repeat(60_000);
    okta.get(&format!("/Users?sortBy={long}")).await.expect_error(400, "invalidValue");
    okta.get(&format!("/Users?attributes={long}")).await.expect_error(400, "invalidValue");
    okta.get(&format!("/Users?filter={long}")).await.expect_error(400, "invalidFilter");
    okta.get(&format!("/Users?{long}={long:.100}")).await.expect(200);
    okta.get(&format!("/Users?{}", "count=1&".repeat(7_000))).await.expect(200);
    okta.get(&format!("/Users/{long}")).await.expect_error(404, "");
    okta.get(&format!("/{long}")).await.expect_error(404, "");
    okta.get(&"/x".repeat(30_000)).await.expect_error(404, "");
    for index in ["9223372036854775807", "9223372036854775808", "18446744073709551615", &"9".repeat(1_000)] {
        let list = okta.get(&format!("/Users?startIndex={index}&count={index}")).await.expect(200);
        assert_eq!((&list["totalResults"], &list["Resources"]), (&json!(1), &json!([])), "{index:.30}");
    }
}

async fn headers_of_any_kind(world: World) {
    let okta = world.tenant("acme").await;
    let path = format!("/Users/{}", id(&okta.create_user("a@x").await));
    let mut request = okta.request("GET", &path, None);
    for n in 0..5_000 {
        let name: http::HeaderName = format!("x-flood-{n}").parse().expect("a header name");
        request.headers_mut().append(name, "x".repeat(20).parse().expect("a header value"));
        request
            .headers_mut()
            .append("if-none-match", format!("W/\"{}\"", 1_000 + n).parse().expect("a header value"));
        request.headers_mut().append("accept", "text/html".parse().expect("a header value"));
    }
    okta.send(request).await.expect(200);
    let bytes = http::HeaderValue::from_bytes(b"\xff\xfe\x80").expect("a header value");
    for name in [
        "if-match",
        "if-none-match",
        "accept",
        "user-agent",
        "x-request-id",
        "content-type",
        "content-encoding",
    ] {
        let mut request = okta.request("GET", &path, None);
        request.headers_mut().insert(name, bytes.clone());
        okta.send(request).await.expect(200);
    }
    for (name, status) in [("authorization", 401), ("host", 400)] {
        let mut request = okta.request("GET", &path, None);
        request.headers_mut().insert(name, bytes.clone());
        okta.send(request).await.expect_error(status, "");
    }
    let body = user("b@x");
    for (name, status) in [("content-type", 415), ("content-encoding", 415)] {
        let mut request = okta.request("POST", "/Users", Some(&body));
        request.headers_mut().insert(name, bytes.clone());
        okta.send(request).await.expect_error(status, "");
    }
    let long = "x".repeat(100_000);
    okta.call_with("GET", &path, None, ("x-request-id", &long)).await.expect(200);
    okta.call_with("GET", &path, None, ("if-none-match", &long)).await.expect(200);
    okta.call_with("PUT", &path, Some(&body), ("if-match", &long)).await.expect_error(412, "");
    okta.with_authorization(Some(&long)).get(&path).await.expect_error(401, "");
    okta.with_authorization(Some(&format!("Basic {long}"))).get(&path).await.expect_error(401, "");
}

async fn odd_queries(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("a@x").await;
    for query in [
        "",
        "&",
        "&&&",
        "=",
        "=&=",
        "%",
        "%%%",
        "%zz",
        "%f",
        "%ff",
        "%ff=%ff",
        "%00=1",
        "a=%00",
        "?",
        "??",
        "count=1&&count=1",
        "filter",
        "unknown=%ff%00",
        "%63ount=1",
        "count=%31",
        "count=+1",
        "startIndex=1%20",
        "attributes=",
        "attributes=%20",
        "attributes=,,,",
        "attributes=%ED%A0%80x",
        "excludedAttributes=%22,%27,;",
        "[]=1",
        "a[b]=c",
        "count=1;startIndex=2",
    ] {
        let reply = okta.get(&format!("/Users?{query}")).await;
        assert!(matches!(reply.status.as_u16(), 200 | 400), "{query}: {reply:?}");
    }
    for (query, scim_type) in [
        ("filter=%ff", "invalidValue"),
        ("filter=%ed%a0%80", "invalidValue"),
        ("filter=%c0%af", "invalidValue"),
        ("filter=userName%20pr%00", "invalidValue"),
        ("sortBy=%00", "invalidValue"),
        ("attributes=%fe", "invalidValue"),
        ("count=%ff", "invalidValue"),
        ("filter=userName%2520pr", "invalidFilter"),
        ("filter=%25", "invalidFilter"),
        ("filter=userName%20pr&filter=id%20pr", "invalidValue"),
        ("count=1&COUNT=2", "invalidValue"),
    ] {
        okta.get(&format!("/Users?{query}")).await.expect_error(400, scim_type);
    }
    assert_eq!(
        okta.get(&format!("/Users?{}", encode("count=0"))).await.expect(200)["itemsPerPage"],
        1,
        "a name of its own"
    );
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
    for (method, path) in [("GET", "/Me"), ("PATCH", "/Me")] {
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
