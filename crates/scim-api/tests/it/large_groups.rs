//! Groups with more members than are read at once, and many changes of one group.

use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    client::{Client, group, id, patch},
    world::World,
};

on_both!(
    all_members_are_sent,
    pages_of_large_groups,
    a_small_change_of_a_large_group_has_a_small_answer,
    an_answer_that_cannot_be_finished_is_broken_off,
    many_members_in_one_patch,
    many_clients_at_one_group,
);

/// Members of a group as they come: by id.
fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().unwrap_or_else(|| panic!("no members: {group}"));
    members.iter().map(|member| member["value"].as_str().expect("a value")).collect()
}

fn refs(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"value": id})).collect()
}

fn add(ids: &[String]) -> Value {
    patch(json!([{"op": "add", "path": "members", "value": refs(ids)}]))
}

/// A group with these members, by one PATCH; its path.
async fn filled(okta: &Client, name: &str, ids: &[String]) -> String {
    let path = format!("/Groups/{}", id(&okta.create_group(name, &[]).await));
    if !ids.is_empty() {
        assert!(okta.patch(&path, &add(ids)).await.status.is_success());
    }
    path
}

async fn all_members_are_sent(world: World) {
    let okta = world.tenant("acme").await;
    let ids = world.many_users(&okta, 2_500).await;
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let reply = okta.post("/Groups", &group("Everyone", &all)).await;
    let created = reply.expect(201);
    assert_eq!(members(&created), all);
    assert_eq!(reply.header("location"), created["meta"]["location"]);
    let path = format!("/Groups/{}", id(&created));

    let reply = okta.get(&path).await;
    let read = reply.expect(200);
    assert_eq!(read, created);
    assert_eq!(reply.header("etag"), read["meta"]["version"]);
    // Those that come later look like the first ones.
    for member in [&read["members"][0], &read["members"][2_499]] {
        let keys: Vec<_> = member.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["value", "$ref", "type"], "these users have no displayName");
    }
    assert_eq!(
        okta.get(&path).await.text.find("\"members\""),
        reply.text.find("\"members\""),
        "keys keep their order"
    );

    let values = okta.get(&format!("{path}?attributes=members.value")).await.expect(200);
    assert_eq!(members(&values), all);
    let bare = |member: &Value| member.as_object().is_some_and(|fields| fields.len() == 1);
    assert!(values["members"].as_array().expect("a list").iter().all(bare));
    let without =
        okta.get(&format!("{path}?excludedAttributes=members.display,members.type")).await.expect(200);
    assert_eq!(members(&without), all);
    assert_eq!(without["members"][2_400].as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(
        okta.get(&format!("{path}?excludedAttributes=members")).await.expect(200).get("members"),
        None
    );

    // The length of what is yet to be read is unknown; that of other answers is known.
    assert!(!okta.call("HEAD", &path, None).await.headers.contains_key("content-length"));
    let small = okta.call("HEAD", &format!("{path}?excludedAttributes=members"), None).await;
    assert!(small.headers.contains_key("content-length"));

    let body =
        json!({"schemas": created["schemas"], "displayName": "Everyone", "members": refs(&ids[100..])});
    assert_eq!(members(&okta.put(&path, &body).await.expect(200)), all[100..]);
}

async fn pages_of_large_groups(world: World) {
    let okta = world.tenant("acme").await;
    let ids = world.many_users(&okta, 2_500).await;
    // More than a page holds at once: one group in the middle is read in part, those after it not at all.
    let sizes = [3, 2_500, 0, 2_499, 1_700, 0, 5];
    for (number, size) in sizes.iter().enumerate() {
        filled(&okta, &format!("Group {number}"), &ids[..*size]).await;
    }
    for query in ["", "&sortBy=displayName&sortOrder=descending", "&attributes=displayName,members.value"] {
        let list = okta.get(&format!("/Groups?count=10{query}")).await.expect(200);
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(7), &json!(7)));
        let keys: Vec<_> = list.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["schemas", "totalResults", "startIndex", "itemsPerPage", "Resources"]);
        let mut groups = list["Resources"].as_array().cloned().expect("a list");
        groups.sort_by_key(|group| group["displayName"].as_str().map(str::to_owned));
        for (group, size) in groups.iter().zip(sizes) {
            assert_eq!(members(group), ids[..size], "{query}");
        }
    }
    let list = okta.get("/Groups?count=10&excludedAttributes=members").await.expect(200);
    assert!(list["Resources"].as_array().expect("a list").iter().all(|group| group.get("members").is_none()));
}

async fn a_small_change_of_a_large_group_has_a_small_answer(world: World) {
    let okta = world.tenant("acme").await;
    let ids = world.many_users(&okta, 1_003).await;
    let path = filled(&okta, "Everyone", &ids[..1_000]).await;
    assert_eq!(members(&okta.patch(&path, &add(&ids[..1])).await.expect(200)).len(), 1_000);

    let reply = okta.patch(&path, &add(&ids[1_000..1_001])).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert_eq!(reply.header("etag"), okta.get(&path).await.header("etag"));
    // The same once more changes nothing and has the same answer.
    assert_eq!(okta.patch(&path, &add(&ids[1_000..1_001])).await.header("etag"), reply.header("etag"));
    let rename = patch(json!([{"op": "replace", "value": {"displayName": "All"}}]));
    assert_eq!(okta.patch(&path, &rename).await.status, 204);

    // Who asks for attributes gets them.
    let asked = okta.patch(&format!("{path}?attributes=members"), &add(&ids[1_001..1_002])).await.expect(200);
    assert_eq!(members(&asked), ids[..1_002]);
    let asked =
        okta.patch(&format!("{path}?excludedAttributes=members"), &add(&ids[1_002..])).await.expect(200);
    assert_eq!((asked.get("members"), &asked["displayName"]), (None, &json!("All")));

    // One out, in either way of saying so: the others stay.
    let by_filter = patch(json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])}]));
    assert_eq!(okta.patch(&path, &by_filter).await.status, 204);
    let by_list = patch(json!([{"op": "remove", "path": "members", "value": refs(&ids[1..2])}]));
    assert_eq!(okta.patch(&path, &by_list).await.status, 204);
    assert_eq!(members(&okta.get(&path).await.expect(200)), ids[2..]);
    let nobody = patch(json!([{"op": "remove", "path": "members", "value": []}]));
    assert_eq!(okta.patch(&path, &nobody).await.status, 204);
    // As few as are read at once are sent again.
    let last = patch(json!([{"op": "remove", "path": "members", "value": refs(&ids[1_002..])}]));
    assert_eq!(members(&okta.patch(&path, &last).await.expect(200)), ids[2..1_002]);
}

async fn an_answer_that_cannot_be_finished_is_broken_off(world: World) {
    let okta = world.tenant("acme").await;
    let ids = world.many_users(&okta, 1_500).await;
    let path = filled(&okta, "Everyone", &ids).await;
    let response = okta.app.clone().oneshot(okta.request("GET", &path, None)).await.expect("infallible");
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let first = body.frame().await.expect("a frame").expect("is read").into_data().expect("data");
    assert!(first.starts_with(b"{") && !first.ends_with(b"]"));
    assert_eq!(okta.delete(&path).await.status, 204);
    // Without members the list would end here, and look whole.
    body.frame().await.expect("something follows").expect_err("an end that is none");
}

async fn many_members_in_one_patch(world: World) {
    let okta = world.tenant("acme").await;
    let ids = world.many_users(&okta, 10_000).await;
    for count in [256, 10_000] {
        let path = filled(&okta, &format!("Group of {count}"), &[]).await;
        assert_eq!(okta.patch(&path, &add(&ids[..count])).await.status, 204);
        assert_eq!(members(&okta.get(&path).await.expect(200)), ids[..count]);
        let remove = patch(json!([{"op": "remove", "path": "members", "value": refs(&ids[1..count])}]));
        assert_eq!(okta.patch(&path, &remove).await.status, 204);
        assert_eq!(members(&okta.get(&path).await.expect(200)), ids[..1]);
    }
}

/// Each client adds members of its own, takes one out that was there, and repeats the name as Okta does.
async fn many_clients_at_one_group(world: World) {
    let okta = world.tenant("acme").await;
    let ids = world.many_users(&okta, 128).await;
    let (leavers, others) = ids.split_at(32);
    let path = &filled(&okta, "Busy", leavers).await;
    let changes = leavers.iter().zip(others.chunks(3)).map(|(leaver, joiners)| {
        let okta = okta.clone();
        async move {
            let body = patch(json!([
                {"op": "replace", "value": {"displayName": "Busy"}},
                {"op": "remove", "path": format!("members[value eq \"{leaver}\"]")},
                {"op": "add", "path": "members", "value": refs(joiners)},
            ]));
            okta.patch(path, &body).await.expect(200);
        }
    });
    futures::future::join_all(changes).await;
    let after = okta.get(path).await.expect(200);
    assert_eq!(members(&after), others);
    assert_eq!(after["meta"]["version"], "W/\"34\"", "made, filled, 32 changes");
}
