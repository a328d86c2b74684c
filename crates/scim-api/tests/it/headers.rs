//! Status, headers and versions.

use http::HeaderValue;
use serde_json::json;

use crate::{
    client::{id, patch, user},
    world::World,
};

on_both!(versions, deletion, head, accept_is_no_obstacle, request_ids);

async fn versions(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.post("/Users", &user("v@example.com")).await;
    let body = created.expect(201);
    let first = created.header("etag").to_owned();
    assert!(first.starts_with("W/\"") && body["meta"]["version"] == first.as_str(), "{created:?}");
    assert_eq!(created.header("location"), body["meta"]["location"]);
    for (endpoint, body) in [
        ("Users", patch(json!([{"op": "replace", "value": {"title": "One"}}]))),
        ("Groups", patch(json!([{"op": "replace", "value": {"displayName": "One"}}]))),
    ] {
        let first = if endpoint == "Users" {
            created.clone()
        } else {
            okta.post("/Groups", &crate::client::group("Zero", &[])).await
        };
        let path = format!("/{endpoint}/{}", id(&first.expect(201)));
        let first = first.header("etag").to_owned();

        for same in [first.as_str(), "*", &first[2..], &format!("\"x\", {first}")] {
            let reply = okta.call_with("GET", &path, None, ("if-none-match", same)).await;
            assert_eq!((reply.status.as_u16(), reply.text.as_str()), (304, ""), "{same}");
            assert_eq!(reply.header("etag"), first);
        }
        okta.call_with("GET", &path, None, ("if-none-match", "W/\"other\"")).await.expect(200);

        let changed = okta.call_with("PATCH", &path, Some(&body), ("if-match", &first)).await;
        changed.expect(200);
        let second = changed.header("etag").to_owned();
        assert_ne!(first, second);
        let stale = ("if-match", first.as_str());
        let whole = okta.get(&path).await.expect(200);
        okta.call_with("PATCH", &path, Some(&body), stale).await.expect_error(412, "");
        okta.call_with("PUT", &path, Some(&whole), stale).await.expect_error(412, "");
        okta.call_with("DELETE", &path, None, stale).await.expect_error(412, "");
        okta.call_with("DELETE", &path, None, ("if-match", "nonsense")).await.expect_error(412, "");
        assert_eq!(okta.get(&path).await.header("etag"), second);
        okta.call_with("PUT", &path, Some(&whole), ("if-match", "*")).await.expect(200);
        let missing = "/Users/00000000-0000-7000-8000-000000000000";
        okta.call_with("PUT", missing, Some(&whole), stale).await.expect_error(404, "");
        assert_eq!(okta.call_with("DELETE", &path, None, ("if-match", &second)).await.status, 204);
    }
}

async fn deletion(world: World) {
    let okta = world.tenant("acme").await;
    let user_id = id(&okta.create_user("gone@example.com").await);
    let group_id = id(&okta.create_group("Left", &[&user_id]).await);
    let path = format!("/Users/{user_id}");
    let reply = okta.delete(&path).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    okta.get(&path).await.expect_error(404, "");
    okta.put(&path, &user("gone@example.com")).await.expect_error(404, "");
    okta.patch(&path, &patch(json!([{"op": "replace", "value": {"title": "x"}}])))
        .await
        .expect_error(404, "");
    okta.delete(&path).await.expect_error(404, "");
    assert_eq!(
        okta.filter("/Users", "userName eq \"gone@example.com\"").await.expect(200)["totalResults"],
        0
    );
    let group = okta.get(&format!("/Groups/{group_id}")).await.expect(200);
    assert!(group["members"].as_array().is_none_or(Vec::is_empty), "{group}");
    let again = okta.create_user("gone@example.com").await;
    assert_ne!(again["id"], user_id.as_str(), "ids are not used again");

    let keeper = world.tenant_of("epic-emp", "epic").await;
    let path = format!("/Users/{}", id(&keeper.create_user("kept@example.com").await));
    assert_eq!(keeper.delete(&path).await.status, 204);
    assert_eq!(keeper.get(&path).await.expect(200)["active"], false, "this product deactivates");
}

async fn head(world: World) {
    let okta = world.tenant("acme").await;
    let path = format!("/Users/{}", id(&okta.create_user("head@example.com").await));
    let missing = "/Users/none".to_owned();
    for path in [path, "/Users".to_owned(), "/ServiceProviderConfig".to_owned(), missing] {
        let get = okta.get(&path).await;
        let head = okta.call("HEAD", &path, None).await;
        assert_eq!(head.status, get.status);
        assert_eq!(head.text, "");
        // The length of an error differs by nothing: request ids are all of one length.
        assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
        assert_eq!(head.headers.get("etag"), get.headers.get("etag"));
        assert_eq!(head.headers.get("location"), get.headers.get("location"));
    }
}

async fn accept_is_no_obstacle(world: World) {
    let okta = world.tenant("acme").await;
    for accept in ["application/json", "*/*", "text/html", ""] {
        okta.call_with("GET", "/Users", None, ("accept", accept)).await.expect(200);
    }
    let mut request = okta.request("GET", "/Users", None);
    request.headers_mut().remove("accept");
    request.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    okta.send(request).await.expect(200);
}

async fn request_ids(world: World) {
    let okta = world.tenant("acme").await;
    let kept = okta.call_with("GET", "/Users/x", None, ("x-request-id", "trace.1_a-B")).await;
    assert_eq!(kept.header("x-request-id"), "trace.1_a-B");
    let replaced = okta.call_with("GET", "/Users/x", None, ("x-request-id", "a b\"<script>")).await;
    assert!(!replaced.header("x-request-id").contains(' '));
    let created =
        okta.call_with("POST", "/Users", Some(&user("r@example.com")), ("x-request-id", "cause-1")).await;
    let user_id = id(&created.expect(201));
    let audit = world.scope(&okta).await.audit(Some(&user_id), 10).await.expect("audit");
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].cause.as_str(), audit[0].event.as_str()), ("cause-1", "user.created"));
    assert!(matches!(audit[0].actor.kind, store::ActorKind::Credential), "{:?}", audit[0].actor);
}
