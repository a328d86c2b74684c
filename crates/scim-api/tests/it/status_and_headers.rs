//! Status, headers, errors and versions (RFC 7644 §3.1, §3.12, §3.14). What the other files of this folder show is not
//! shown again.

use serde_json::{Value, json};
use store::tenants::TenantStatus;

use crate::{
    client::{Client, Reply, group, id, user},
    world::World,
};

on_both!(
    locations_are_absolute_and_ours,
    what_is_deleted_is_gone,
    versions_change_with_each_change,
    errors_say_what_and_where,
    media_types,
    forbidden_and_unknown,
);

async fn locations_are_absolute_and_ours(world: World) {
    let okta = world.tenant("acme").await;
    let forged = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-host", "evil.example"),
    ];
    for (n, header) in forged.into_iter().enumerate() {
        for (endpoint, body) in
            [("/Users", user(&format!("u{n}@x"))), ("/Groups", group(&format!("g{n}"), &[]))]
        {
            let created = okta.call_with("POST", endpoint, Some(&body), header).await;
            let answer = created.expect(201);
            let location = format!("https://scim.example.com/t/acme/scim/v2{endpoint}/{}", id(&answer));
            assert_eq!(created.header("location"), location, "{}", header.0);
            assert_eq!(answer["meta"]["location"], location.as_str(), "{}", header.0);
            assert!(!created.text.contains("evil"));
        }
    }
}

async fn what_is_deleted_is_gone(world: World) {
    let okta = world.tenant("acme").await;
    let user_id = id(&okta.create_user("Gone@x").await);
    let other = id(&okta.create_user("other@x").await);
    let team = format!("/Groups/{}", id(&okta.create_group("G", &[&user_id, &other]).await));
    let before = okta.get(&team).await;
    let deleted = okta.delete(&format!("/Users/{user_id}")).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    for filter in
        [format!("id eq \"{user_id}\""), "userName eq \"gone@x\"".into(), "userName sw \"g\"".into()]
    {
        assert_eq!(okta.found("/Users", &filter).await, [""; 0], "{filter}");
    }
    let after = okta.get(&team).await.expect(200);
    let members: Vec<&Value> = after["members"].as_array().expect("members").iter().collect();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["value"], other.as_str());
    assert_eq!(okta.found("/Groups", &format!("members.value eq \"{user_id}\"")).await, [""; 0]);
    assert_eq!(before.json()["displayName"], after["displayName"]);
    assert_ne!(id(&okta.create_user("gone@X").await), user_id, "the name is free, the id is not");
    // A group goes without its members, and its name is free.
    let path = team;
    assert_eq!(okta.delete(&path).await.status, 204);
    for reply in [okta.get(&path).await, okta.delete(&path).await, okta.put(&path, &group("G", &[])).await] {
        reply.expect_error(404, "");
    }
    assert_eq!(okta.get(&format!("/Users/{other}")).await.expect(200)["groups"], json!([]));
    okta.create_group("G", &[]).await;
}

async fn versions_change_with_each_change(world: World) {
    let okta = world.tenant("acme").await;
    let user_id = id(&okta.create_user("v@x").await);
    let other = id(&okta.create_user("o@x").await);
    let group_id = id(&okta.create_group("G", &[]).await);
    let changes: [(String, Vec<Value>); 2] = [
        (
            format!("/Users/{user_id}"),
            vec![
                json!([{"op": "add", "path": "title", "value": "a"}]),
                json!([{"op": "replace", "path": "title", "value": "b"}]),
                json!([{"op": "remove", "path": "title"}]),
                json!([{"op": "replace", "path": "active", "value": false}]),
            ],
        ),
        (
            format!("/Groups/{group_id}"),
            vec![
                json!([{"op": "replace", "path": "displayName", "value": "H"}]),
                json!([{"op": "add", "path": "members", "value": [{"value": user_id}]}]),
                json!([{"op": "replace", "path": "members", "value": [{"value": other}]}]),
                json!([{"op": "remove", "path": format!("members[value eq \"{other}\"]")}]),
            ],
        ),
    ];
    for (path, changes) in changes {
        let mut seen = vec![okta.get(&path).await.header("etag").to_owned()];
        for operations in changes {
            let reply = okta.operate(&path, operations.clone()).await;
            let tag = reply.header("etag").to_owned();
            assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
            assert_eq!(reply.expect(200)["meta"]["version"], tag.as_str());
            assert!(!seen.contains(&tag), "{operations}");
            // Again: nothing changes. Reading changes nothing either.
            assert_eq!(okta.operate(&path, operations).await.header("etag"), tag);
            let read = okta.get(&path).await;
            assert_eq!((read.header("etag"), &read.json()["meta"]["version"]), (tag.as_str(), &json!(tag)));
            let not_modified = okta.call_with("GET", &path, None, ("if-none-match", &tag)).await;
            assert_eq!(not_modified.status, 304);
            let list = okta.get(path.rsplit_once('/').expect("an id").0).await.expect(200);
            let listed =
                list["Resources"].as_array().expect("a list").iter().find(|one| path.ends_with(&id(one)));
            assert_eq!(listed.expect("listed")["meta"]["version"], tag.as_str());
            seen.push(tag);
        }
        for stale in &seen[..seen.len() - 1] {
            let operations = crate::client::patch(json!([{"op": "add", "path": "externalId", "value": "e"}]));
            okta.call_with("PATCH", &path, Some(&operations), ("if-match", stale))
                .await
                .expect_error(412, "");
        }
    }
}

async fn errors_say_what_and_where(world: World) {
    let okta = world.tenant("acme").await;
    let path = format!("/Users/{}", id(&okta.create_user("e@x").await));
    let mut wrong = user("f@x");
    wrong["name"]["givenName"] = json!({"a": 1});
    wrong["emails"][0]["primary"] = json!([true, false]);
    wrong["active"] = json!("perhaps");
    let refused = okta.post("/Users", &wrong).await.expect_error(400, "invalidValue");
    for named in ["name.givenName", "emails[0].primary", "active"] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
    // `scimType` stands where RFC 7644 table 9 has a keyword, and nowhere else.
    let unknown = "/Users/00000000-0000-7000-8000-000000000000";
    let table: [(Reply, u16, &str); 9] = [
        (okta.with_authorization(None).get("/Users").await, 401, ""),
        (okta.get(unknown).await, 404, ""),
        (okta.get("/Nothing").await, 404, ""),
        (okta.call("PUT", "/Users", None).await, 405, ""),
        (okta.post("/Users", &user("E@x")).await, 409, "uniqueness"),
        (okta.filter("/Users", "x").await, 400, "invalidFilter"),
        (okta.get("/Users?count=x").await, 400, "invalidValue"),
        (okta.call("POST", "/Users", None).await, 400, "invalidSyntax"),
        (okta.operate(&path, json!([{"op": "remove", "path": "x"}])).await, 400, "invalidPath"),
    ];
    for (reply, status, scim_type) in table {
        reply.expect_error(status, scim_type);
        let body = reply.json();
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string().as_str(), "a string");
        assert_eq!(body.get("scimType").is_some(), !scim_type.is_empty(), "{reply:?}");
    }
}

async fn media_types(world: World) {
    let okta = world.tenant("acme").await;
    let send = async |okta: &Client, n: usize, content_type: Option<&str>, accept: Option<&str>| {
        let mut request = okta.request("POST", "/Users", Some(&user(&format!("m{n}@x"))));
        for (name, value) in [("content-type", content_type), ("accept", accept)] {
            request.headers_mut().remove(name);
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().expect("a header value"));
            }
        }
        okta.send(request).await
    };
    let taken = [
        (Some("application/scim+json"), Some("application/scim+json")),
        (Some("application/scim+json; charset=utf-8"), Some("application/json")),
        (Some("application/json"), Some("*/*")),
        (Some("APPLICATION/JSON;CHARSET=UTF-8"), None),
        (Some("text/json"), Some("text/html, */*;q=0.1")),
        (None, Some("application/xml")),
    ];
    for (n, (content_type, accept)) in taken.into_iter().enumerate() {
        send(&okta, n, content_type, accept).await.expect(201);
    }
    for content_type in [
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "*/*",
    ] {
        send(&okta, 99, Some(content_type), None).await.expect_error(415, "");
    }
    assert_eq!(okta.get("/Users?count=0").await.expect(200)["totalResults"], taken.len());
}

async fn forbidden_and_unknown(world: World) {
    let (acme, beta) = (world.tenant("acme").await, world.tenant("beta").await);
    let theirs = id(&beta.create_user("b@x").await);
    let reader = world.client("acme", "scim:read").await;
    for endpoint in ["/Users", "/Groups"] {
        let foreign = format!("{endpoint}/{theirs}");
        let mine = format!("{endpoint}/00000000-0000-7000-8000-000000000000");
        let (foreign, mine) = (acme.get(&foreign).await, acme.get(&mine).await);
        foreign.expect_error(404, "");
        let blind = |reply: &Reply| {
            reply.json()["detail"].as_str().expect("a detail").split('"').next().map(str::to_owned)
        };
        assert_eq!(blind(&foreign), blind(&mine), "the same words as for nobody");
        reader.post(endpoint, &json!({})).await.expect_error(403, "");
    }
    world.set_status(&acme, TenantStatus::Inactive).await;
    acme.get("/Users").await.expect_error(403, "");
    acme.delete(&format!("/Users/{theirs}")).await.expect_error(403, "");
    beta.get(&format!("/Users/{theirs}")).await.expect(200);
}
