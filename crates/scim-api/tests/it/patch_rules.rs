//! PATCH (RFC 7644 §3.5.2) over HTTP.

use serde_json::{Value, json};

use crate::{
    client::{Client, Reply, at, id, user},
    profiles::{ENTERPRISE, USER},
    world::World,
};

on_both!(
    all_or_nothing_and_in_order,
    what_is_refused,
    what_operations_do,
    what_is_there_already_changes_nothing,
    one_primary_at_most,
    members_by_operation,
    one_of_many_members_goes_alone,
    operations_are_counted,
    what_is_removed_stays_removed,
);

/// Ann, with something of everything.
async fn ann(okta: &Client, name: &str) -> String {
    let mut body = user(name);
    body["schemas"] = json!([USER, ENTERPRISE]);
    body["emails"] = json!([
        {"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"},
    ]);
    body[ENTERPRISE] = json!({"department": "Surgery", "manager": {"value": "7"}});
    format!("/Users/{}", id(&okta.post("/Users", &body).await.expect(201)))
}

fn unchanged(before: &Reply, after: &Reply) {
    assert_eq!(after.header("etag"), before.header("etag"), "{after:?}");
    assert_eq!(after.json()["meta"], before.json()["meta"]);
}

async fn all_or_nothing_and_in_order(world: World) {
    let okta = world.tenant("acme").await;
    let path = ann(&okta, "order@x").await;
    let operations = json!([
        {"op": "add", "path": "title", "value": "a"},
        {"op": "replace", "path": "title", "value": "b"},
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "title", "value": "c"},
        {"op": "add", "path": "emails", "value": [{"value": "n@x"}]},
        {"op": "remove", "path": "emails[value eq \"n@x\"]"},
    ]);
    let done = okta.operate(&path, operations).await.expect(200);
    assert_eq!((&done["title"], done["emails"].as_array().map(Vec::len)), (&json!("c"), Some(2)));

    let before = okta.get(&path).await;
    let events = world.events(&okta).await;
    let operations = json!([
        {"op": "replace", "path": "title", "value": "z"},
        {"op": "remove", "path": "emails"},
        {"op": "replace", "path": "active", "value": "perhaps"},
    ]);
    let refused = okta.operate(&path, operations).await.expect_error(400, "invalidValue");
    assert!(refused.contains("Operations[2]"), "{refused}");
    unchanged(&before, &okta.get(&path).await);
    assert_eq!(world.events(&okta).await, events);

    // Members and document are one change, too.
    let user_id = path.trim_start_matches("/Users/");
    let team = format!("/Groups/{}", id(&okta.create_group("G", &[]).await));
    let before = okta.get(&team).await;
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": user_id}]},
        {"op": "remove", "path": "displayName"},
    ]);
    okta.operate(&team, operations).await.expect_error(400, "mutability");
    unchanged(&before, &okta.get(&team).await);
    assert_eq!(okta.get(&team).await.json(), before.json());
}

async fn what_is_refused(world: World) {
    let okta = world.tenant("acme").await;
    let path = ann(&okta, "refused@x").await;
    let before = okta.get(&path).await;
    for (operations, scim_type) in [
        (json!(null), "invalidSyntax"),
        (json!([]), "invalidSyntax"),
        (json!({}), "invalidSyntax"),
        (json!({"op": "remove", "path": "title"}), "invalidSyntax"),
        (json!("remove"), "invalidSyntax"),
        (json!([[]]), "invalidSyntax"),
        (json!([{"op": "move", "path": "title"}]), "invalidSyntax"),
        (json!([{"op": 1, "path": "title"}]), "invalidSyntax"),
        (json!([{"path": "title", "value": "x"}]), "invalidSyntax"),
        (json!([{"op": "add", "path": ["title"], "value": "x"}]), "invalidSyntax"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "remove", "value": {"title": "x"}}]), "noTarget"),
        (json!([{"op": "add", "path": "shoe", "value": "x"}]), "invalidPath"),
        (json!([{"op": "remove", "path": "emails.shoe"}]), "invalidPath"),
        (json!([{"op": "add", "path": "urn:example:nobody:shoe", "value": "x"}]), "invalidPath"),
        (json!([{"op": "add", "path": "emails[type eq \"work\"", "value": "x"}]), "invalidPath"),
        (json!([{"op": "add", "path": "emails[type eq \"work\"].a.b", "value": "x"}]), "invalidPath"),
        (json!([{"op": "add", "path": "name[givenName pr].familyName", "value": "x"}]), "invalidPath"),
        (json!([{"op": "add", "path": "emails[type lte \"work\"].value", "value": "x"}]), "invalidFilter"),
        (json!([{"op": "add", "path": "emails[].value", "value": "x"}]), "invalidFilter"),
        (json!([{"op": "add", "path": "emails[type eq work].value", "value": "x"}]), "invalidFilter"),
        (json!([{"op": "remove", "path": "userName"}]), "mutability"),
        (json!([{"op": "replace", "path": "userName", "value": ""}]), "invalidValue"),
        (json!([{"op": "replace", "value": {"userName": null}}]), "invalidValue"),
        (json!([{"op": "add", "path": "title"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "title", "value": {"a": "b"}}]), "invalidValue"),
        // Only `eq` describes an element that could be made.
        (
            json!([{"op": "replace", "path": "ims[type eq \"a\" or type eq \"b\"].value", "value": "x"}]),
            "noTarget",
        ),
        (json!([{"op": "replace", "path": "ims[type ne \"a\"].value", "value": "x"}]), "noTarget"),
        (json!([{"op": "add", "path": "ims[type co \"a\"].value", "value": "x"}]), "noTarget"),
        (json!([{"op": "add", "path": "ims[type pr].value", "value": "x"}]), "noTarget"),
        (json!([{"op": "add", "path": "ims[not (type eq \"a\")].value", "value": "x"}]), "noTarget"),
    ] {
        okta.operate(&path, operations.clone()).await.expect_error(400, scim_type);
        unchanged(&before, &okta.get(&path).await);
    }
    okta.patch(&path, &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}))
        .await
        .expect_error(400, "invalidSyntax");
}

async fn what_operations_do(world: World) {
    let okta = world.tenant("acme").await;
    let (work, home) =
        (json!({"value": "w@x", "type": "work", "primary": true}), json!({"value": "h@x", "type": "home"}));
    // What each does to Ann: where to look, and what is there afterwards.
    let table: Vec<(Value, &str, Value)> = vec![
        // A complex attribute keeps what is not mentioned; a list is replaced.
        (
            json!({"op": "replace", "path": "name", "value": {"givenName": "Eva"}}),
            "/name",
            json!({"familyName": "Family", "givenName": "Eva"}),
        ),
        (
            json!({"op": "replace", "value": {"name": {"givenName": "Eva"}}}),
            "/name",
            json!({"familyName": "Family", "givenName": "Eva"}),
        ),
        (
            json!({"op": "replace", "path": "emails", "value": [{"value": "n@x"}]}),
            "/emails",
            json!([{"value": "n@x"}]),
        ),
        (json!({"op": "replace", "path": "nickName", "value": "E"}), "/nickName", json!("E")),
        (json!({"op": "replace", "path": "ims", "value": [{"value": "i"}]}), "/ims", json!([{"value": "i"}])),
        // One object stands for a list of one.
        (
            json!({"op": "replace", "path": "emails", "value": {"value": "n@x"}}),
            "/emails",
            json!([{"value": "n@x"}]),
        ),
        (
            json!({"op": "add", "path": "emails", "value": {"value": "n@x"}}),
            "/emails/2",
            json!({"value": "n@x"}),
        ),
        (json!({"op": "remove", "path": "emails", "value": {"value": "h@x"}}), "/emails", json!([work])),
        // Every element, every match.
        (
            json!({"op": "replace", "path": "emails.type", "value": "other"}),
            "/emails",
            json!([{"value": "w@x", "type": "other", "primary": true}, {"value": "h@x", "type": "other"}]),
        ),
        (
            json!({"op": "replace", "path": "emails[primary ne true].type", "value": "other"}),
            "/emails/1/type",
            json!("other"),
        ),
        (
            json!({"op": "add", "path": "emails[value ew \"@x\"].display", "value": "D"}),
            "/emails",
            json!([
                {"value": "w@x", "display": "D", "type": "work", "primary": true},
                {"value": "h@x", "display": "D", "type": "home"},
            ]),
        ),
        // A match takes what is given and keeps the rest.
        (
            json!({"op": "replace", "path": "emails[type eq \"home\"]", "value": {"display": "H", "shoe": 1}}),
            "/emails/1",
            json!({"value": "h@x", "display": "H", "type": "home"}),
        ),
        // Removal: nobody there, the last one, by filter, by value.
        (json!({"op": "remove", "path": "title"}), "/emails", json!([work, home])),
        (json!({"op": "remove", "path": "emails[type eq \"fax\"]"}), "/emails", json!([work, home])),
        (json!({"op": "remove", "path": "emails[value pr]"}), "/emails", json!(null)),
        (json!({"op": "remove", "path": "emails"}), "/emails", json!(null)),
        (json!({"op": "remove", "path": "emails[type eq \"work\"]"}), "/emails", json!([home])),
        (json!({"op": "remove", "path": "emails", "value": []}), "/emails", json!([work, home])),
        (
            json!({"op": "remove", "path": "emails", "value": [{"value": "h@x", "type": "home"}]}),
            "/emails",
            json!([work]),
        ),
        (
            json!({"op": "remove", "path": "emails", "value": [{"value": "h@x", "type": "work"}]}),
            "/emails",
            json!([work, home]),
        ),
        (
            json!({"op": "remove", "path": "displayName", "value": "Somebody Else"}),
            "/displayName",
            json!(null),
        ),
        // The missing element is made of an `eq` filter.
        (
            json!({"op": "replace", "path": "phoneNumbers[type eq \"Mobile\"].value", "value": "1"}),
            "/phoneNumbers",
            json!([{"value": "1", "type": "Mobile"}]),
        ),
        (
            json!({"op": "add", "path": "addresses[type eq \"work\" and primary eq true].country", "value": "US"}),
            "/addresses",
            json!([{"country": "US", "type": "work", "primary": true}]),
        ),
        // Dots, brackets and quotes in a literal.
        (
            json!({"op": "add", "path": "ims[value eq \"a.b]\\\"c\"].type", "value": "x"}),
            "/ims",
            json!([{"value": "a.b]\"c", "type": "x"}]),
        ),
        // Unknown names in a value and unknown keys of an operation do nothing.
        (
            json!({"op": "add", "path": "name", "value": {"shoe": 1}, "name": "addMember"}),
            "/emails",
            json!([work, home]),
        ),
        (json!({"op": "add", "value": {"shoe": 1, "title": "Dr"}}), "/title", json!("Dr")),
        (json!({"OP": "AdD", "PATH": "TITLE", "VALUE": "Dr"}), "/title", json!("Dr")),
    ];
    for (n, (operation, pointer, wanted)) in table.into_iter().enumerate() {
        let path = ann(&okta, &format!("ann{n}@x")).await;
        let answer = okta.operate(&path, json!([operation])).await.expect(200);
        assert_eq!(at(&answer, pointer), wanted, "{operation}");
        assert_eq!(okta.get(&path).await.expect(200), answer, "{operation}");
    }
    let path = ann(&okta, "literal@x").await;
    let odd = json!([
        {"op": "add", "path": "ims", "value": [{"value": "a.b]\"c"}]},
        {"op": "replace", "path": "ims[value eq \"a.b]\\\"c\"].type", "value": "found"},
    ]);
    let answer = okta.operate(&path, odd).await.expect(200);
    assert_eq!(answer["ims"], json!([{"value": "a.b]\"c", "type": "found"}]));
}

async fn what_is_there_already_changes_nothing(world: World) {
    let okta = world.tenant("acme").await;
    let path = ann(&okta, "same@x").await;
    let user_id = path.trim_start_matches("/Users/").to_owned();
    let before = okta.get(&path).await;
    let events = world.events(&okta).await;
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "h@x", "type": "home"}]}),
        json!({"op": "add", "path": "emails", "value": [{"value": "w@x"}]}),
        json!({"op": "add", "path": "userName", "value": "same@x"}),
        json!({"op": "add", "value": {"active": true, "name": {"givenName": "Given"}}}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@x"}),
        json!({"op": "replace", "path": "active", "value": "True"}),
        json!({"op": "remove", "path": "title"}),
        json!({"op": "remove", "path": "emails[value eq \"nobody@x\"]"}),
    ] {
        unchanged(&before, &okta.operate(&path, json!([operation])).await);
    }
    let team = format!("/Groups/{}", id(&okta.create_group("G", &[&user_id]).await));
    let (before, events) = (okta.get(&team).await, world.events(&okta).await - events);
    assert!(events > 0);
    let events = world.events(&okta).await;
    for operation in [
        json!({"op": "add", "path": "members", "value": [{"value": user_id}]}),
        json!({"op": "replace", "path": "members", "value": [{"value": user_id}]}),
        json!({"op": "remove", "path": "members[value eq \"nobody\"]"}),
        json!({"op": "replace", "value": {"displayName": "G"}}),
    ] {
        unchanged(&before, &okta.operate(&team, json!([operation])).await);
    }
    assert_eq!(world.events(&okta).await, events);
}

async fn one_primary_at_most(world: World) {
    let okta = world.tenant("acme").await;
    for (n, operations) in [
        json!([{"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": true}]}]),
        json!([{"op": "add", "value": {"emails": [{"value": "n@x", "primary": "True"}]}}]),
        json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]),
        json!([{"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}]),
        json!([{"op": "add", "path": "emails[type eq \"fax\"].value", "value": "f@x"},
               {"op": "add", "path": "emails[type eq \"fax\"].primary", "value": true}]),
    ]
    .into_iter()
    .enumerate()
    {
        let path = ann(&okta, &format!("one{n}@x")).await;
        let emails = okta.operate(&path, operations.clone()).await.expect(200)["emails"].clone();
        let primary: Vec<&Value> =
            emails.as_array().expect("a list").iter().filter(|email| email["primary"] == true).collect();
        assert_eq!(primary.len(), 1, "{operations}");
        assert_ne!(primary[0]["value"], "w@x", "{operations}: the mark moved");
        assert_eq!(emails[0]["primary"], false, "{operations}");
    }
    let path = ann(&okta, "two@x").await;
    for operation in [
        json!({"op": "replace", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        json!({"op": "add", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        json!({"op": "replace", "path": "emails.primary", "value": true}),
    ] {
        let refused = okta.operate(&path, json!([operation])).await.expect_error(400, "invalidValue");
        assert!(refused.contains("primary"), "{refused}");
    }
    let mut body = user("three@x");
    body["emails"] = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    okta.post("/Users", &body).await.expect_error(400, "invalidValue");
}

async fn members_by_operation(world: World) {
    let okta = world.tenant("acme").await;
    let mut ids = Vec::new();
    for name in ["a@x", "b@x", "c@x"] {
        ids.push(id(&okta.create_user(name).await));
    }
    let [a, b, c] = [&ids[0], &ids[1], &ids[2]];
    let group_id = id(&okta.create_group("G", &[]).await);
    let team = format!("/Groups/{group_id}");
    // Each starts from a and b.
    for (operation, wanted) in [
        (json!({"op": "add", "path": "members", "value": [{"value": c}]}), vec![a, b, c]),
        (json!({"op": "add", "path": "members", "value": {"value": c}}), vec![a, b, c]),
        (json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": c}]}), vec![a, b, c]),
        (json!({"op": "add", "value": {"members": [{"value": c}]}}), vec![a, b, c]),
        (json!({"op": "add", "path": "members", "value": []}), vec![a, b]),
        (json!({"op": "remove", "path": format!("members[value eq \"{a}\"]")}), vec![b]),
        (json!({"op": "remove", "path": format!("members[value eq \"{a}\" or value eq \"{b}\"]")}), vec![]),
        (json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": a}]}), vec![b]),
        (json!({"op": "remove", "path": "members", "value": {"value": a}}), vec![b]),
        (json!({"op": "remove", "path": "members", "value": [{"value": c}]}), vec![a, b]),
        (json!({"op": "remove", "path": "members", "value": []}), vec![a, b]),
        (json!({"op": "remove", "path": "members", "value": {"members": [{"value": b}]}}), vec![a]),
        (json!({"op": "remove", "path": "members"}), vec![]),
        (json!({"op": "replace", "path": "members", "value": [{"value": c}]}), vec![c]),
        (json!({"op": "replace", "path": "members", "value": {"value": c}}), vec![c]),
        (json!({"op": "replace", "path": "members", "value": []}), vec![]),
        (json!({"op": "replace", "value": {"members": [], "id": group_id, "displayName": "G"}}), vec![]),
    ] {
        okta.put(&team, &crate::client::group("G", &[a, b])).await.expect(200);
        let answer = okta.operate(&team, json!([operation])).await.expect(200);
        let mut members: Vec<String> = answer["members"]
            .as_array()
            .expect("a 200 carries the members")
            .iter()
            .map(|member| member["value"].as_str().expect("an id").to_owned())
            .collect();
        members.sort();
        let mut wanted: Vec<&str> = wanted.into_iter().map(String::as_str).collect();
        wanted.sort_unstable();
        assert_eq!(members, wanted, "{operation}");
    }
}

/// A member goes, and nothing is written for those who stay: as many events as in a group of three.
async fn one_of_many_members_goes_alone(world: World) {
    let okta = world.tenant("acme").await;
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(id(&okta.create_user(&format!("m{n}@x")).await));
    }
    let mut written = Vec::new();
    for (name, count) in [("Few", 3), ("Many", 300)] {
        let members: Vec<&str> = ids[..count].iter().map(String::as_str).collect();
        let team = format!("/Groups/{}", id(&okta.create_group(name, &members).await));
        let events = world.events(&okta).await;
        for operation in [
            json!({"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])}),
            json!({"op": "remove", "path": "members", "value": [{"value": ids[1]}]}),
            json!({"op": "remove", "path": "members", "value": []}),
        ] {
            okta.operate(&format!("{team}?attributes=displayName"), json!([operation])).await.expect(200);
        }
        written.push(world.events(&okta).await - events);
        let left = okta.get(&team).await.expect(200)["members"].clone();
        let mut left: Vec<&str> =
            left.as_array().expect("members").iter().filter_map(|member| member["value"].as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, members[2..], "{name}");
    }
    assert!(written[0] > 0 && written[0] == written[1], "{written:?}");
}

async fn operations_are_counted(world: World) {
    let okta = world.tenant("acme").await;
    let path = ann(&okta, "many@x").await;
    let titles = |count: usize| -> Value {
        (0..count).map(|n| json!({"op": "replace", "path": "title", "value": n.to_string()})).collect()
    };
    assert_eq!(okta.operate(&path, titles(1_500)).await.expect(200)["title"], "1499");
    let refused = okta.operate(&path, titles(10_001)).await.expect_error(413, "");
    assert!(refused.contains("10000"), "{refused}");
    let team = format!("/Groups/{}", id(&okta.create_group("G", &[]).await));
    let members = |count: usize| -> Value { (0..count).map(|n| json!({"value": n.to_string()})).collect() };
    let add = |count| json!([{"op": "add", "path": "members", "value": members(count)}]);
    assert_eq!(okta.operate(&team, add(2_000)).await.status, 204);
    let refused = okta.operate(&team, add(100_001)).await.expect_error(413, "");
    assert!(refused.contains("100000"), "{refused}");
}

async fn what_is_removed_stays_removed(world: World) {
    let okta = world.tenant("acme").await;
    let path = ann(&okta, "gone@x").await;
    for name in ["active", "displayName", "name"] {
        let answer = okta.operate(&path, json!([{"op": "remove", "path": name}])).await.expect(200);
        assert!(answer.get(name).is_none(), "{name}: {answer}");
        assert!(okta.get(&path).await.expect(200).get(name).is_none(), "{name}");
    }
    // Whoever is not said to be inactive is active.
    assert_eq!(okta.found("/Users", "not (active eq false)").await, ["gone@x"]);
}
